/* Wald's lines, and the calibrated one with clearings running, by hand. */
#include "calibrate/calibration.h"

TEST(sprt, wald)
{
    static const double walk[] = { -1, -3, -2, 0 };
    const mid_rule rule = fit_rule("sprt", NULL, NULL, NULL, 0);

    CHECK(rule.feasible && rule.kind == MID_PROMISE_ASSUMED);
    CHECK_NEAR(rule.threshold, 2.8903717578961645, 1e-15);      /* ln(.9 / .05) */
    CHECK_NEAR(rule.clear, -2.2512917986064953, 1e-15);         /* ln(.1 / .95) */
    CHECK_INT(mid_rule_alarm(&rule, walk, 4), 3);               /* -3 clears, 0 is 3 above it */
    CHECK_NEAR(rule.false_alarm, 0.05 / 0.9, 1e-15);            /* what is promised, not what was asked */
    CHECK_NEAR(rule.miss, 0.1 / 0.95, 1e-15);
    CHECK(strstr(rule.promise, "after a clearing") && rule.max_tok == 0);
    CHECK(strstr(rule.promise, "at most 5.556 % of safe answers") && strstr(rule.promise, "at most 10.53 % of unsafe"));
}

/* Ten walks that end at 1 .. 10; the one of 10 gets there from a clearing at -3, so its extreme is 13. Two may
 * alarm: the line is above the third largest, which is 8. */
TEST(sprt, calibrated)
{
    static double score[10][3];
    static const uint8_t safe[10];
    double extreme[10];
    mid_scored_answer answer[10];
    mid_rule_set set;
    mid_rule rule;
    size_t i;

    for (i = 0; i < 10; i++) {
        score[i][0] = 0.5;
        score[i][1] = i == 9 ? -3 : 0;
        score[i][2] = extreme[i] = (double)(i + 1);
        answer[i] = (mid_scored_answer){ .score = score[i], .n = 3 };
    }
    set = set_of(extreme, safe, 10);
    set.score = answer;
    rule = fit_set("sprt", PARAMS(P("false_alarm", 0.5), P("confidence", 0.9)), &set);
    CHECK(rule.feasible && rule.kind == MID_PROMISE_CONFIDENT && isnan(rule.miss));
    CHECK(rule.threshold == above(8));
    CHECK_NEAR(rule.clear, -1.6094379124341003, 1e-15);         /* ln(.1 / .5) */
    CHECK_INT(mid_rule_alarm(&rule, score[9], 3), 2);
    CHECK_INT(mid_rule_alarm(&rule, score[7], 3), 3);
}

/* Walks that only fall: nothing below 0 is an alarm. */
TEST(sprt, line_not_below_zero)
{
    static const double fall[] = { -1, -2 };
    static const uint8_t safe[10];
    double extreme[10];
    mid_scored_answer answer[10];
    mid_rule_set set;
    mid_rule rule;
    size_t i;

    for (i = 0; i < 10; i++) {
        extreme[i] = -1;
        answer[i] = (mid_scored_answer){ .score = fall, .n = 2 };
    }
    set = set_of(extreme, safe, 10);
    set.score = answer;
    rule = fit_set("sprt", PARAMS(P("false_alarm", 0.5), P("confidence", 0.9)), &set);
    CHECK(rule.feasible && rule.threshold == 0 && rule.lowest == 0);
}

TEST(sprt, bad_input)
{
    static const double extreme[] = { 1 };
    static const uint8_t safe[1];
    const mid_rule_set set = set_of(extreme, safe, 1);
    mid_rule rule;

    CHECK_FAILS(mid_rule_fit(test_ctx(), "sprt", PARAMS(P("confidence", 0.9)), &set, &rule), MID_EUNDEFINED);
    CHECK_SAYS("needs all scores");
    CHECK_FAILS(mid_rule_fit(test_ctx(), "sprt", PARAMS(P("miss", 0.95)), &set, &rule), MID_EINVAL);
    CHECK_SAYS("together below 1");
    CHECK_FAILS(mid_rule_fit(test_ctx(), "sprt", PARAMS(P("miss", NAN)), &set, &rule), MID_EINVAL);
}
