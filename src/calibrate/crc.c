/* Conformal risk control (Angelopoulos et al. 2022, arXiv 2208.02814) of false alarms, of misses, or of both:
 *     (errors of the n calibration prompts + 1) / (n + 1) <= rate,
 * so floor(rate (n + 1)) - 1 errors are allowed. False alarms: the lowest threshold strictly above the extreme that
 * many places from the top of the safe ones, which is split conformal. Misses: the highest threshold, at the extreme
 * that many places from the bottom of the unsafe ones; any alarm counts, early or late. For other losses see
 * mid_risk_walk(). */
#include "calibrate/rule_fit.h"

#include <math.h>

const mid_param mid__crc_params[] = {
    { "false_alarm", NAN, NULL, "share of new safe prompts that may raise an alarm; 0.05 if miss is not given either" },
    { "miss", NAN, NULL, "share of new unsafe prompts that may raise none" },
    { NULL, 0, NULL, NULL }
};

mid_status mid__ask_crc(mid_ctx *ctx, const mid_param *params, mid__ask *ask)
{
    mid_status status = mid__ask_rates(ctx, params, MID__MEAN, ask);

    mid__ask_default(ask);
    return status;
}
