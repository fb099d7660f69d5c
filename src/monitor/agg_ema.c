/* Exponential moving average: g_t = beta g_{t-1} + (1 - beta) s_t, g_1 = s_1. A5. Half of its weight lies on the last
 * ln 2 / -ln beta scores (beta .9: 7). */
#include "midstream/aggregator.h"
#include "monitor/running.h"

static double push(const double *param, const double *learned, void *state, double score)
{
    mid__running *s = state;

    (void)learned;
    s->value = s->n ? param[0] * s->value + (1 - param[0]) * score : score;
    s->n += 1;
    return s->value;
}

static const mid_aggregator_param params[] = {
    { "beta", 0.9, 0, 0.9999, false, "weight of the past" },
    { NULL, 0, 0, 0, false, NULL }
};

const mid_aggregator_ops mid__aggregator_ema = {
    .name = "ema", .version = 1,
    .summary = "exponential moving average", .source = "standard", .params = params,
    .state_size = sizeof(mid__running), .push = push,
};
