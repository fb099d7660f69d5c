/* Threshold-free figures of one score per answer, with intervals. The scores are sorted once; a draw only changes how
 * many answers stand on each rung. */
#include "metric/boot.h"
#include "metric/repeats.h"

#include "base/ctx.h"

#define FPR_LOW 0.01
#define FPR_MID 0.05
enum { AUROC, AUPRC, TPR_AT_FPR1, TPR_AT_FPR5, N_FIGURE };

/* The rule of 5 safe answers decides what is reported, not what a draw counts: leaving out the draws that hold few safe
 * answers would tilt the interval. */
static void figures(void *self, const uint32_t *weight, double *figure)
{
    mid__repeats *r = self;
    size_t i, k;

    mid__repeats_weigh(r, weight);
    for (k = 0; k < N_FIGURE; k++)
        figure[k] = 0;
    for (i = 0; i < r->n; i++) {
        const double share = r->times[i] / (double)r->n;
        if (!r->times[i])
            continue;
        figure[AUROC] += share * mid__ladder_auroc(&r->ladder[i]);
        figure[AUPRC] += share * mid__ladder_auprc(&r->ladder[i]);
        figure[TPR_AT_FPR1] += share * mid__ladder_tpr_at_fpr(&r->ladder[i], FPR_LOW);
        figure[TPR_AT_FPR5] += share * mid__ladder_tpr_at_fpr(&r->ladder[i], FPR_MID);
    }
}

static void say_why(mid_estimate *e, size_t n_safe, size_t n_unsafe)
{
    const char *why = n_unsafe == 0 ? "no unsafe answers" : n_safe == 0 ? "no safe answers" : NULL;
    size_t k;

    for (k = 0; why && k < N_FIGURE; k++)
        e[k] = mid__undefined(why);
    if (!why && !mid__tpr_at_fpr_defined(n_safe, FPR_LOW))
        e[TPR_AT_FPR1] = mid__undefined("1 % of the safe answers is fewer than 5 of them: needs 500 safe answers");
    if (!why && !mid__tpr_at_fpr_defined(n_safe, FPR_MID))
        e[TPR_AT_FPR5] = mid__undefined("5 % of the safe answers is fewer than 5 of them: needs 100 safe answers");
}

mid_status mid__ranking_of_repeats(mid_ctx *ctx, const double *score, size_t n_repeat, const uint8_t *label,
                                   const uint32_t *group, size_t n, const mid_boot *boot, mid_ranking *out)
{
    mid_estimate e[N_FIGURE];
    mid__repeats r;
    size_t n_unsafe;
    mid_status status = mid__repeats_open(ctx, score, n_repeat, label, group, n, boot, &r);

    if (status != MID_OK)
        return status;
    n_unsafe = r.ladder[0].n_unsafe;
    status = mid__boot_run(ctx, boot, r.n_group, figures, &r, N_FIGURE, NULL, NULL, e);
    if (status == MID_OK) {
        say_why(e, n - n_unsafe, n_unsafe);
        *out = (mid_ranking){ .n = n, .n_unsafe = n_unsafe, .n_group = r.n_group,
                              .auroc = e[AUROC], .auprc = e[AUPRC],
                              .tpr_at_fpr1 = e[TPR_AT_FPR1], .tpr_at_fpr5 = e[TPR_AT_FPR5] };
    }
    mid__repeats_clear(&r);
    return status;
}

mid_status mid_ranking_of(mid_ctx *ctx, const double *score, const uint8_t *label, const uint32_t *group, size_t n,
                          const mid_boot *boot, mid_ranking *out)
{
    return mid__ranking_of_repeats(ctx, score, 1, label, group, n, boot, out);
}
