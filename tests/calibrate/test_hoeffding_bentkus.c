/* Losses that are shares, by hand. */
#include "calibrate/calibration.h"

#include "calibrate/bound.h"

static const uint8_t safe[CALIBRATION_MAX];

/* n = 10, rate 1/2: 1 error gives exp(-10 (.1 ln .2 + .9 ln 1.8)) = .0252, 2 give exp(-10 (.2 ln .4 + .8 ln 1.6)) =
 * .1455; Bentkus e 11/1024 = .0292 and e 56/1024 = .1487. */
TEST(hoeffding_bentkus, golden)
{
    static const double one_to_ten[] = { 5, 3, 9, 1, 7, 2, 8, 4, 6, 10 };

    CHECK_NEAR(mid__hoeffding_bentkus(1, 10, 0.5), 0.02521, 1e-5);
    CHECK_NEAR(mid__hoeffding_bentkus(2, 10, 0.5), 0.14552, 1e-5);
    CHECK_NEAR(mid__hoeffding_bentkus(5, 10, 0.5), 1, 0);
    CHECK_NEAR(mid__hoeffding_bentkus(0, 10, 0.5), 1 / 1024.0, 1e-15);
    CHECK(fit_rule("hoeffding_bentkus", PARAMS(P("false_alarm", 0.5)), one_to_ten, safe, 10).threshold == above(9));
}

/* Ten prompts; the one with four answers loses a quarter with each. Above 9: 1. Above 8: 1.25. Above 7: 1.5, of which
 * exp(-10 kl(.15, .5)) = .0667. Above 6: 2.5 is too much. */
TEST(hoeffding_bentkus, a_prompt_counts_once)
{
    static const double extreme[] = { 10, 6, 5, 4, 3, 2, 1, 0, -1, 9, 8, 0, 0 };
    static const uint32_t group[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9 };
    const mid_rule_set set = { .n = 13, .extreme = extreme, .label = safe, .group = group };
    const mid_rule rule = fit_set("hoeffding_bentkus", PARAMS(P("false_alarm", 0.5)), &set);

    CHECK_INT(rule.n_safe, 10);
    CHECK(rule.threshold == above(6));                  /* above 6 alarm 10, 9 and 8: 1.5 */
    CHECK_TEXT(rule.promise, "at most 50 % of safe answers raise an alarm, a prompt counting once, with 90 % "
                             "confidence (n = 10 safe prompts)");
}

/* With one answer a prompt it is never looser than the exact tail, and as strict as it for no error. */
TEST(hoeffding_bentkus, against_the_exact_tail)
{
    static double extreme[400];
    static const double rate[] = { 0.05, 0.1, 0.3 };
    size_t n, i, n_hb[2], n_exact[2];

    for (i = 0; i < 400; i++)
        extreme[i] = (double)i;
    for (i = 0; i < 3; i++) {
        for (n = 50; n <= 400; n += 50) {
            const mid_param *params = PARAMS(P("false_alarm", rate[i]));
            CHECK(fit_rule("hoeffding_bentkus", params, extreme, safe, n).threshold >=
                  fit_rule("high_probability", params, extreme, safe, n).threshold);
        }
        CHECK_OK(mid_rule_needs(test_ctx(), "hoeffding_bentkus", PARAMS(P("miss", rate[i])), &n_hb[0], &n_hb[1]));
        CHECK_OK(mid_rule_needs(test_ctx(), "high_probability", PARAMS(P("miss", rate[i])), &n_exact[0], &n_exact[1]));
        CHECK_INT(n_hb[1], n_exact[1]);
    }
}
