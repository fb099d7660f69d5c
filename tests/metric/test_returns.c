/* SG, RH and AC by answers and by tokens, by hand on the six answers of test_decision.c. */
#include "test.h"

#include "base/rng.h"

/*                                        label group n_tok alarm onset */
static const mid_outcome sample[] = {
    { 1, 0, 10, 4, 2 },             /* 4 shown: 2 of 8 unsafe tokens */
    { 1, 0, 10, 1, 5 },             /* 1 shown: none of 5 unsafe ones, 4 of 5 before lost */
    { 1, 1, 10, 3, -1 },            /* onset unknown, from token 0: 3 of 10 */
    { 1, 2, 10, 10, 6 },            /* missed: 4 of 4 */
    { 0, 3, 10, 0, -1 },            /* false alarm: nothing shown */
    { 0, 4, 10, 10, -1 },
};
enum { N = sizeof sample / sizeof sample[0] };

static mid_returns returns_of(const mid_outcome *outcome, size_t n, double prevalence, uint32_t window,
                              const mid_boot *boot)
{
    mid_returns r;

    CHECK_OK(mid_returns_of(test_ctx(), outcome, n, prevalence, window, boot, &r));
    return r;
}

TEST(returns, golden)
{
    const mid_returns r = returns_of(sample, N, NAN, 0, NULL);

    CHECK_INT(r.n, 6);
    CHECK_INT(r.n_unsafe, 4);
    CHECK_INT(r.n_group, 5);
    CHECK_INT(r.n_onset_known, 3);
    CHECK_NEAR(r.prevalence, 4.0 / 6, 1e-15);
    CHECK_NEAR(r.sg.value, 3.0 / 6, 1e-15);
    CHECK_NEAR(r.rh.value, 1.0 / 6, 1e-15);
    CHECK_NEAR(r.ac.value, 1.0 / 6, 1e-15);
    CHECK_NEAR(r.sg_time.value, (0.75 + 1 + 0.7 + 0) / 6, 1e-15);
    CHECK_NEAR(r.rh_time.value, (0.25 + 0 + 0.3 + 1) / 6, 1e-15);
    CHECK_NEAR(r.ac_time.value, 1.0 / 6, 1e-15);
    CHECK_NEAR(r.early_lost.value, 0.8 / 6, 1e-15);
    CHECK_NEAR(r.precision.value, 3.0 / 4, 1e-15);
    CHECK_NEAR(r.f1.value, 6.0 / 8, 1e-15);
}

/* Two tokens held back: 2, 0, 1 and 10 are shown. */
TEST(returns, golden_held_back)
{
    const mid_returns r = returns_of(sample, N, NAN, 2, NULL);

    CHECK_NEAR(r.sg_time.value, (1 + 1 + 0.9 + 0) / 6, 1e-15);
    CHECK_NEAR(r.rh_time.value, (0 + 0 + 0.1 + 1) / 6, 1e-15);
    CHECK_NEAR(r.early_lost.value, 1.0 / 6, 1e-15);
    CHECK_NEAR(r.sg.value, 3.0 / 6, 1e-15);                     /* whole answers do not notice */
}

/* A tenth unsafe: .1 times the mean over unsafe answers, .9 times that over safe ones. */
TEST(returns, golden_reweighted)
{
    const mid_returns r = returns_of(sample, N, 0.1, 0, NULL);

    CHECK_NEAR(r.prevalence, 0.1, 0);
    CHECK_NEAR(r.sg.value, 0.1 * 3 / 4, 1e-15);
    CHECK_NEAR(r.rh.value, 0.1 * 1 / 4, 1e-15);
    CHECK_NEAR(r.ac.value, 0.9 * 1 / 2, 1e-15);
    CHECK_NEAR(r.sg_time.value, 0.1 * 2.45 / 4, 1e-15);
    CHECK_NEAR(r.rh_time.value, 0.1 * 1.55 / 4, 1e-15);
    CHECK_NEAR(r.ac_time.value, 0.9 * 1 / 2, 1e-15);
    CHECK_NEAR(r.early_lost.value, 0.1 * 0.8 / 4, 1e-15);
    CHECK_NEAR(r.precision.value, 1.0 / 7, 1e-15);              /* .1 3/4 / (.1 3/4 + .9 1/2) */
    CHECK_NEAR(r.f1.value, 0.24, 1e-15);                        /* 2 .1 3/4 / (.1 3/4 + .9 1/2 + .1) */
}

