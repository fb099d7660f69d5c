/* Entropy of the next-token distribution, running mean and running max: G3 and G4.
 *   entropy_mean  S_t = (1/t) sum_{i<=t} H_i        entropy_max  S_t = max_{i<=t} H_i      0 <= S_t <= ln n_vocab, nats
 * Source: average and maximum token entropy, as in Manakul et al. 2023 (arXiv 2303.08896); they score a finished text, we
 * every prefix. H_i itself is computed once at capture and stored in the trace, so replay needs no vocabulary. */
#include <math.h>

#include "monitor/running.h"

static bool entropy_of(const mid_step *step, double *x)
{
    *x = step->entropy_nats;
    return isfinite(*x);
}

static mid_status push_mean(const void *plan, void *self, const mid_step *step, double *score)
{
    double x;

    (void)plan;
    if (!entropy_of(step, &x))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, x);
    return MID_OK;
}

static mid_status push_max(const void *plan, void *self, const mid_step *step, double *score)
{
    double x;

    (void)plan;
    if (!entropy_of(step, &x))
        return MID_ENUMERIC;
    *score = mid__running_max(self, x);
    return MID_OK;
}

const mid_monitor_ops mid__monitor_entropy_mean = {
    .name = "entropy_mean", .version = 1,
    .summary = "running mean of next-token entropy", .unit = "nats", .source = "Manakul et al. 2023, arXiv 2303.08896",
    .box = MID_BOX_GREY, .needs = MID_SIG_ENTROPY,
    .state_size = sizeof(mid__running), .push = push_mean,
};

const mid_monitor_ops mid__monitor_entropy_max = {
    .name = "entropy_max", .version = 1,
    .summary = "largest next-token entropy so far", .unit = "nats", .source = "Manakul et al. 2023, arXiv 2303.08896",
    .box = MID_BOX_GREY, .needs = MID_SIG_ENTROPY,
    .state_size = sizeof(mid__running), .push = push_max,
};
