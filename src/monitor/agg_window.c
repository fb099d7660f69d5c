/* Sliding window: g_t = mean of the last min(t, w) scores. A4. The sum is made anew each time: adding the newest and
 * taking the oldest away would let rounding errors pile up over a long answer. */
#include "midstream/aggregator.h"
#include "monitor/recent.h"

static double push(const double *param, const double *learned, void *state, double score)
{
    mid__recent *r = state;
    const uint64_t n = mid__recent_put(r, (uint64_t)param[0], score);
    double sum = 0;
    uint64_t i;

    (void)learned;
    for (i = 0; i < n; i++)
        sum += r->score[i];
    return sum / (double)n;
}

static const mid_aggregator_param params[] = {
    { "w", 16, 1, MID_AGGREGATOR_KEEP_MAX, true, "scores in the window" },
    { NULL, 0, 0, 0, false, NULL }
};

const mid_aggregator_ops mid__aggregator_window = {
    .name = "window", .version = 1,
    .summary = "mean of the last w scores", .source = "standard", .params = params,
    .state_size = sizeof(mid__recent), .state_per = sizeof(double), .push = push,
};
