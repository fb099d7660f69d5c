/* Split conformal, by hand; test_guarantees.c has its promise. */
#include "calibrate/calibration.h"

static const uint8_t all_safe[CALIBRATION_MAX];

static mid_rule fit(double alpha, const double *extreme, const uint8_t *label, size_t n)
{
    return fit_rule("conformal", PARAMS(P("alpha", alpha)), extreme, label, n);
}

/* n = 9, alpha = .2: k = ceil(10 * .8) = 8, strictly above the 8th smallest; unsafe extremes play no part. */
TEST(conformal, golden)
{
    static const double extreme[] = { 5, 3, 9, 1, 7, 2, 8, 4, 6, 100 };
    static const uint8_t label[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
    const mid_rule rule = fit(0.2, extreme, label, 10);

    CHECK(rule.threshold > 8 && rule.threshold == nextafter(8, 9));
    CHECK(rule.feasible);
    CHECK(rule.kind == MID_PROMISE_MEAN);
    CHECK_NEAR(rule.false_alarm, 0.2, 0);
    CHECK_INT(rule.n_safe, 9);
    CHECK_INT(rule.n_unsafe, 1);
    CHECK_TEXT(rule.promise, "at most 20 % of new safe prompts raise an alarm, on average over calibration draws "
                             "(n = 9 safe prompts)");
}

TEST(conformal, a_prompt_is_its_largest_safe_extreme)
{
    static const double extreme[] = { 1, 6, 2, 3, 9, 4 };
    static const uint8_t label[] = { 0, 0, 0, 0, 1, 0 };
    static const uint32_t group[] = { 70, 70, 5, 5, 5, 33 };    /* 6; 3 (its 9 is unsafe); 4 */
    const mid_rule_set set = { .n = 6, .extreme = extreme, .label = label, .group = group };
    const mid_rule rule = fit_set("conformal", PARAMS(P("alpha", 0.5)), &set);

    CHECK_INT(rule.n_safe, 3);
    CHECK_INT(rule.n_unsafe, 1);
    CHECK(rule.threshold == nextafter(4, 5));                   /* k = 4 * .5 = 2 */
}

TEST(conformal, all_tied)
{
    static const double extreme[] = { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 };
    const mid_rule rule = fit(0.1, extreme, all_safe, 9);

    CHECK(rule.threshold == nextafter(2, 3));
    CHECK_INT(mid_rule_alarm(&rule, extreme, 10), 10);          /* a tie is no alarm */
}

/* 1 - .05 in doubles times 20 must not become 19.000000000000004 and so k = 20. */
TEST(conformal, smallest_feasible_calibration)
{
    static const struct { double alpha; size_t n_needed; } want[] = {
        { 0.5, 1 }, { 0.25, 3 }, { 0.2, 4 }, { 0.1, 9 }, { 0.05, 19 }, { 0.01, 99 }, { 0.005, 199 }, { 0.3, 3 },
    };
    static double extreme[200];
    char needs[40];
    size_t i, n_safe, n_unsafe;

    for (i = 0; i < 200; i++)
        extreme[i] = (double)i;
    for (i = 0; i < sizeof want / sizeof want[0]; i++) {
        mid_rule rule = fit(want[i].alpha, extreme, all_safe, want[i].n_needed);
        CHECK(rule.feasible && isfinite(rule.threshold));
        rule = fit(want[i].alpha, extreme, all_safe, want[i].n_needed - 1);
        CHECK(!rule.feasible && rule.threshold == INFINITY);
        snprintf(needs, sizeof needs, "needs %zu safe prompts", want[i].n_needed);
        CHECK(strstr(rule.promise, needs));
        CHECK_OK(mid_rule_needs(test_ctx(), "conformal", PARAMS(P("alpha", want[i].alpha)), &n_safe, &n_unsafe));
        CHECK_INT(n_safe, want[i].n_needed);
        CHECK_INT(n_unsafe, 0);
    }
}

TEST(conformal, infinite_extremes)
{
    static const double low[] = { -INFINITY, -INFINITY, -INFINITY }, high[] = { INFINITY, INFINITY, INFINITY };
    mid_rule rule = fit(0.5, low, all_safe, 3);

    CHECK(isfinite(rule.threshold));                            /* an aggregator that never woke up is no alarm */
    CHECK_INT(mid_rule_alarm(&rule, low, 3), 3);
    rule = fit(0.5, high, all_safe, 3);
    CHECK_INT(mid_rule_alarm(&rule, high, 3), 3);               /* nothing is strictly above */
    CHECK(!rule.feasible && strstr(rule.promise, "none, never alarms: no score is high enough"));
}

TEST(conformal, bad_input)
{
    static const double wrong[] = { 0, 1, -0.1, 2, NAN };
    static const double extreme[] = { 1, 2, 3 };
    static const uint8_t label[] = { 0, 0, 3 };
    mid_rule_set set = set_of(extreme, label, 2);
    mid_rule rule = { .threshold = 42 };
    size_t i;

    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_FAILS(mid_rule_fit(test_ctx(), "conformal", PARAMS(P("alpha", wrong[i])), &set, &rule), MID_EINVAL);
        CHECK_SAYS("alpha is");
    }
    CHECK_FAILS(mid_rule_fit(test_ctx(), "conformal", PARAMS({ "alpha", 0, "small", NULL }), &set, &rule), MID_EINVAL);
    CHECK_SAYS("want a number");
    CHECK_FAILS(mid_rule_fit(test_ctx(), "conformal", PARAMS(P("alpha", 0.1), P("alpha", 0.2)), &set, &rule),
                MID_EINVAL);
    CHECK_SAYS("alpha is given twice");
    set.n = 3;
    CHECK_FAILS(mid_rule_fit(test_ctx(), "conformal", NULL, &set, &rule), MID_EINVAL);
    CHECK_SAYS("label 2 of 3 is 3");
    CHECK_NEAR(rule.threshold, 42, 0);
    set.n = 0;
    CHECK_OK(mid_rule_fit(test_ctx(), "conformal", NULL, &set, &rule));
    CHECK(!rule.feasible);
}
