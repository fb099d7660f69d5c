/* Split conformal, by hand and by 2000 calibrations with a known false-alarm rate. */
#include "test.h"

#include "base/rng.h"

static const uint32_t own_group[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
static const uint8_t all_safe[10];

static mid_rule fit(double alpha, const double *extreme, const uint8_t *label, const uint32_t *group, size_t n)
{
    const mid_param params[] = { { "alpha", alpha, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_rule rule;

    CHECK_OK(mid_rule_fit(test_ctx(), "conformal", params, extreme, label, group, n, &rule));
    return rule;
}

/* n = 9, alpha = .2: k = ceil(10 * .8) = 8, strictly above the 8th smallest; unsafe extremes play no part. */
TEST(conformal, golden)
{
    static const double extreme[] = { 5, 3, 9, 1, 7, 2, 8, 4, 6, 100 };
    static const uint8_t label[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
    const mid_rule rule = fit(0.2, extreme, label, own_group, 10);

    CHECK(rule.threshold > 8 && rule.threshold == nextafter(8, 9));
    CHECK(rule.feasible);
    CHECK_NEAR(rule.alpha, 0.2, 0);
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
    const mid_rule rule = fit(0.5, extreme, label, group, 6);

    CHECK_INT(rule.n_safe, 3);
    CHECK_INT(rule.n_unsafe, 1);
    CHECK(rule.threshold == nextafter(4, 5));                   /* k = 4 * .5 = 2 */
}

TEST(conformal, all_tied)
{
    static const double extreme[] = { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 };
    const mid_rule rule = fit(0.1, extreme, all_safe, own_group, 9);

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
    static uint8_t label[200];
    static uint32_t group[200];
    char needs[40];
    size_t i;

    for (i = 0; i < 200; i++) {
        extreme[i] = (double)i;
        group[i] = (uint32_t)i;
    }
    for (i = 0; i < sizeof want / sizeof want[0]; i++) {
        mid_rule rule = fit(want[i].alpha, extreme, label, group, want[i].n_needed);
        CHECK(rule.feasible && isfinite(rule.threshold));
        rule = fit(want[i].alpha, extreme, label, group, want[i].n_needed - 1);
        CHECK(!rule.feasible && rule.threshold == INFINITY);
        snprintf(needs, sizeof needs, "needs %zu safe prompts", want[i].n_needed);
        CHECK(strstr(rule.promise, needs));
    }
}

TEST(conformal, infinite_extremes)
{
    static const double low[] = { -INFINITY, -INFINITY, -INFINITY }, high[] = { INFINITY, INFINITY, INFINITY };
    mid_rule rule = fit(0.5, low, all_safe, own_group, 3);

    CHECK(isfinite(rule.threshold));                            /* an aggregator that never woke up is no alarm */
    CHECK_INT(mid_rule_alarm(&rule, low, 3), 3);
    rule = fit(0.5, high, all_safe, own_group, 3);
    CHECK_INT(mid_rule_alarm(&rule, high, 3), 3);               /* nothing is strictly above */
}

TEST(conformal, bad_input)
{
    static const mid_param text[] = { { "alpha", 0, "small", NULL }, { NULL, 0, NULL, NULL } };
    static const double wrong[] = { 0, 1, -0.1, 2, NAN };
    static const double extreme[] = { 1, 2, 3 };
    static const uint8_t label[] = { 0, 0, 3 };
    mid_rule rule = { .threshold = 42 };
    size_t i;

    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const mid_param params[] = { { "alpha", wrong[i], NULL, NULL }, { NULL, 0, NULL, NULL } };
        CHECK_FAILS(mid_rule_fit(test_ctx(), "conformal", params, extreme, label, own_group, 2, &rule), MID_EINVAL);
        CHECK_SAYS("alpha is");
    }
    CHECK_FAILS(mid_rule_fit(test_ctx(), "conformal", text, extreme, label, own_group, 2, &rule), MID_EINVAL);
    CHECK_SAYS("want a number");
    CHECK_FAILS(mid_rule_fit(test_ctx(), "conformal", NULL, extreme, label, own_group, 3, &rule), MID_EINVAL);
    CHECK_SAYS("label 2 of 3 is 3");
    CHECK_NEAR(rule.threshold, 42, 0);
    CHECK_OK(mid_rule_fit(test_ctx(), "conformal", NULL, NULL, NULL, NULL, 0, &rule));
    CHECK(!rule.feasible);
}

/* The promise: extremes uniform on [0, 1), so a threshold's true false-alarm rate is 1 - threshold. With scores rounded
 * to 8 values, ties included, the true rate is the share of values at or above it. */
static double mean_false_alarm(double alpha, size_t n, int n_value, uint64_t seed, double *sd)
{
    enum { N_CALIBRATION = 2000, N_MAX = 200 };
    static double extreme[N_MAX];
    static uint8_t label[N_MAX];
    static uint32_t group[N_MAX];
    double sum = 0, sum2 = 0;
    mid__rng rng;
    size_t i, i_cal;

    mid__rng_init(&rng, seed, n);
    for (i_cal = 0; i_cal < N_CALIBRATION; i_cal++) {
        double rate;
        for (i = 0; i < n; i++) {
            extreme[i] = n_value ? mid__rng_below(&rng, (uint32_t)n_value) / (double)n_value : mid__rng_unit(&rng);
            group[i] = (uint32_t)i;
        }
        rate = 1 - fit(alpha, extreme, label, group, n).threshold;
        if (n_value)
            rate = floor(rate * n_value) / n_value;
        sum += rate;
        sum2 += rate * rate;
    }
    sum /= N_CALIBRATION;
    *sd = sqrt((sum2 / N_CALIBRATION - sum * sum) / N_CALIBRATION);
    return sum;
}

TEST(conformal, promise_holds_on_average)
{
    enum { SEED = 31337 };
    static const struct { double alpha; size_t n; } at[] = { { 0.05, 19 }, { 0.05, 57 }, { 0.1, 150 }, { 0.3, 10 } };
    double mean, sd;
    size_t i;

    print_message("seed %d\n", SEED);
    for (i = 0; i < sizeof at / sizeof at[0]; i++) {
        mean = mean_false_alarm(at[i].alpha, at[i].n, 0, SEED, &sd);
        print_message("alpha %g, n %zu: false alarm %.4f +- %.4f, with ties ", at[i].alpha, at[i].n, mean, sd);
        CHECK(mean <= at[i].alpha + 3 * sd);
        CHECK(mean >= at[i].alpha - 1.0 / (double)(at[i].n + 1) - 3 * sd);      /* and it is not needlessly strict */
        mean = mean_false_alarm(at[i].alpha, at[i].n, 8, SEED, &sd);
        print_message("%.4f\n", mean);
        CHECK(mean <= at[i].alpha + 3 * sd);
    }
}
