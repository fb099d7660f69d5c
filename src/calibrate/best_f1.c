/* Best F1: of all extremes as thresholds the one with the highest F1 = 2 TP / (2 TP + FP + FN) on the calibration
 * answers, the highest threshold among equals. An extreme of -INFINITY (an answer that ended before it had a score) never
 * alarms and is no threshold. It is what most papers report and promises nothing: chosen on a finite
 * set, its F1 elsewhere is lower, and its false-alarm rate is whatever it is. */
#include "calibrate/rule_fit.h"

#include "metric/ladder.h"

#include "base/ctx.h"

#include <math.h>
#include <stdio.h>

mid_status mid__fit_best_f1(mid_ctx *ctx, const mid_param *params, const mid__rule_set *set, mid_rule *rule)
{
    mid__ladder ladder;
    uint64_t n_alarm = 0, n_caught = 0;
    double best = -1;
    size_t r;
    mid_status status = mid__ladder_open(ctx, set->extreme, set->label, set->n, &ladder);

    (void)params;
    if (status)
        return status;
    status = mid__ladder_need_both(ctx, &ladder, "the best F1");
    if (status)
        goto out;
    for (r = 0; r < ladder.n_rung && ladder.score[r] > -INFINITY; r++) {
        double f1;
        n_alarm += ladder.count[2 * r] + (uint64_t)ladder.count[2 * r + 1];
        n_caught += ladder.count[2 * r + 1];
        f1 = 2.0 * (double)n_caught / (double)(n_alarm + ladder.n_unsafe);  /* TP + FP + TP + FN */
        if (f1 > best) {                            /* equal fractions are equal doubles: one rounding each */
            best = f1;
            rule->threshold = ladder.score[r];
        }
    }
    rule->alpha = NAN;
    rule->feasible = best >= 0;
    if (!rule->feasible) {
        rule->threshold = INFINITY;
        snprintf(rule->promise, sizeof rule->promise, "none, never alarms: no calibration answer had a score before it ended");
        goto out;
    }
    snprintf(rule->promise, sizeof rule->promise, "none: the best F1 on the calibration answers (%.3f) "
             "says nothing about new ones", best);
out:
    mid__ladder_clear(&ladder);
    return status;
}
