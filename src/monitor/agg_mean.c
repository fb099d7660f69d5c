/* Running mean: g_t = (1/t) sum_{j<=t} s_j. Steady, and slow to see harm that starts late. A3. */
#include "midstream/aggregator.h"
#include "monitor/running.h"

static double push(const double *param, const double *learned, void *state, double score)
{
    (void)param; (void)learned;
    return mid__running_mean(state, score);
}

const mid_aggregator_ops mid__aggregator_mean = {
    .name = "mean", .version = 1,
    .summary = "mean of the scores so far", .source = "standard",
    .state_size = sizeof(mid__running), .push = push,
};
