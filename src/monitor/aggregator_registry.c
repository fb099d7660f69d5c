/* All aggregators, alphabetical. A new one is a file, a line here, a test and a part of docs/monitors/aggregators.md. */
#include <string.h>

#include "midstream/aggregator.h"

#define AGGREGATORS(X)  \
    X(cusum)            \
    X(ema)              \
    X(in_a_row)         \
    X(kth_largest)      \
    X(last)             \
    X(max)              \
    X(mean)             \
    X(noisy_or)         \
    X(position_norm)    \
    X(top_mean)         \
    X(window)

#define X(name) extern const mid_aggregator_ops mid__aggregator_##name;
AGGREGATORS(X)
#undef X

static const mid_aggregator_ops *const all[] = {
#define X(name) &mid__aggregator_##name,
    AGGREGATORS(X)
#undef X
    NULL
};

const mid_aggregator_ops *const *mid_aggregator_list(void) { return all; }

const mid_aggregator_ops *mid_aggregator_find(const char *name)
{
    size_t i;

    for (i = 0; all[i]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}
