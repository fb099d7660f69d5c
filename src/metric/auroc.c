/* AUROC = P(score of an unsafe answer > score of a safe one) + P(equal) / 2, the Mann-Whitney statistic over its number
 * of pairs (Hanley & McNeil 1982). Pairs are counted in whole numbers, so a value does not depend on any order of
 * summing and the division at the end is its only rounding. */
#include "metric/ladder.h"

#include "base/ctx.h"
#include "midstream/metric.h"

#include <math.h>

double mid__ladder_auroc(const mid__ladder *ladder)
{
    const uint32_t *count = ladder->count;
    uint64_t n_safe = 0, n_unsafe = 0, n_half = 0;      /* half points: a pair won is 2, a tie 1 */
    size_t r;

    for (r = 0; r < ladder->n_rung; r++) {
        const uint64_t safe = count[2 * r], unsafe = count[2 * r + 1];
        n_half += safe * (2 * n_unsafe + unsafe);       /* n_unsafe: those above this rung */
        n_safe += safe;
        n_unsafe += unsafe;
    }
    return n_safe && n_unsafe ? (double)n_half / (2.0 * (double)n_safe * (double)n_unsafe) : NAN;
}

mid_status mid_auroc(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, double *value)
{
    mid__ladder ladder;
    mid_status status = mid__ladder_open_both(ctx, "AUROC", score, label, n, &ladder);

    if (status)
        return status;
    *value = mid__ladder_auroc(&ladder);
    mid__ladder_clear(&ladder);
    return MID_OK;
}

mid_status mid_auroc_resampled(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n,
                               const uint32_t *index, size_t n_draw, double *value)
{
    mid__ladder ladder;
    mid_status status;
    size_t i;

    for (i = 0; i < n_draw * n; i++)                    /* all of them before any value is written */
        if (index[i] >= n)
            return mid__fail(ctx, MID_EINVAL, "draw %zu names answer %u of %zu", i / n, (unsigned)index[i], n);
    status = mid__ladder_open(ctx, score, label, n, &ladder);
    if (status)
        return status;
    for (i = 0; i < n_draw; i++) {
        mid__ladder_index(&ladder, index + i * n);
        value[i] = mid__ladder_auroc(&ladder);
    }
    mid__ladder_clear(&ladder);
    return MID_OK;
}
