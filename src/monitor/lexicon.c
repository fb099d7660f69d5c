/* Weighted word list on the answer's text: B1.
 *   mode 0   S_t = max weight of the matches so far, 0 before the first: never falls
 *   mode 1   S_t = (1/sqrt t) sum of their weights, a match each time it occurs
 * A match counts from the token that brings the character behind it, since only then the word is known to be over;
 * so how the tokens cut the text changes nothing but when a match is first seen (base/words.h).
 * Source: lexicon filters on streamed text, e.g. the LDNOOBW lists; the words and weights are ours (data/lexicon). */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "base/words.h"
#include "monitor/lexicon_data.h"
#include "monitor/monitor.h"

struct plan { mid__words *words; bool sums; };
struct state { mid__words_state words; uint64_t n_tok; double largest, sum; };

static void close_plan(void *plan)
{
    struct plan *p = plan;

    if (p)
        mid__words_close(p->words);
    free(p);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const char *list = mid__param_text(params, "list");
    const double mode = mid__param_number(params, "mode");
    const mid__lexicon *own = &mid__lexicon_monitor;
    struct plan *p;
    mid_status status;

    (void)weights; (void)signals;
    if (mode != 0 && mode != 1)
        return mid__fail(ctx, MID_EINVAL, "mode %g: 0 for the largest weight or 1 for sum / sqrt t", mode);
    p = calloc(1, sizeof *p);
    if (!p)
        return mid__oom(ctx, "a word list");
    p->sums = mode == 1;
    status = list[0] ? mid__words_load(ctx, list, &p->words)
                     : mid__words_open(ctx, own->term, own->weight, own->n, &p->words);
    if (status != MID_OK) {
        close_plan(p);
        return status;
    }
    *plan = p;
    return MID_OK;
}

static void hit(void *user, size_t i_term, double weight, uint64_t end_byte)
{
    struct state *s = user;

    (void)i_term; (void)end_byte;
    s->largest = fmax(s->largest, weight);
    s->sum += weight;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;

    mid__words_put(p->words, &s->words, step->text, step->n_text, hit, s);
    s->n_tok += 1;
    *score = p->sums ? s->sum / sqrt((double)s->n_tok) : s->largest;
    return MID_OK;
}

static const mid_param params_[] = {
    { "list", 0, "", "JSON Lines of {\"term\", \"weight\"}; empty: our own list" },
    { "mode", 0, NULL, "0: largest weight so far; 1: sum of weights / sqrt(tokens)" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_lexicon = {
    .name = "lexicon", .version = 1,
    .summary = "largest weight of a suspicious word or phrase so far", .unit = "weight",
    .source = "lexicon filters on a stream; Aho & Corasick 1975",
    .box = MID_BOX_BLACK, .needs = MID_SIG_TEXT, .shares = MID_SHARE_MONITOR_WORDS, .params = params_,
    .open = open_plan, .close = close_plan,
    .state_size = sizeof(struct state), .push = push,
};
