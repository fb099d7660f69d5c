/* Split conformal: with n safe prompts whose extremes are m_(1) <= ... <= m_(n), alarm strictly above m_(k),
 * k = ceil((n + 1)(1 - alpha)). A new safe prompt exchangeable with them is equally likely to fall in each of the n + 1
 * gaps, so it alarms with probability at most alpha, averaged over calibration sets; a single set may be off by a few
 * standard errors. k > n: no finite threshold keeps it (Papadopoulos et al. 2002; Vovk, Gammerman & Shafer 2005).
 * Alarms are at score >= threshold, so the threshold is the next double above m_(k): ties would break the promise. */
#include "calibrate/rule_fit.h"

#include "base/ctx.h"

#include <math.h>
#include <stdio.h>

#define SLACK 1e-9                  /* (19 + 1)(1 - .05) must be 19 whichever way it is rounded */

const mid_param mid__conformal_params[] = {
    { "alpha", 0.05, NULL, "share of new safe prompts that may raise an alarm, above 0 and below 1" },
    { NULL, 0, NULL, NULL }
};

mid_status mid__fit_conformal(mid_ctx *ctx, const mid_param *params, const mid__rule_set *set, mid_rule *rule)
{
    const double alpha = params[0].number, n = (double)set->n_safe;
    const double k = fmax(1, ceil((n + 1) * (1 - alpha) - SLACK));

    if (!(alpha > 0 && alpha < 1))
        return mid__fail(ctx, MID_EINVAL, "conformal: alpha is %g, want above 0 and below 1", alpha);
    rule->alpha = alpha;
    rule->feasible = k <= n;
    if (!rule->feasible) {
        rule->threshold = INFINITY;
        snprintf(rule->promise, sizeof rule->promise, "none, never alarms: at most %g %% false alarms needs %.0f safe "
                 "prompts, the calibration set has %zu", 100 * alpha, ceil((1 - SLACK) / alpha) - 1, set->n_safe);
        return MID_OK;
    }
    rule->threshold = nextafter(set->safe_extreme[(size_t)k - 1], INFINITY);
    snprintf(rule->promise, sizeof rule->promise, "at most %g %% of new safe prompts raise an alarm, on average over "
             "calibration draws (n = %zu safe prompts)", 100 * alpha, set->n_safe);
    return MID_OK;
}
