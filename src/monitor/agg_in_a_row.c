/* n in a row: g_t = min of the last n scores, -INFINITY while t < n. g_t >= threshold <=> the last n scores all are: a
 * counter of alarms in a row, without a threshold inside. A8; n = 2 is what Qwen3Guard's stream detector asks for. */
#include <math.h>

#include "midstream/aggregator.h"
#include "monitor/recent.h"

static double push(const double *param, const double *learned, void *state, double score)
{
    mid__recent *r = state;
    const uint64_t cap = (uint64_t)param[0], n = mid__recent_put(r, cap, score);
    double least = r->score[0];
    uint64_t i;

    (void)learned;
    if (n < cap)
        return -INFINITY;
    for (i = 1; i < n; i++)
        least = r->score[i] < least ? r->score[i] : least;
    return least;
}

static const mid_aggregator_param params[] = {
    { "n", 2, 1, MID_AGGREGATOR_KEEP_MAX, true, "scores in a row" },
    { NULL, 0, 0, 0, false, NULL }
};

const mid_aggregator_ops mid__aggregator_in_a_row = {
    .name = "in_a_row", .version = 1,
    .summary = "smallest of the last n scores: all of them reach it", .source = "Qwen3Guard 2025, arXiv 2510.14276",
    .params = params,
    .state_size = sizeof(mid__recent), .state_per = sizeof(double), .push = push,
};
