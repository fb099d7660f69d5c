/* Split conformal: with n safe prompts whose extremes are m_(1) <= ... <= m_(n), alarm strictly above m_(k),
 * k = ceil((n + 1)(1 - alpha)). A new safe prompt exchangeable with them is equally likely to fall in each of the n + 1
 * gaps, so it alarms with probability at most alpha, averaged over calibration sets; a single set may be off by a few
 * standard errors. k > n: no finite threshold keeps it (Papadopoulos et al. 2002; Vovk, Gammerman & Shafer 2005).
 * That k leaves n - k extremes above, which are the alarms that conformal risk control allows, so both are one code. */
#include "calibrate/rule_fit.h"

#include <math.h>

#include "base/ctx.h"

const mid_param mid__conformal_params[] = {
    { "alpha", 0.05, NULL, "share of new safe prompts that may raise an alarm, above 0 and below 1" },
    { NULL, 0, NULL, NULL }
};

mid_status mid__ask_conformal(mid_ctx *ctx, const mid_param *params, mid__ask *ask)
{
    mid_status status = mid__rule_share(ctx, params, "alpha", &ask->false_alarm);

    ask->bound.method = MID__MEAN;
    if (status == MID_OK && isnan(ask->false_alarm))
        return mid__fail(ctx, MID_EINVAL, "alpha is %g, want above 0 and below 1", ask->false_alarm);
    return status;
}
