/* Lines against scores, one by one. */
#include "test.h"

TEST(verdict, alarm)
{
    static const double score[] = { 0.1, NAN, 0.5, 0.9, INFINITY };
    mid_rule rule = { .threshold = 0.5 };

    CHECK_INT(mid_rule_alarm(&rule, score, 5), 2);      /* equal is enough; a missing score is no alarm */
    CHECK_INT(mid_rule_alarm(&rule, score, 2), 2);
    CHECK_INT(mid_rule_alarm(&rule, score, 0), 0);
    rule.threshold = INFINITY;
    CHECK_INT(mid_rule_alarm(&rule, score, 5), 5);
    rule.threshold = -INFINITY;
    CHECK_INT(mid_rule_alarm(&rule, score, 5), 0);
}

TEST(verdict, three_lines)
{
    static const double score[] = { -INFINITY, 0.1, 0.3, NAN, 0.2, 0.5, 0.1, NAN };
    static const char *const want[] = { "allow", "allow", "hold", "unscored", "allow", "stop", "stop", "stop" };
    mid_rule rule = { .threshold = 0.5, .can_hold = true, .hold = 0.3 };
    mid_rule_state state = { 0 };
    size_t i;

    for (i = 0; i < 8; i++)
        CHECK_TEXT(mid_verdict_name(mid_rule_push(&rule, &state, score[i])), want[i]);
    CHECK(state.stopped && state.unscored && state.n_tok == 8);
    CHECK_INT(mid_rule_alarm(&rule, score, 8), 5);
    rule.hold_alarms = true;
    CHECK_INT(mid_rule_alarm(&rule, score, 8), 2);
}

/* Cleared at -3, the walk begins again: -2 is 1 above it, 0 is 3. */
TEST(verdict, a_clearing_does_not_end_monitoring)
{
    static const double score[] = { -1, -3, -INFINITY, -2, 0 };
    static const mid_verdict want[] = { MID_VERDICT_ALLOW, MID_VERDICT_CLEARED, MID_VERDICT_ALLOW, MID_VERDICT_ALLOW,
                                        MID_VERDICT_STOP };
    const mid_rule rule = { .threshold = 2.9, .clear = -2.25 };
    mid_rule_state state = { 0 };
    size_t i;

    for (i = 0; i < 5; i++)
        CHECK_INT(mid_rule_push(&rule, &state, score[i]), want[i]);
}

TEST(verdict, when_the_promise_is_withdrawn)
{
    mid_rule rule = { .threshold = 1, .feasible = true, .kind = MID_PROMISE_MEAN, .max_tok = 2 };
    mid_rule_state state = { 0 };

    CHECK(mid_rule_holds(&rule, &state));
    mid_rule_push(&rule, &state, 0);
    mid_rule_push(&rule, &state, 0);
    CHECK(mid_rule_holds(&rule, &state));
    mid_rule_push(&rule, &state, 0);
    CHECK(!mid_rule_holds(&rule, &state));              /* longer than what it was calibrated on */
    rule.max_tok = 0;
    CHECK(mid_rule_holds(&rule, &state));
    mid_rule_push(&rule, &state, NAN);
    CHECK(!mid_rule_holds(&rule, &state));              /* a token was not judged */
    state = (mid_rule_state){ 0 };
    rule.kind = MID_PROMISE_NONE;
    CHECK(!mid_rule_holds(&rule, &state));
}

/* What is assumed of a walk is said up to its first clearing; a calibrated line has its clearings in it. */
TEST(verdict, an_assumed_promise_ends_with_a_clearing)
{
    mid_rule rule = { .threshold = 2.9, .clear = -2.25, .feasible = true, .kind = MID_PROMISE_ASSUMED };
    mid_rule_state state = { 0 }, stopped = { 0 };

    mid_rule_push(&rule, &state, -1);
    CHECK(mid_rule_holds(&rule, &state));
    CHECK_INT(mid_rule_push(&rule, &state, -3), MID_VERDICT_CLEARED);
    CHECK(!mid_rule_holds(&rule, &state));
    mid_rule_push(&rule, &state, 5);
    CHECK(state.stopped && !mid_rule_holds(&rule, &state));
    mid_rule_push(&rule, &stopped, 3);
    mid_rule_push(&rule, &stopped, -3);
    CHECK(stopped.stopped && mid_rule_holds(&rule, &stopped));
    rule.kind = MID_PROMISE_CONFIDENT;
    CHECK(mid_rule_holds(&rule, &state));
}

TEST(verdict, names)
{
    CHECK_TEXT(mid_promise_name(MID_PROMISE_CONFIDENT), "confident");
    CHECK_TEXT(mid_promise_name((mid_promise)9), "unknown");
    CHECK_TEXT(mid_verdict_name(MID_VERDICT_CLEARED), "cleared");
    CHECK_TEXT(mid_verdict_name((mid_verdict)-1), "unknown");
}
