/* k-th largest score so far, -INFINITY while t < k: g_t >= threshold <=> at least k scores did reach it. A9: the count
 * of SCM's token head, without a threshold inside. Never falls. */
#include <math.h>

#include "midstream/aggregator.h"
#include "monitor/largest.h"

static double push(const double *param, const double *learned, void *state, double score)
{
    const uint64_t k = (uint64_t)param[0];
    mid__largest *l = state;

    (void)learned;
    mid__largest_put(l, k, score);
    return l->n < k ? -INFINITY : l->score[k - 1];
}

static const mid_aggregator_param params[] = {
    { "k", 3, 1, MID_AGGREGATOR_KEEP_MAX, true, "scores that must reach it" },
    { NULL, 0, 0, 0, false, NULL }
};

const mid_aggregator_ops mid__aggregator_kth_largest = {
    .name = "kth_largest", .version = 1,
    .summary = "k-th largest score so far: k of them reach it",
    .source = "Streaming Content Monitor 2025, arXiv 2506.09996",
    .params = params,
    .state_size = sizeof(mid__largest), .state_per = sizeof(double), .push = push,
};
