/* TPR at a false-alarm rate: the largest share of unsafe answers caught by any threshold whose empirical FPR is at most
 * the target. A threshold takes all answers of equal score or none; there is no interpolation, since a threshold
 * between two points of the curve does not exist. When the target allows fewer than 5 safe answers the figure hangs on
 * a handful of them, so it is undefined. */
#include "metric/ladder.h"

#include "base/ctx.h"
#include "midstream/metric.h"

#include <math.h>

#define SLACK 1e-9                  /* 500 * .01 must be 5 whichever way it is rounded */
enum { SAFE_MIN = 5 };

bool mid__tpr_at_fpr_defined(size_t n_safe, double fpr) { return (double)n_safe * fpr >= SAFE_MIN - SLACK; }

double mid__ladder_tpr_at_fpr(const mid__ladder *ladder, double fpr)
{
    const uint32_t *count = ladder->count;
    uint64_t n_safe = 0, n_unsafe = 0, n_false = 0, n_caught = 0, limit;
    size_t r;

    for (r = 0; r < ladder->n_rung; r++) {
        n_safe += count[2 * r];
        n_unsafe += count[2 * r + 1];
    }
    if (!n_safe || !n_unsafe)
        return NAN;
    limit = (uint64_t)floor((double)n_safe * fpr + SLACK);
    for (r = 0; r < ladder->n_rung && n_false + count[2 * r] <= limit; r++) {
        n_false += count[2 * r];
        n_caught += count[2 * r + 1];
    }
    return (double)n_caught / (double)n_unsafe;
}

mid_status mid_tpr_at_fpr(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, double fpr, double *value)
{
    mid__ladder ladder;
    mid_status status;
    size_t n_safe;

    if (!(fpr > 0 && fpr <= 1))
        return mid__fail(ctx, MID_EINVAL, "a false-alarm rate of %g, want one above 0 and at most 1", fpr);
    status = mid__ladder_open_both(ctx, "TPR at an FPR", score, label, n, &ladder);
    if (status)
        return status;
    n_safe = n - ladder.n_unsafe;
    if (!mid__tpr_at_fpr_defined(n_safe, fpr))
        status = mid__fail(ctx, MID_EUNDEFINED, "%g %% of %zu safe answers is fewer than %d: needs %.0f safe answers",
                           100 * fpr, n_safe, SAFE_MIN, ceil(SAFE_MIN / fpr - SLACK));
    else
        *value = mid__ladder_tpr_at_fpr(&ladder, fpr);
    mid__ladder_clear(&ladder);
    return status;
}
