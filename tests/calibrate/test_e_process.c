/* Lines for likelihood ratios, by hand. */
#include "calibrate/calibration.h"

static const double one_to_ten[] = { 5, 3, 9, 1, 7, 2, 8, 4, 6, 10 };
static const uint8_t safe[10];

TEST(e_process, golden)
{
    mid_rule rule = fit_rule("e_process", NULL, NULL, NULL, 0);        /* needs no data */
    size_t n_safe, n_unsafe;

    CHECK(rule.feasible && rule.kind == MID_PROMISE_ASSUMED && rule.false_alarm == 0.05);
    CHECK_NEAR(rule.threshold, 2.995732273553991, 1e-15);      /* ln 20 */
    CHECK(strstr(rule.promise, "if the score is the exact log likelihood ratio") && rule.max_tok == 0);
    rule = fit_rule("e_process", PARAMS(P("prior_odds", 0.25)), NULL, NULL, 0);
    CHECK_NEAR(rule.threshold, 1.6094379124341003, 1e-15);     /* ln 20 - ln 4 */
    CHECK_OK(mid_rule_needs(test_ctx(), "e_process", NULL, &n_safe, &n_unsafe));
    CHECK_INT(n_safe + n_unsafe, 0);
}

/* With a confidence: the exact tail, whatever the score is. */
TEST(e_process, calibrated)
{
    const mid_rule rule = fit_rule("e_process", PARAMS(P("false_alarm", 0.5), P("confidence", 0.9)), one_to_ten, safe,
                                   10);

    CHECK(rule.feasible && rule.kind == MID_PROMISE_CONFIDENT && rule.threshold == above(8));
}

TEST(e_process, bad_input)
{
    const mid_rule_set set = { 0 };
    mid_rule rule;

    CHECK_FAILS(mid_rule_fit(test_ctx(), "e_process", PARAMS(P("false_alarm", NAN)), &set, &rule), MID_EINVAL);
    CHECK_FAILS(mid_rule_fit(test_ctx(), "e_process", PARAMS(P("prior_odds", 0)), &set, &rule), MID_EINVAL);
    CHECK_SAYS("e_process: prior_odds is 0");
}
