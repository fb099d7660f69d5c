/* Best F1: of all extremes as thresholds the one with the highest F1 = 2 TP / (2 TP + FP + FN) on the calibration
 * answers, the highest threshold among equals. An extreme of -INFINITY (an answer that ended before it had a score)
 * never alarms and is no threshold; for one of +INFINITY the largest number is. It is what most papers report and
 * promises nothing: chosen on a finite set, its F1 elsewhere is lower, and its false-alarm rate is whatever it is. */
#include "calibrate/rule_fit.h"

#include <float.h>
#include <math.h>

#include "metric/ladder.h"

mid_status mid__ask_best_f1(mid_ctx *ctx, const mid_param *params, mid__ask *ask)
{
    (void)ctx;
    (void)params;
    ask->least = 1;
    return MID_OK;
}

mid_status mid__fit_best_f1(mid_ctx *ctx, const mid_param *params, const mid__ask *ask, const mid__rule_set *set,
                            mid_rule *rule)
{
    mid__ladder ladder;
    uint64_t n_alarm = 0, n_caught = 0;
    double best = -1;
    size_t r;
    mid_status status = mid__ladder_open(ctx, set->extreme, set->given->label, set->given->n, &ladder);

    (void)params;
    (void)ask;
    if (status)
        return status;
    for (r = 0; r < ladder.n_rung && ladder.score[r] > -INFINITY; r++) {
        double f1;
        n_alarm += ladder.count[2 * r] + (uint64_t)ladder.count[2 * r + 1];
        n_caught += ladder.count[2 * r + 1];
        f1 = 2.0 * (double)n_caught / (double)(n_alarm + ladder.n_unsafe);  /* TP + FP + TP + FN */
        if (f1 > best) {                            /* equal fractions are equal doubles: one rounding each */
            best = f1;
            rule->threshold = fmin(ladder.score[r], DBL_MAX);
        }
    }
    rule->feasible = best >= 0;
    if (rule->feasible)
        mid__promise_say(rule, "none: the best F1 on the calibration answers (%.3f) says nothing about new ones", best);
    else
        mid__promise_say(rule, "none, never alarms: no calibration answer had a score before it ended");
    mid__ladder_clear(&ladder);
    return MID_OK;
}
