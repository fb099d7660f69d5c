/* Perplexity of the tokens so far: G7.
 *   S_t = exp((1/t) sum_{i<=t} -ln p_i),   S_t >= 1
 * A monotone map of surprisal_mean: at any one token the two rank answers alike, and so do their maxima; they differ
 * once scores are averaged or combined. Means above 700 nats count as 700, so that the score stays a number.
 * Source: perplexity, Jelinek et al. 1977; as an uncertainty score in LM-Polygraph (Fadeeva et al. 2023, arXiv
 * 2311.07383). */
#include <math.h>

#include "monitor/running.h"

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    (void)plan;
    if (!isfinite(step->lp))
        return MID_ENUMERIC;
    *score = exp(fmin(mid__running_mean(self, -(double)step->lp), 700));
    return MID_OK;
}

const mid_monitor_ops mid__monitor_perplexity = {
    .name = "perplexity", .version = 1,
    .summary = "exp of the mean of -ln p of the tokens", .unit = "tokens to choose among",
    .source = "Jelinek et al. 1977; Fadeeva et al. 2023, arXiv 2311.07383",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB,
    .state_size = sizeof(mid__running), .push = push,
};
