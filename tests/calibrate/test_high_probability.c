/* Exact binomial tails, by hand: P[Bin(10, 1/2) <= 0, 1, 2, 3] = 1, 11, 56, 176 of 1024. */
#include "calibrate/calibration.h"

static const double one_to_ten[] = { 5, 3, 9, 1, 7, 2, 8, 4, 6, 10 };
static const uint8_t safe[CALIBRATION_MAX], unsafe[10] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

TEST(high_probability, golden)
{
    mid_rule rule = fit_rule("high_probability", PARAMS(P("false_alarm", 0.5)), one_to_ten, safe, 10);

    CHECK(rule.feasible && rule.kind == MID_PROMISE_CONFIDENT && rule.confidence == 0.9);
    CHECK(rule.threshold == above(8));                  /* 2 alarms: .055 <= .1 < .172 */
    CHECK_TEXT(rule.promise, "at most 50 % of new safe prompts raise an alarm, with 90 % confidence (n = 10 safe "
                             "prompts)");
    rule = fit_rule("high_probability", PARAMS(P("miss", 0.5)), one_to_ten, unsafe, 10);
    CHECK(rule.threshold == 3);
    rule = fit_rule("high_probability", PARAMS(P("miss", 0.5), P("joint", 2)), one_to_ten, unsafe, 10);
    CHECK(rule.threshold == 2);                         /* 1 miss: .011 <= .05 < .055 */
    CHECK(strstr(rule.promise, "with 90 % confidence in all 2 statements"));
    rule = fit_rule("high_probability", PARAMS(P("miss", 0.5), P("confidence", 0.995)), one_to_ten, unsafe, 10);
    CHECK(rule.threshold == 1);
}

/* Both share what may be wrong: one error each. */
TEST(high_probability, both)
{
    double extreme[20];
    uint8_t label[20] = { 0 };
    mid_rule rule;
    size_t i;

    for (i = 0; i < 10; i++) {
        extreme[i] = one_to_ten[i];
        extreme[10 + i] = one_to_ten[i] + 8;
        label[10 + i] = 1;
    }
    rule = fit_rule("high_probability", PARAMS(P("false_alarm", 0.5), P("miss", 0.5)), extreme, label, 20);
    CHECK(rule.feasible && rule.lowest == above(9) && rule.highest == 10);
}

/* (1 - rate)^n <= .1 */
TEST(high_probability, needs)
{
    static const struct { double rate; size_t n; } want[] = { { 0.1, 22 }, { 0.05, 45 }, { 0.01, 230 }, { 0.9, 1 } };
    static double extreme[230];
    size_t i, n_safe, n_unsafe;
    mid_rule rule;

    for (i = 0; i < sizeof want / sizeof want[0]; i++) {
        CHECK_OK(mid_rule_needs(test_ctx(), "high_probability", PARAMS(P("false_alarm", want[i].rate)), &n_safe,
                                &n_unsafe));
        CHECK_INT(n_safe, want[i].n);
        CHECK_INT(n_unsafe, 0);
        CHECK(fit_rule("high_probability", PARAMS(P("false_alarm", want[i].rate)), extreme, safe, want[i].n).feasible);
        if (want[i].n == 1)
            continue;
        rule = fit_rule("high_probability", PARAMS(P("false_alarm", want[i].rate)), extreme, safe, want[i].n - 1);
        CHECK(!rule.feasible && rule.nearest_false_alarm > want[i].rate);
    }
    CHECK_OK(mid_rule_needs(test_ctx(), "high_probability", PARAMS(P("false_alarm", 0.01), P("miss", 0.1)), &n_safe,
                            &n_unsafe));
    CHECK_INT(n_safe, 299);                             /* ln .05 / ln .99 = 298.07 */
    CHECK_INT(n_unsafe, 29);                            /* ln .05 / ln .9 = 28.4 */
}

TEST(high_probability, all_tied)
{
    static const double tied[30] = { 0 };
    uint8_t label[30] = { 0 };
    mid_rule rule = fit_rule("high_probability", PARAMS(P("false_alarm", 0.1)), tied, safe, 30);

    CHECK(rule.feasible && rule.threshold == above(0));
    memset(label, 1, 15);
    rule = fit_rule("high_probability", PARAMS(P("false_alarm", 0.5), P("miss", 0.5)), tied, label, 30);
    CHECK(!rule.feasible && isnan(rule.nearest_false_alarm));   /* alarm at all of them or none: there is no nearest */
    CHECK(strstr(rule.promise, "no threshold keeps at most 50 % false alarms and at most 50 % misses with 90 % "
                               "confidence"));
}

TEST(high_probability, bad_input)
{
    const mid_rule_set set = set_of(one_to_ten, safe, 10);
    mid_rule rule;

    CHECK_FAILS(mid_rule_fit(test_ctx(), "high_probability", PARAMS(P("confidence", 1)), &set, &rule), MID_EINVAL);
    CHECK_SAYS("high_probability: confidence is 1");
    CHECK_FAILS(mid_rule_fit(test_ctx(), "high_probability", PARAMS(P("confidence", NAN)), &set, &rule), MID_EINVAL);
    CHECK_FAILS(mid_rule_fit(test_ctx(), "high_probability", PARAMS(P("joint", 1.5)), &set, &rule), MID_EINVAL);
    CHECK_SAYS("joint is 1.5");
    CHECK_FAILS(mid_rule_fit(test_ctx(), "high_probability", PARAMS(P("miss", -1)), &set, &rule), MID_EINVAL);
    CHECK_SAYS("miss is -1");
}
