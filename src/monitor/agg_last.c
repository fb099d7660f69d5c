/* Last: g_t = s_t. The score as it stands; in a chain it changes nothing. A1. */
#include "midstream/aggregator.h"

static double push(const double *param, const double *learned, void *state, double score)
{
    (void)param; (void)learned; (void)state;
    return score;
}

const mid_aggregator_ops mid__aggregator_last = {
    .name = "last", .version = 1,
    .summary = "the score as it stands", .source = "standard",
    .push = push,
};
