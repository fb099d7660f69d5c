/* Mean of the k largest scores so far (of all, while t < k): g_t = (1/min(t, k)) sum of them. A6. Between the maximum
 * (k = 1) and the mean: one odd token does not decide alone, and a long safe beginning does not water harm down. */
#include "midstream/aggregator.h"
#include "monitor/largest.h"

static double push(const double *param, const double *learned, void *state, double score)
{
    mid__largest *l = state;
    double sum = 0;
    uint64_t i;

    (void)learned;
    mid__largest_put(l, (uint64_t)param[0], score);
    for (i = 0; i < l->n; i++)
        sum += l->score[i];
    return sum / (double)l->n;
}

static const mid_aggregator_param params[] = {
    { "k", 5, 1, MID_AGGREGATOR_KEEP_MAX, true, "scores that count" },
    { NULL, 0, 0, 0, false, NULL }
};

const mid_aggregator_ops mid__aggregator_top_mean = {
    .name = "top_mean", .version = 1,
    .summary = "mean of the k largest scores so far", .source = "standard", .params = params,
    .state_size = sizeof(mid__largest), .state_per = sizeof(double), .push = push,
};
