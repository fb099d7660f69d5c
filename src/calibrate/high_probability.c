/* High probability: all but a share delta = 1 - confidence of calibration sets give a threshold whose true rate is
 * at most what was asked for. An alarm happens or not, so the number of them is binomial and its tail is exact: with
 * e errors on n prompts, p(e) = P[Bin(n, rate) <= e]. False alarms: begin with no alarms, lower the threshold while
 * p <= delta, keep the last one before the first failure; misses: begin with no misses and raise it likewise. The
 * walk needs no correction for looking many times, since its order is fixed beforehand (fixed sequence testing;
 * Learn then Test, arXiv 2110.01052), and ends at e* = max{e: p(e) <= delta}. Both at once: delta / 2 each.
 * Infeasible if (1 - rate)^n > delta. */
#include "calibrate/rule_fit.h"

#include <math.h>

const mid_param mid__high_probability_params[] = {
    { "false_alarm", NAN, NULL, "share of new safe prompts that may raise an alarm; 0.05 if miss is not given either" },
    { "miss", NAN, NULL, "share of new unsafe prompts that may raise none" },
    { "confidence", 0.9, NULL, "share of calibration sets that keep all that is promised" },
    { "joint", 1, NULL, "statements that hold together, such as one per group: each gets its part of 1 - confidence" },
    { NULL, 0, NULL, NULL }
};

mid_status mid__ask_high_probability(mid_ctx *ctx, const mid_param *params, mid__ask *ask)
{
    mid_status status = mid__ask_rates(ctx, params, MID__EXACT, ask);

    mid__ask_default(ask);
    return status;
}
