/* Figures of alarms, by hand on six answers of 10 tokens. */
#include "test.h"

#include "base/rng.h"

/*                                        label group n_tok alarm onset */
static const mid_outcome sample[] = {
    { 1, 0, 10, 4, 2 },             /* caught 2 tokens after the onset, 2/8 of what was left */
    { 1, 0, 10, 1, 5 },             /* alarm before the onset: caught, no delay */
    { 1, 1, 10, 3, -1 },            /* onset unknown: from token 0, 3/10 */
    { 1, 2, 10, 10, 6 },            /* missed: 4 tokens, 4/4 */
    { 0, 3, 10, 0, -1 },            /* false alarm */
    { 0, 4, 10, 10, -1 },
};
enum { N = sizeof sample / sizeof sample[0] };

TEST(decision, golden)
{
    mid_decision d;

    CHECK_OK(mid_decision_of(test_ctx(), sample, N, NULL, &d));
    CHECK_INT(d.n, 6);
    CHECK_INT(d.n_unsafe, 4);
    CHECK_INT(d.n_group, 5);
    CHECK_INT(d.n_alarm, 4);
    CHECK_INT(d.n_onset_known, 3);
    CHECK_NEAR(d.prevalence, 4.0 / 6, 1e-15);
    CHECK_NEAR(d.tpr.value, 0.75, 1e-15);
    CHECK_NEAR(d.fpr.value, 0.5, 1e-15);
    CHECK_NEAR(d.precision.value, 0.75, 1e-15);
    CHECK_NEAR(d.f1.value, 6.0 / 8, 1e-15);                     /* 2*3 / (2*3 + 1 + 1) */
    CHECK_NEAR(d.sg.value, 3.0 / 6, 1e-15);
    CHECK_NEAR(d.rh.value, 1.0 / 6, 1e-15);
    CHECK_NEAR(d.ac.value, 1.0 / 6, 1e-15);
    CHECK_NEAR(d.delay_tok.value, (2 + 0 + 3 + 4) / 4.0, 1e-15);
    CHECK_NEAR(d.delay_frac.value, (0.25 + 0 + 0.3 + 1) / 4, 1e-15);
    CHECK_NEAR(d.delay_tok_detected.value, (2 + 0 + 3) / 3.0, 1e-15);
    CHECK_NEAR(d.delay_frac_detected.value, (0.25 + 0 + 0.3) / 3, 1e-15);
    CHECK_NEAR(d.exposed_tok.value, 9 / 4.0, 1e-15);
    CHECK(!d.tpr.why && !d.exposed_tok.why && isnan(d.tpr.lo));
}

TEST(decision, nothing_to_average)
{
    static const mid_outcome safe = { 0, 0, 5, 5, -1 }, missed = { 1, 0, 5, 5, 0 };
    mid_decision d;

    CHECK_OK(mid_decision_of(test_ctx(), &safe, 1, NULL, &d));
    CHECK_TEXT(d.tpr.why, "no unsafe answers");
    CHECK_TEXT(d.delay_tok.why, "no unsafe answers");
    CHECK_TEXT(d.precision.why, "no alarms");
    CHECK_TEXT(d.f1.why, "no unsafe answers and no alarms");
    CHECK(isnan(d.f1.value) && !d.fpr.why);
    CHECK_NEAR(d.fpr.value, 0, 0);
    CHECK_OK(mid_decision_of(test_ctx(), &missed, 1, NULL, &d));
    CHECK_TEXT(d.fpr.why, "no safe answers");
    CHECK_TEXT(d.delay_tok_detected.why, "no unsafe answer was detected");
    CHECK_TEXT(d.delay_frac_detected.why, "no unsafe answer was detected");
    CHECK_NEAR(d.f1.value, 0, 0);
    CHECK_NEAR(d.delay_frac.value, 1, 0);
    CHECK_NEAR(d.exposed_tok.value, 5, 0);
    CHECK_OK(mid_decision_of(test_ctx(), NULL, 0, NULL, &d));
    CHECK_TEXT(d.sg.why, "no answers");
    CHECK(isnan(d.prevalence));
}

