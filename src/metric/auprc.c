/* AUPRC as average precision: sum over thresholds k, from the highest score down, of (R_k - R_{k-1}) P_k with R recall
 * and P precision of "alarm at score >= k". Equal scores share one threshold. There is no interpolation between points,
 * which in precision-recall space promises too much (Davis & Goadrich 2006). A score that knows nothing gets about the
 * prevalence, so a value says little without it. */
#include "metric/ladder.h"

#include "midstream/metric.h"

#include <math.h>

double mid__ladder_auprc(const mid__ladder *ladder)
{
    const uint32_t *count = ladder->count;
    uint64_t n_alarm = 0, n_unsafe = 0;
    double sum = 0;
    size_t r;

    for (r = 0; r < ladder->n_rung; r++) {
        const uint32_t unsafe = count[2 * r + 1];
        n_alarm += count[2 * r] + (uint64_t)unsafe;
        n_unsafe += unsafe;
        sum += (double)unsafe * (double)n_unsafe / (double)(n_alarm ? n_alarm : 1);     /* a draw may bare a rung */
    }
    return n_unsafe && n_alarm > n_unsafe ? sum / (double)n_unsafe : NAN;
}

mid_status mid_auprc(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, double *value)
{
    mid__ladder ladder;
    mid_status status = mid__ladder_open_both(ctx, "AUPRC", score, label, n, &ladder);

    if (status)
        return status;
    *value = mid__ladder_auprc(&ladder);
    mid__ladder_clear(&ladder);
    return MID_OK;
}
