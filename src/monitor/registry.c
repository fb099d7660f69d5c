/* All monitors, alphabetical. A new one is a file, a line here, a test and a card. */
#include <string.h>

#include "midstream/monitor.h"

#define MONITORS(X)     \
    X(box)              \
    X(entropy_max)      \
    X(entropy_mean)     \
    X(length)           \
    X(lexicon)          \
    X(mahalanobis)      \
    X(ngram_lr)         \
    X(probe_ema)        \
    X(probe_linear)     \
    X(prompt_only)      \
    X(random)           \
    X(refusal_cue)      \
    X(surprisal_max)    \
    X(surprisal_mean)

#define X(name) extern const mid_monitor_ops mid__monitor_##name;
MONITORS(X)
#undef X

static const mid_monitor_ops *const all[] = {
#define X(name) &mid__monitor_##name,
    MONITORS(X)
#undef X
    NULL
};

const mid_monitor_ops *const *mid_monitor_list(void) { return all; }

const mid_monitor_ops *mid_monitor_find(const char *name)
{
    size_t i;

    for (i = 0; all[i]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}
