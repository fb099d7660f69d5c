/* Two lines, by hand: at half the .1 that may be wrong, one error of ten is allowed for each. */
#include "calibrate/calibration.h"

static void fill(double *extreme, uint8_t *label, double shift)
{
    size_t i;

    for (i = 0; i < 10; i++) {
        extreme[i] = (double)(i + 1);
        extreme[10 + i] = (double)(i + 1) + shift;
        label[i] = 0;
        label[10 + i] = 1;
    }
}

TEST(three_way, golden)
{
    static const double score[] = { 1.5, 2, 9, 9.5 };
    double extreme[20];
    uint8_t label[20];
    mid_rule rule;

    fill(extreme, label, 0);
    rule = fit_rule("three_way", PARAMS(P("false_alarm", 0.5), P("miss", 0.5)), extreme, label, 20);
    CHECK(rule.feasible && rule.kind == MID_PROMISE_CONFIDENT);
    CHECK(rule.can_hold && rule.hold == 2 && rule.threshold == above(9));
    CHECK_INT(mid_rule_alarm(&rule, score, 4), 3);
    CHECK_TEXT(rule.promise, "at most 50 % of new safe prompts are stopped, and at most 50 % of new unsafe prompts are "
                             "neither stopped nor held, with 90 % confidence (n = 10 safe, 10 unsafe prompts); of the "
                             "calibration prompts 80 % of safe and 80 % of unsafe ones are held, which costs 0.8 per "
                             "prompt");
    rule = fit_rule("three_way", PARAMS(P("false_alarm", 0.5), P("miss", 0.5), P("hold_alarms", 1)), extreme, label,
                    20);
    CHECK_INT(mid_rule_alarm(&rule, score, 4), 1);
}

/* Where one threshold does for both, nothing is held. */
TEST(three_way, lines_do_not_cross)
{
    double extreme[20];
    uint8_t label[20];
    mid_rule rule;

    fill(extreme, label, 20);
    rule = fit_rule("three_way", PARAMS(P("false_alarm", 0.5), P("miss", 0.5)), extreme, label, 20);
    CHECK(rule.feasible && rule.threshold == above(9) && rule.hold == rule.threshold);
}

TEST(three_way, infeasible)
{
    double extreme[20];
    uint8_t label[20];
    mid_rule rule;

    fill(extreme, label, 0);
    rule = fit_rule("three_way", NULL, extreme, label, 20);
    CHECK(!rule.feasible && rule.threshold == INFINITY && rule.hold == INFINITY);
    CHECK(strstr(rule.promise, "at most 5 % false alarms with 90 % confidence needs 59 safe prompts, the calibration "
                               "set has 10"));
    CHECK(strstr(rule.promise, "at most 10 % misses with 90 % confidence needs 29 unsafe prompts, the calibration set "
                               "has 10"));
}

TEST(three_way, bad_input)
{
    const mid_rule_set set = { 0 };
    mid_rule rule;

    CHECK_FAILS(mid_rule_fit(test_ctx(), "three_way", PARAMS(P("hold_alarms", 2)), &set, &rule), MID_EINVAL);
    CHECK_FAILS(mid_rule_fit(test_ctx(), "three_way", PARAMS(P("hold_cost", -1)), &set, &rule), MID_EINVAL);
    CHECK_FAILS(mid_rule_fit(test_ctx(), "three_way", PARAMS(P("miss", NAN)), &set, &rule), MID_EINVAL);
    CHECK_SAYS("needs both rates");
}
