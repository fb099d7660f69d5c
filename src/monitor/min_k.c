/* Min-k% probability: G7.
 *   S_t = mean of the r = ceil(k t / 100) largest -ln p so far, nats
 * Kept exactly this takes two heaps that grow with the answer. We keep a histogram of -ln p instead: 512 bins of 1/16
 * nat from 0 to 32, each with its count and its sum. Bins that belong wholly to the r largest enter exactly. Of the
 * one bin that r cuts, with c tokens of which m belong, m times its mean is taken: too little, by at most
 * (m / r) (1 - m / c) / 16 < 1/16 nat. The last bin also takes everything above 32 nats (p < 1e-13), without a bound.
 * Source: Shi et al. 2023 (arXiv 2310.16789), who ask whether a finished text was trained on; we score every prefix. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "monitor/monitor.h"

enum { N_BIN = 512, BINS_PER_NAT = 16, N_WORD = N_BIN / 64 };

struct plan { double share; };
/* used: a bit for each bin that holds anything, so that empty ones cost nothing. */
struct state { double sum[N_BIN]; uint32_t count[N_BIN]; uint64_t used[N_WORD], n; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const double k = mid__param_number(params, "k");
    struct plan *p;

    (void)weights; (void)signals;
    if (!(k > 0 && k <= 100))
        return mid__fail(ctx, MID_EINVAL, "k %g: must be a share in percent, above 0 and at most 100", k);
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "min-k");
    p->share = k / 100;
    *plan = p;
    return MID_OK;
}

/* Mean of the r largest. */
static double largest_mean(const struct state *s, double r)
{
    double left = r, sum = 0;
    int word, bit, i;

    for (word = N_WORD - 1; word >= 0; word--) {
        uint64_t used = s->used[word];
        for (; used && left > 0; used ^= UINT64_C(1) << bit) {
            bit = 63 - __builtin_clzll(used);
            i = word * 64 + bit;
            sum += s->count[i] <= left ? s->sum[i] : s->sum[i] / s->count[i] * left;
            left -= s->count[i];
        }
    }
    return sum / r;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    const double x = -(double)step->lp;
    struct state *s = self;
    int bin;

    if (!isfinite(x))
        return MID_ENUMERIC;
    bin = (int)fmin(fmax(x * BINS_PER_NAT, 0), N_BIN - 1);
    s->count[bin] += 1;
    s->sum[bin] += x;
    s->used[bin / 64] |= UINT64_C(1) << bin % 64;
    s->n += 1;
    *score = largest_mean(s, ceil(p->share * (double)s->n - 1e-9));
    return MID_OK;
}

static const mid_param params_[] = {
    { "k", 20, NULL, "share of the tokens that count, in percent" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_min_k = {
    .name = "min_k", .version = 1,
    .summary = "mean of -ln p over the k % least likely tokens so far", .unit = "nats",
    .source = "Shi et al. 2023, arXiv 2310.16789",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB, .params = params_,
    .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};