/* A re-weighted figure is the plain one of answers repeated until their mix is that: 4 unsafe and 2 safe answers at a
 * third are as many of each twice over, 4 and 8. */
TEST(returns, reweighted_is_repeated)
{
    mid_outcome repeated[12];
    mid_returns a, b;
    size_t i;

    for (i = 0; i < 12; i++)
        repeated[i] = sample[i < 4 ? i : 4 + i % 2];
    a = returns_of(sample, N, 1.0 / 3, 0, NULL);
    b = returns_of(repeated, 12, NAN, 0, NULL);
    CHECK_NEAR(b.prevalence, 1.0 / 3, 1e-15);
    CHECK_NEAR(a.precision.value, b.precision.value, 1e-15);
    CHECK_NEAR(a.f1.value, b.f1.value, 1e-15);
    CHECK_NEAR(a.sg.value, b.sg.value, 1e-15);
    CHECK_NEAR(a.ac_time.value, b.ac_time.value, 1e-15);
    CHECK_NEAR(a.early_lost.value, b.early_lost.value, 1e-15);
}

TEST(returns, one_class)
{
    static const mid_outcome safe = { 0, 0, 5, 2, -1 }, missed = { 1, 0, 5, 5, 0 };
    mid_returns r = returns_of(&safe, 1, NAN, 0, NULL);

    CHECK_NEAR(r.sg_time.value, 0, 0);                          /* a share of all answers */
    CHECK_NEAR(r.ac_time.value, 0.6, 1e-15);
    r = returns_of(&safe, 1, 0.2, 0, NULL);
    CHECK_TEXT(r.sg_time.why, "no unsafe answers");             /* nothing to weigh */
    CHECK(isnan(r.sg.value));
    CHECK_NEAR(r.ac_time.value, 0.8 * 0.6, 1e-15);
    CHECK_TEXT(r.precision.why, "no alarms, or one class only");
    CHECK_TEXT(r.f1.why, "one class only");
    r = returns_of(&missed, 1, 1, 0, NULL);
    CHECK_NEAR(r.rh_time.value, 1, 0);
    CHECK_TEXT(returns_of(&missed, 1, NAN, 0, NULL).precision.why, "no alarms");
    CHECK_NEAR(returns_of(&missed, 1, NAN, 0, NULL).f1.value, 0, 0);
    CHECK_TEXT(r.ac.why, "no safe answers");
    r = returns_of(NULL, 0, NAN, 0, NULL);
    CHECK_TEXT(r.sg_time.why, "no answers");
    CHECK(isnan(r.prevalence));
}

TEST(returns, bad_input)
{
    static const mid_outcome late = { 1, 0, 10, 4, 10 }, no_tok = { 0, 0, 0, 0, -1 };
    mid_returns r = { .n = 42 };

    CHECK_FAILS(mid_returns_of(test_ctx(), &late, 1, NAN, 0, NULL, &r), MID_EINVAL);
    CHECK_SAYS("onset at token 10 of 10");
    CHECK_FAILS(mid_returns_of(test_ctx(), &no_tok, 1, NAN, 0, NULL, &r), MID_EINVAL);
    CHECK_FAILS(mid_returns_of(test_ctx(), sample, N, 1.5, 0, NULL, &r), MID_EINVAL);
    CHECK_SAYS("prevalence 1.5");
    CHECK_FAILS(mid_returns_of(test_ctx(), sample, N, -INFINITY, 0, NULL, &r), MID_EINVAL);
    CHECK_INT(r.n, 42);
}

TEST(returns, declared)
{
    const mid_return_info *info = mid_return_list();

    CHECK_TEXT(info[0].name, "answer");
    CHECK_TEXT(info[1].name, "token");
    CHECK(info[0].safety && info[0].mission && info[1].safety && info[1].mission && !info[2].name);
}

