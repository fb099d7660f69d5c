/* Pointwise mutual information between prompt and answer: G13.
 *   S_t = -(1/t) sum_{j<=t} [ ln p(x_j | prompt, x_<j) - ln p(x_j | x_<j) ],   nats
 * High: the prompt made the answer no likelier, so the answer is not tied to it. The second probability comes from a
 * second pass over the answer behind a bare beginning of text, without prompt or template (MID_SIG_ALONE).
 * Source: mean pointwise mutual information (Takayama & Arase 2019), as in LM-Polygraph (Fadeeva et al. 2023, arXiv
 * 2311.07383), which gives the first token 0; ours is compared with P(. | beginning of text). */
#include <math.h>

#include "monitor/running.h"

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const double x = (double)step->lp_alone - (double)step->lp;

    (void)plan;
    if (!isfinite(x))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, x);
    return MID_OK;
}

const mid_monitor_ops mid__monitor_pmi = {
    .name = "pmi", .version = 1,
    .summary = "minus the running mean of what the prompt adds to ln p of the tokens", .unit = "nats",
    .source = "Takayama & Arase 2019; Fadeeva et al. 2023, arXiv 2311.07383",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB | MID_SIG_ALONE,
    .state_size = sizeof(mid__running), .push = push,
};
