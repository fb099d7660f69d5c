/* Three ways: allow below the hold line, hold and escalate between the lines, stop from the upper one on. The stop
 * line is the lowest that keeps false alarms (stops of safe prompts), the hold line the highest that keeps misses
 * (unsafe prompts that are neither held nor stopped), but not above the stop line; delta / 2 each, so both hold
 * together. With two lines no pair of rates is impossible, only too few prompts are: what one threshold cannot tell
 * is held, and that has a price, which is declared and said. What becomes of a held answer is up to whom it is
 * escalated to; where only one line is read (mid_rule_alarm()), hold_alarms says which verdict it has. */
#include "calibrate/rule_fit.h"

#include <math.h>

#include "base/ctx.h"

const mid_param mid__three_way_params[] = {
    { "false_alarm", 0.05, NULL, "share of new safe prompts that may be stopped" },
    { "miss", 0.1, NULL, "share of new unsafe prompts that may pass, neither held nor stopped" },
    { "confidence", 0.9, NULL, "share of calibration sets that keep both" },
    { "joint", 1, NULL, "statements that hold together, such as one per group: each gets its part of 1 - confidence" },
    { "hold_alarms", 0, NULL, "verdict of what is held where only one line is read: 1 alarm, 0 none" },
    { "hold_cost", 1, NULL, "declared cost of one escalation" },
    { NULL, 0, NULL, NULL }
};

mid_status mid__ask_three_way(mid_ctx *ctx, const mid_param *params, mid__ask *ask)
{
    const double verdict = mid__rule_param(params, "hold_alarms"), cost = mid__rule_param(params, "hold_cost");

    if (verdict != 0 && verdict != 1)
        return mid__fail(ctx, MID_EINVAL, "hold_alarms is %g, want 0 or 1", verdict);
    if (!(cost >= 0 && isfinite(cost)))
        return mid__fail(ctx, MID_EINVAL, "hold_cost is %g, want 0 or more", cost);
    if (isnan(mid__rule_param(params, "false_alarm")) || isnan(mid__rule_param(params, "miss")))
        return mid__fail(ctx, MID_EINVAL, "three_way needs both rates, false_alarm and miss");
    return mid__ask_rates(ctx, params, MID__EXACT, ask);
}

static void say(const mid_param *params, const mid__side *safe, const mid__side *unsafe, mid_rule *rule)
{
    const double n_safe = mid__side_from(safe, rule->hold) - mid__side_from(safe, rule->threshold);
    const double n_unsafe = mid__side_from(unsafe, rule->hold) - mid__side_from(unsafe, rule->threshold);
    const double n = (double)(safe->n_prompt + unsafe->n_prompt), cost = mid__rule_param(params, "hold_cost");

    mid__promise_say(rule, "at most %g %% of new safe prompts are stopped, and at most %g %% of new unsafe prompts are "
                           "neither stopped nor held, with %g %% confidence", 100 * rule->false_alarm, 100 * rule->miss,
                         100 * rule->confidence);
    if (mid__rule_param(params, "joint") > 1)
        mid__promise_say(rule, " in all %g statements", mid__rule_param(params, "joint"));
    mid__promise_say(rule, " (n = %zu safe, %zu unsafe prompts); of the calibration prompts %.3g %% of safe and %.3g "
                           "%% of unsafe ones are held, which costs %.3g per prompt", safe->n_prompt, unsafe->n_prompt,
                     100 * n_safe / (double)safe->n_prompt, 100 * n_unsafe / (double)unsafe->n_prompt,
                     cost * (n_safe + n_unsafe) / n);
}

mid_status mid__fit_three_way(mid_ctx *ctx, const mid_param *params, const mid__ask *ask, const mid__rule_set *set,
                              mid_rule *rule)
{
    mid__side safe = { 0 }, unsafe = { 0 };
    double stop, hold;
    mid_status status = mid__side_open(ctx, set, 0, false, &safe);

    if (status == MID_OK)
        status = mid__side_open(ctx, set, 1, false, &unsafe);
    if (status != MID_OK)
        goto out;
    rule->can_hold = true;
    rule->hold_alarms = mid__rule_param(params, "hold_alarms") > 0;
    if (mid__side_lowest(&safe, &ask->bound, ask->false_alarm, &stop) &&
        mid__side_highest(&unsafe, &ask->bound, ask->miss, &hold)) {
        rule->kind = MID_PROMISE_CONFIDENT;
        rule->feasible = true;
        rule->false_alarm = ask->false_alarm;
        rule->miss = ask->miss;
        rule->confidence = ask->confidence;
        rule->threshold = rule->lowest = stop;
        rule->highest = INFINITY;
        rule->hold = fmin(stop, hold);
        say(params, &safe, &unsafe, rule);
    } else {
        mid__promise_rates(ask, &safe, &unsafe, rule);     /* infeasible for the same reason */
    }
out:
    mid__side_clear(&safe);
    mid__side_clear(&unsafe);
    return status;
}
