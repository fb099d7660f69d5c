/* The ROC curve: one point per distinct score, none dropped even where three lie on a line, so that the points can be
 * read as thresholds. */
#include "metric/ladder.h"

#include "midstream/metric.h"

mid_status mid_roc(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n,
                   double *fpr, double *tpr, size_t *n_point)
{
    mid__ladder ladder;
    uint64_t n_false = 0, n_caught = 0;
    size_t r;
    mid_status status = mid__ladder_open_both(ctx, "the ROC curve", score, label, n, &ladder);

    if (status)
        return status;
    fpr[0] = tpr[0] = 0;
    for (r = 0; r < ladder.n_rung; r++) {
        n_false += ladder.count[2 * r];
        n_caught += ladder.count[2 * r + 1];
        fpr[r + 1] = (double)n_false / (double)(n - ladder.n_unsafe);
        tpr[r + 1] = (double)n_caught / (double)ladder.n_unsafe;
    }
    *n_point = ladder.n_rung + 1;
    mid__ladder_clear(&ladder);
    return MID_OK;
}
