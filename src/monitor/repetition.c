/* Repetition in the last tokens: a trivial baseline of B9.
 *   S_t = o (1 - distinct / all) over the n-grams of the last 64 tokens, n = 4;   0 while there are fewer than n tokens
 * A token is what the source gave at a time, told by its bytes. Whether a repeating answer is the unsafe one depends on
 * model and task, so o is +1 or -1, chosen on the fit answers after a whole window (monitor/orientation.h; 16 tokens
 * hardly repeat anything), +1 where they do not tell.
 * Source: seq-rep-n, Welleck et al. 2019 (arXiv 1908.04319); they look at a whole continuation, we at a window. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "monitor/orientation.h"

enum { WINDOW_TOK = 64, N_MAX = 8 };

struct plan { uint32_t n; double orientation; };
struct state {
    uint64_t n_tok;
    uint64_t token[N_MAX];          /* the last n, token i at i % N_MAX */
    uint64_t gram[WINDOW_TOK];      /* the window's n-grams, the one that ends with token i at i % (64 - n + 1) */
    uint32_t n_gram, n_distinct;
};

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__orientation_fit_at(ctx, mid_monitor_find("repetition"), set, params, 1, WINDOW_TOK, out);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const double n = mid__param_number(params, "n");
    double orientation;
    struct plan *p;
    mid_status status = mid__orientation_of(ctx, weights, &orientation);

    (void)signals;
    if (status != MID_OK)
        return status;
    if (!(n >= 1 && n <= N_MAX && n == floor(n)))
        return mid__fail(ctx, MID_EINVAL, "n %g: must be a whole number, 1 to %d", n, N_MAX);
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "repetition");
    *p = (struct plan){ (uint32_t)n, orientation };
    *plan = p;
    return MID_OK;
}

/* The n-gram that ends with the newest token; its tokens in order. */
static uint64_t newest_gram(const struct state *s, uint32_t n)
{
    uint64_t h = MID__FNV_START, i;

    for (i = s->n_tok - n; i < s->n_tok; i++)
        h = mid__fnv(h, &s->token[i % N_MAX], sizeof s->token[0]);
    return h;
}

static bool has_gram(const struct state *s, uint64_t gram, uint32_t but)
{
    uint32_t i;

    for (i = 0; i < s->n_gram; i++)
        if (i != but && s->gram[i] == gram)
            return true;
    return false;
}

/* Put an n-gram in the place of the oldest. */
static void put_gram(struct state *s, uint64_t gram, uint32_t n)
{
    const uint32_t room = WINDOW_TOK - n + 1, at = (uint32_t)((s->n_tok - n) % room);

    if (s->n_gram == room)
        s->n_distinct -= !has_gram(s, s->gram[at], at);
    else
        s->n_gram += 1;
    s->n_distinct += !has_gram(s, gram, at);
    s->gram[at] = gram;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;

    s->token[s->n_tok % N_MAX] = mid__fnv(MID__FNV_START, step->text, step->n_text);
    s->n_tok += 1;
    if (s->n_tok >= p->n)
        put_gram(s, newest_gram(s, p->n), p->n);
    *score = s->n_gram ? p->orientation * (1 - (double)s->n_distinct / s->n_gram) : 0;
    return MID_OK;
}

static const mid_param params_[] = {
    { "n", 4, NULL, "tokens in an n-gram" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_repetition = {
    .name = "repetition", .version = 2,
    .summary = "share of repeated n-grams among the last 64 tokens", .unit = "share",
    .source = "seq-rep-n, Welleck et al. 2019, arXiv 1908.04319",
    .box = MID_BOX_BLACK, .needs = MID_SIG_TEXT, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};
