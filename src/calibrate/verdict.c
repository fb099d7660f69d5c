/* Deciding: a rule's lines against the scores as they come. */
#include <math.h>

#include "midstream/rule.h"

const char *mid_promise_name(mid_promise promise)
{
    static const char *const name[] = { "none", "assumed", "mean", "confident" };

    return (unsigned)promise < 4 ? name[promise] : "unknown";
}

const char *mid_verdict_name(mid_verdict verdict)
{
    static const char *const name[] = { "unscored", "cleared", "allow", "hold", "stop" };

    return (unsigned)verdict < 5 ? name[verdict] : "unknown";
}

mid_verdict mid_rule_push(const mid_rule *rule, mid_rule_state *state, double score)
{
    const double walk = score - state->base;
    const bool never = rule->threshold == INFINITY;     /* not even at an infinite score */

    state->n_tok += 1;
    if (isnan(score))
        state->unscored = true;
    state->stopped |= walk >= rule->threshold && !never;
    if (state->stopped)
        return MID_VERDICT_STOP;
    if (isnan(score))
        return MID_VERDICT_UNSCORED;
    if (rule->can_hold && walk >= rule->hold && rule->hold < INFINITY)
        return MID_VERDICT_HOLD;
    if (score > -INFINITY && walk <= rule->clear && rule->clear < 0) {
        state->base = score;
        return MID_VERDICT_CLEARED;
    }
    return MID_VERDICT_ALLOW;
}

/* What is assumed of a walk ends with its first clearing; a base that moved tells, since clearings lie below 0. */
bool mid_rule_holds(const mid_rule *rule, const mid_rule_state *state)
{
    return rule->feasible && rule->kind != MID_PROMISE_NONE && !state->unscored &&
           (rule->kind != MID_PROMISE_ASSUMED || state->base == 0) &&
           (rule->max_tok == 0 || state->n_tok <= rule->max_tok);
}

size_t mid_rule_alarm(const mid_rule *rule, const double *score, size_t n)
{
    mid_rule_state state = { 0 };
    size_t i;

    for (i = 0; i < n; i++) {
        const mid_verdict verdict = mid_rule_push(rule, &state, score[i]);
        if (verdict == MID_VERDICT_STOP || (verdict == MID_VERDICT_HOLD && rule->hold_alarms))
            break;
    }
    return i;
}
