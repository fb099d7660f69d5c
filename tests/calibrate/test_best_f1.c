/* The best-F1 threshold, by hand. */
#include "calibrate/calibration.h"

#include <float.h>

/* Unsafe answers with infinite scores: the line stays one that they reach. */
TEST(best_f1, infinite_scores_alarm)
{
    static const double extreme[] = { 0, 1, INFINITY, INFINITY }, score[] = { 1e308, INFINITY };
    static const uint8_t label[] = { 0, 0, 1, 1 };
    mid_rule rule = fit_rule("best_f1", NULL, extreme, label, 4);

    CHECK(rule.feasible && rule.threshold == DBL_MAX);
    CHECK_INT(mid_rule_alarm(&rule, score, 2), 1);
    rule = fit_rule("cost_optimal", NULL, extreme, label, 4);
    CHECK(rule.feasible && rule.threshold == DBL_MAX);
    CHECK_INT(mid_rule_alarm(&rule, score, 2), 1);
}

static mid_rule fit(const double *extreme, const uint8_t *label, size_t n)
{
    return fit_rule("best_f1", NULL, extreme, label, n);
}

/* F1 = 2 TP / (alarms + 3), from the highest threshold down: 2/4, 2/5, 4/6, 4/7, 6/8, 6/9. */
TEST(best_f1, golden)
{
    static const double extreme[] = { 0.9, 0.8, 0.6, 0.35, 0.3, 0.1 };
    static const uint8_t label[] = { 1, 0, 1, 0, 1, 0 };
    const mid_rule rule = fit(extreme, label, 6);

    CHECK_NEAR(rule.threshold, 0.3, 0);
    CHECK(rule.feasible && rule.kind == MID_PROMISE_NONE && isnan(rule.false_alarm));
    CHECK_INT(rule.n_safe, 3);
    CHECK_INT(rule.n_unsafe, 3);
    CHECK_TEXT(rule.name, "best_f1");
    CHECK(strstr(rule.promise, "none") == rule.promise && strstr(rule.promise, "0.750"));
}

/* .9 alone: 2 / (1 + 2); down to .2: 4 / (4 + 2). Both 2/3. */
TEST(best_f1, highest_threshold_among_equals)
{
    static const double extreme[] = { 0.9, 0.5, 0.4, 0.2 };
    static const uint8_t label[] = { 1, 0, 0, 1 };

    CHECK_NEAR(fit(extreme, label, 4).threshold, 0.9, 0);
}

TEST(best_f1, all_tied)
{
    static const double extreme[] = { 0.5, 0.5, 0.5 };
    static const uint8_t label[] = { 1, 0, 0 };
    const mid_rule rule = fit(extreme, label, 3);

    CHECK_NEAR(rule.threshold, 0.5, 0);
    CHECK_INT(mid_rule_alarm(&rule, extreme, 3), 0);    /* score >= threshold */
}

/* Answers that ended before they had a score: no threshold reaches them. 3 is best: TP 1, FP 0, and FN 1 for good. */
TEST(best_f1, nothing_yet)
{
    static const double extreme[] = { 3, -INFINITY, 2, -INFINITY }, none[] = { -INFINITY, -INFINITY };
    static const uint8_t label[] = { 1, 1, 0, 0 }, both[] = { 1, 0 };
    mid_rule rule = fit(extreme, label, 4);

    CHECK(rule.feasible);
    CHECK_NEAR(rule.threshold, 3, 0);
    rule = fit(none, both, 2);
    CHECK(!rule.feasible && rule.threshold == INFINITY);
    CHECK_INT(mid_rule_alarm(&rule, extreme, 4), 4);
}

TEST(best_f1, bad_input)
{
    static const double extreme[] = { 0.5, 0.25, NAN };
    static const uint8_t label[] = { 0, 0, 1 };
    mid_rule_set set = set_of(extreme, label, 2);
    mid_rule rule = { .threshold = 42 };

    CHECK_FAILS(mid_rule_fit(test_ctx(), "best_f1", NULL, &set, &rule), MID_EUNDEFINED);
    CHECK_SAYS("there are 2 safe and 0 unsafe prompts");
    CHECK_FAILS(mid_rule_fit(test_ctx(), "best_f1", PARAMS(P("alpha", 0.1)), &set, &rule), MID_EINVAL);
    CHECK_SAYS("best_f1 has no parameter 'alpha'");
    set.n = 3;
    CHECK_FAILS(mid_rule_fit(test_ctx(), "best_f1", NULL, &set, &rule), MID_ENUMERIC);
    CHECK_NEAR(rule.threshold, 42, 0);
}
