/* Surprisal of the tokens, running mean and running max: G1 and G2.
 *   surprisal_mean  S_t = (1/t) sum_{i<=t} -ln p_i    surprisal_max  S_t = max_{i<=t} -ln p_i      S_t >= 0, nats
 * p_i is the token's probability under the distribution it was drawn from (or, for a recorded answer, the observer's).
 * Source: average and maximum negative log-probability, as in Manakul et al. 2023 (arXiv 2303.08896). */
#include <math.h>

#include "monitor/running.h"

static bool surprisal_of(const mid_step *step, double *x)
{
    *x = -(double)step->lp;
    return isfinite(*x);
}

static mid_status push_mean(const void *plan, void *self, const mid_step *step, double *score)
{
    double x;

    (void)plan;
    if (!surprisal_of(step, &x))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, x);
    return MID_OK;
}

static mid_status push_max(const void *plan, void *self, const mid_step *step, double *score)
{
    double x;

    (void)plan;
    if (!surprisal_of(step, &x))
        return MID_ENUMERIC;
    *score = mid__running_max(self, x);
    return MID_OK;
}

const mid_monitor_ops mid__monitor_surprisal_mean = {
    .name = "surprisal_mean", .version = 1,
    .summary = "running mean of -ln p of the tokens", .unit = "nats", .source = "Manakul et al. 2023, arXiv 2303.08896",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB,
    .state_size = sizeof(mid__running), .push = push_mean,
};

const mid_monitor_ops mid__monitor_surprisal_max = {
    .name = "surprisal_max", .version = 1,
    .summary = "largest -ln p of a token so far", .unit = "nats", .source = "Manakul et al. 2023, arXiv 2303.08896",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB,
    .state_size = sizeof(mid__running), .push = push_max,
};
