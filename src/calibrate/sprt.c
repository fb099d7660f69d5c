/* Sequential probability ratio test (Wald 1945) of a log-likelihood walk S_t, S_0 = 0: stop at S >= upper, cleared
 * at S <= lower = ln(miss / (1 - false_alarm)). A clearing does not end monitoring, or harm that begins late would
 * pass: the walk begins again at 0 there. An answer that ends between the lines raises no alarm. Wald's upper line
 * is ln((1 - miss) / false_alarm). With exact ratios a walk from 0 that goes on to the end reaches it on at most a
 * share false_alarm / (1 - miss) of safe answers and reaches the lower one on at most miss / (1 - false_alarm) of
 * unsafe ones; that is said of the walk up to its first clearing, and assumed: each restart is another chance to
 * alarm, so a long safe answer is stopped sooner or later. With a confidence the upper line is
 * calibrated instead: each answer's extreme is that of its walk with the clearings running, and the exact binomial
 * tail does the rest, whatever the scores are. It is never below 0, where nothing speaks for unsafe. */
#include "calibrate/rule_fit.h"

#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"

const mid_param mid__sprt_params[] = {
    { "false_alarm", 0.05, NULL, "share of safe prompts that may raise an alarm" },
    { "miss", 0.1, NULL, "share of unsafe answers that may be cleared, if ratios are exact: sets the lower line" },
    { "confidence", NAN, NULL, "share of calibration sets that keep a calibrated upper line; else it is Wald's" },
    { "joint", 1, NULL, "statements that hold together, such as one per group: each gets its part of 1 - confidence" },
    { NULL, 0, NULL, NULL }
};

mid_status mid__ask_sprt(mid_ctx *ctx, const mid_param *params, mid__ask *ask)
{
    const double alpha = mid__rule_param(params, "false_alarm"), beta = mid__rule_param(params, "miss");
    mid_status status = MID_OK;

    if (!(alpha > 0 && beta > 0 && alpha + beta < 1))
        return mid__fail(ctx, MID_EINVAL, "false_alarm is %g and miss %g, want both above 0 and together below 1",
                         alpha, beta);
    if (!isnan(mid__rule_param(params, "confidence"))) {
        status = mid__ask_rates(ctx, params, MID__EXACT, ask);
        ask->bound.delta *= 2;      /* the misses are not calibrated */
        ask->miss = NAN;
    }
    return status;
}

/* The largest value of the walk as mid_rule_push() runs it, an alarm apart. */
static double walk_extreme(const mid_scored_answer *answer, double clear)
{
    double base = 0, extreme = -INFINITY;
    size_t t;

    for (t = 0; t < answer->n; t++) {
        const double s = answer->score[t];
        if (s == -INFINITY)
            continue;
        extreme = fmax(extreme, s - base);
        if (s - base <= clear)
            base = s;
    }
    return extreme;
}

static mid_status fit_calibrated(mid_ctx *ctx, const mid_param *params, const mid__ask *ask, const mid__rule_set *set,
                                 mid_rule *rule)
{
    mid__rule_set walks = *set;
    double *extreme;
    size_t i;
    mid_status status;

    if (!set->given->score && set->given->n > 0)
        return mid__fail(ctx, MID_EUNDEFINED, "sprt: the calibrated line needs all scores of each answer");
    extreme = malloc((set->given->n + 1) * sizeof *extreme);
    if (!extreme)
        return mid__oom(ctx, "walks");
    for (i = 0; i < set->given->n; i++)
        extreme[i] = walk_extreme(&set->given->score[i], rule->clear);
    walks.extreme = extreme;
    status = mid__fit_rates(ctx, params, ask, &walks, rule);
    if (status == MID_OK && rule->feasible)
        rule->threshold = rule->lowest = fmax(rule->threshold, 0);
    free(extreme);
    return status;
}

mid_status mid__fit_sprt(mid_ctx *ctx, const mid_param *params, const mid__ask *ask, const mid__rule_set *set,
                         mid_rule *rule)
{
    const double alpha = mid__rule_param(params, "false_alarm"), beta = mid__rule_param(params, "miss");

    rule->clear = log(beta / (1 - alpha));
    if (!isnan(ask->false_alarm))
        return fit_calibrated(ctx, params, ask, set, rule);
    rule->kind = MID_PROMISE_ASSUMED;
    rule->feasible = true;
    rule->false_alarm = alpha / (1 - beta);
    rule->miss = beta / (1 - alpha);
    rule->max_tok = 0;
    rule->threshold = rule->lowest = rule->highest = log((1 - beta) / alpha);
    mid__promise_say(rule, "up to its first clearing, at most %.4g %% of safe answers raise an alarm and at most %.4g "
                           "%% of unsafe ones are cleared, if the score is the exact log likelihood ratio and an "
                           "answer is of one class from its first token on; after a clearing, where each new walk "
                           "may alarm again, nothing is promised, nor with a fitted ratio; no calibration answer was "
                           "used", 100 * rule->false_alarm, 100 * rule->miss);
    return MID_OK;
}
