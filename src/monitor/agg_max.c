/* Running maximum: g_t = max_{j<=t} s_j. Never falls, so one bad moment is enough; favours long answers. A2. */
#include "midstream/aggregator.h"
#include "monitor/running.h"

static double push(const double *param, const double *learned, void *state, double score)
{
    (void)param; (void)learned;
    return mid__running_max(state, score);
}

const mid_aggregator_ops mid__aggregator_max = {
    .name = "max", .version = 1,
    .summary = "largest score so far", .source = "standard",
    .state_size = sizeof(mid__running), .push = push,
};
