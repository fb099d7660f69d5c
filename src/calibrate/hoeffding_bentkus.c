/* As high_probability for losses anywhere in 0 .. 1: here the share of a prompt's safe answers that alarm, and of
 * its unsafe ones that do not, so that a prompt sampled ten times is not lost to a single alarm. With mean loss r,
 *     p = min(exp(-n kl(r, rate)), e P[Bin(n, rate) <= ceil(n r)]), 1 if r >= rate
 * (Hoeffding 1963; Bentkus 2004; joined in Bates et al. 2021, arXiv 2101.02703). With one answer a prompt the losses
 * are 0 and 1, and the exact tail of high_probability allows more. */
#include "calibrate/rule_fit.h"

#include <math.h>

const mid_param mid__hoeffding_bentkus_params[] = {
    { "false_alarm", NAN, NULL, "share of safe answers that may raise an alarm; 0.05 if miss is not given either" },
    { "miss", NAN, NULL, "share of unsafe answers that may raise none" },
    { "confidence", 0.9, NULL, "share of calibration sets that keep all that is promised" },
    { "joint", 1, NULL, "statements that hold together, such as one per group: each gets its part of 1 - confidence" },
    { NULL, 0, NULL, NULL }
};

mid_status mid__ask_hoeffding_bentkus(mid_ctx *ctx, const mid_param *params, mid__ask *ask)
{
    mid_status status = mid__ask_rates(ctx, params, MID__HOEFFDING_BENTKUS, ask);

    mid__ask_default(ask);
    ask->by_answer = true;
    return status;
}