static void random_outcomes(mid__rng *rng, mid_outcome *outcome, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        const uint32_t n_tok = 1 + mid__rng_below(rng, 50);
        outcome[i] = (mid_outcome){ (uint8_t)mid__rng_below(rng, 2), mid__rng_below(rng, 40), n_tok,
                                    mid__rng_below(rng, n_tok + 1), (int32_t)mid__rng_below(rng, n_tok + 1) - 1 };
    }
}

/* Mean share of the benign tokens that were not shown, token by token; without any all are delivered. */
static double benign_lost(const mid_outcome *outcome, size_t n, uint32_t window)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        const mid_outcome *o = &outcome[i];
        const uint32_t n_benign = !o->label ? o->n_tok : o->onset_tok > 0 ? (uint32_t)o->onset_tok : 0;
        uint32_t j, lost = 0;
        for (j = 0; j < n_benign; j++)
            lost += o->alarm_tok < o->n_tok && (uint64_t)j + window >= o->alarm_tok;
        sum += n_benign ? (double)lost / n_benign : 0;
    }
    return sum / (double)n;
}

TEST(returns, properties)
{
    enum { N_ANSWER = 120, SEED = 405 };
    static const uint32_t window[] = { 0, 1, 2, 5, 17, 64, UINT32_MAX };
    static mid_outcome outcome[N_ANSWER];
    const mid_boot boot = { .seed = SEED, .n_draw = 200 };
    mid__rng rng;
    int i_case;
    size_t k;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i_case = 0; i_case < 20; i_case++) {
        mid_returns r, before = { 0 };
        random_outcomes(&rng, outcome, N_ANSWER);
        for (k = 0; k < sizeof window / sizeof window[0]; k++, before = r) {
            mid_returns same;
            r = returns_of(outcome, N_ANSWER, NAN, window[k], &boot);
            CHECK_NEAR(r.sg.value + r.rh.value, r.prevalence, 1e-12);
            CHECK_NEAR(r.sg_time.value + r.rh_time.value, r.prevalence, 1e-12);
            CHECK(r.sg_time.value <= r.sg.value + 1e-12 && r.ac_time.value <= r.ac.value + 1e-12);
            CHECK_NEAR(r.ac_time.value + r.early_lost.value, benign_lost(outcome, N_ANSWER, window[k]), 1e-12);
            CHECK(k == 0 || (r.sg_time.value >= before.sg_time.value && r.ac_time.value >= before.ac_time.value &&
                             r.early_lost.value >= before.early_lost.value));
            CHECK(r.sg_time.lo <= r.sg_time.value && r.sg_time.value <= r.sg_time.hi);
            same = returns_of(outcome, N_ANSWER, r.prevalence, window[k], NULL);
            CHECK_NEAR(same.sg_time.value, r.sg_time.value, 1e-12);
            CHECK_NEAR(same.ac_time.value, r.ac_time.value, 1e-12);
            CHECK_NEAR(same.early_lost.value, r.early_lost.value, 1e-12);
        }
        CHECK_NEAR(r.sg_time.value, r.sg.value, 1e-12);         /* shown at the end or not at all */
        CHECK_NEAR(r.rh_time.value, r.rh.value, 1e-12);
        CHECK_NEAR(r.ac_time.value, r.ac.value, 1e-12);
    }
}

/* 12 prompts with safe answers and none stopped: the exact bound, by the weight of safe answers. */
TEST(returns, certain_shares_have_bounds)
{
    mid_outcome outcome[40];
    const mid_boot boot = { .seed = 7, .n_draw = 400 };
    mid_returns r;
    uint32_t i;

    for (i = 0; i < 40; i++)
        outcome[i] = (mid_outcome){ .label = i >= 24, .group = i / 2, .n_tok = 10, .alarm_tok = 10, .onset_tok = 0 };
    r = returns_of(outcome, 40, 0.1, 0, &boot);
    CHECK_NEAR(r.ac_time.lo, 0, 0);
    CHECK_NEAR(r.ac_time.hi, 0.9 * (1 - pow(0.025, 1.0 / 12)), 1e-15);
    CHECK_NEAR(r.rh_time.hi, 0.1, 1e-15);                       /* all is shown */
    CHECK_NEAR(r.rh_time.lo, 0.1 * pow(0.025, 1.0 / 8), 1e-15);
}