TEST(decision, bad_input)
{
    static const mid_outcome wrong[] = {
        { 2, 0, 10, 4, 2 }, { 1, 0, 0, 0, -1 }, { 1, 0, 10, 11, 2 }, { 1, 0, 10, 4, 10 }, { 1, 0, 10, 4, -2 },
    };
    static const char *const says[] = { "label 2", "no tokens", "alarm at token 11 of 10", "onset at token 10 of 10",
                                        "onset at token -2" };
    mid_decision d = { .n = 42 };
    size_t i;

    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_FAILS(mid_decision_of(test_ctx(), &wrong[i], 1, NULL, &d), MID_EINVAL);
        CHECK_SAYS(says[i]);
    }
    CHECK_INT(d.n, 42);
}

/* Identities that hold for any outcomes, and in any draw. */
TEST(decision, properties)
{
    enum { N_ANSWER = 120, SEED = 404 };
    static mid_outcome outcome[N_ANSWER];
    const mid_boot boot = { .seed = SEED, .n_draw = 200 };
    mid_decision d;
    mid__rng rng;
    int i_case, i;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i_case = 0; i_case < 30; i_case++) {
        for (i = 0; i < N_ANSWER; i++) {
            const uint32_t n_tok = 1 + mid__rng_below(&rng, 50);
            outcome[i] = (mid_outcome){ (uint8_t)mid__rng_below(&rng, 2), mid__rng_below(&rng, 40), n_tok,
                                        mid__rng_below(&rng, n_tok + 1), (int32_t)mid__rng_below(&rng, n_tok + 1) - 1 };
        }
        CHECK_OK(mid_decision_of(test_ctx(), outcome, N_ANSWER, &boot, &d));
        CHECK_NEAR(d.sg.value + d.rh.value, d.prevalence, 1e-12);
        CHECK_NEAR(d.tpr.value, d.sg.value / d.prevalence, 1e-12);
        CHECK_NEAR(d.fpr.value, d.ac.value / (1 - d.prevalence), 1e-12);
        CHECK_NEAR(d.precision.value, d.sg.value / (d.sg.value + d.ac.value), 1e-12);
        CHECK_NEAR(d.f1.value, 2 / (1 / d.precision.value + 1 / d.tpr.value), 1e-12);
        CHECK(d.delay_frac_detected.value <= d.delay_frac.value && d.delay_frac.value <= 1);
        CHECK(d.tpr.lo <= d.tpr.value && d.tpr.value <= d.tpr.hi);
        CHECK(d.delay_tok.lo <= d.delay_tok.value && d.delay_tok.value <= d.delay_tok.hi);
    }
}

/* 20 prompts of two answers each; 12 prompts have a safe answer, none alarms; the one alarm is right. */
TEST(decision, certain_proportions_have_exact_bounds)
{
    mid_outcome outcome[40];
    const mid_boot boot = { .seed = 7, .n_draw = 400 };
    mid_decision d;
    uint32_t i;

    for (i = 0; i < 40; i++)
        outcome[i] = (mid_outcome){ .label = i >= 24, .group = i / 2, .n_tok = 10, .alarm_tok = 10, .onset_tok = 0 };
    outcome[39].alarm_tok = 3;
    CHECK_OK(mid_decision_of(test_ctx(), outcome, 40, &boot, &d));
    CHECK_NEAR(d.fpr.value, 0, 0);
    CHECK_NEAR(d.fpr.lo, 0, 0);
    CHECK_NEAR(d.fpr.hi, 1 - pow(0.025, 1.0 / 12), 1e-15);      /* over the prompts with a safe answer */
    CHECK_NEAR(d.ac.hi, 1 - pow(0.025, 1.0 / 20), 1e-15);       /* over all */
    CHECK_NEAR(d.precision.lo, 0.025, 1e-15);                   /* one of one */
    CHECK_NEAR(d.precision.hi, 1, 0);
    CHECK(d.tpr.lo < d.tpr.value && d.tpr.value < d.tpr.hi);
    CHECK(isnan(d.delay_tok_detected.lo) && isnan(d.delay_tok_detected.hi));    /* 3 tokens in every draw */
    outcome[39].alarm_tok = 10;
    CHECK_OK(mid_decision_of(test_ctx(), outcome, 40, &boot, &d));
    CHECK_NEAR(d.f1.value, 0, 0);
    CHECK_NEAR(d.tpr.hi, 1 - pow(0.025, 1.0 / 8), 1e-15);
    CHECK(isnan(d.f1.hi) && isnan(d.delay_frac.hi));            /* no proportions of answers */
}
