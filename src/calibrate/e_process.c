/* E-process: M_t, a likelihood ratio of unsafe against safe after t tokens, is a martingale of mean 1 on safe
 * answers if it is the exact ratio of the whole score history; then P(M_t >= 1/alpha at any t) <= alpha (Ville
 * 1939), for any length and without calibration. The score is taken to be ln M_t, or the log odds ln M_t + ln(prior
 * odds). The ratio of a summary, such as of the last score alone, has mean 1 at each t but is no martingale
 * (docs/guarantees.md has a figure), and a fitted one is only as good as its fit; so this form's promise is called
 * assumed. With a confidence the line is a calibrated one instead: strictly above m_(k) of max_t M_t on held-out
 * safe prompts, k the smallest with P[Bin(n, 1 - alpha) >= k] <= delta. That is high_probability on this score and
 * assumes nothing about it. */
#include "calibrate/rule_fit.h"

#include <math.h>

#include "base/ctx.h"

const mid_param mid__e_process_params[] = {
    { "false_alarm", 0.05, NULL, "share of safe prompts that may raise an alarm" },
    { "confidence", NAN, NULL, "share of calibration sets that keep a calibrated line; else ln(1 / false_alarm)" },
    { "joint", 1, NULL, "statements that hold together, such as one per group: each gets its part of 1 - confidence" },
    { "prior_odds", 1, NULL, "unsafe answers per safe one behind a score that is log odds; 1: log likelihood ratio" },
    { NULL, 0, NULL, NULL }
};

mid_status mid__ask_e_process(mid_ctx *ctx, const mid_param *params, mid__ask *ask)
{
    const double odds = mid__rule_param(params, "prior_odds");
    double alpha;
    mid_status status = mid__rule_share(ctx, params, "false_alarm", &alpha);

    if (status == MID_OK && isnan(alpha))
        return mid__fail(ctx, MID_EINVAL, "false_alarm is %g, want above 0 and below 1", alpha);
    if (status == MID_OK && !(odds > 0 && isfinite(odds)))
        return mid__fail(ctx, MID_EINVAL, "prior_odds is %g, want above 0", odds);
    if (status == MID_OK && !isnan(mid__rule_param(params, "confidence")))
        status = mid__ask_rates(ctx, params, MID__EXACT, ask);
    return status;
}

mid_status mid__fit_e_process(mid_ctx *ctx, const mid_param *params, const mid__ask *ask, const mid__rule_set *set,
                              mid_rule *rule)
{
    const double alpha = mid__rule_param(params, "false_alarm");

    if (!isnan(ask->false_alarm))
        return mid__fit_rates(ctx, params, ask, set, rule);
    rule->kind = MID_PROMISE_ASSUMED;
    rule->feasible = true;
    rule->false_alarm = alpha;
    rule->threshold = rule->lowest = log(mid__rule_param(params, "prior_odds")) - log(alpha);
    rule->highest = INFINITY;
    rule->max_tok = 0;              /* for any length */
    mid__promise_say(rule, "at most %g %% of safe prompts ever raise an alarm, whatever their length, if the score is "
                           "the exact log likelihood ratio of its whole history; a fitted or summarised ratio promises "
                           "nothing, and no calibration answer was used", 100 * alpha);
    return MID_OK;
}
