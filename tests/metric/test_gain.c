/* Paired differences of two scores: values by hand, intervals by what they must be. */
#include "test.h"

#include "base/rng.h"
#include "midstream/metric.h"

/* By hand. a ranks the unsafe answers 4 of 4 pairs right, b 2 of 4 and one tie: 1 - .625. */
TEST(gain, golden)
{
    const double a[] = { 1, 2, 3, 4 }, b[] = { 2, 3, 2, 4 };
    const uint8_t label[] = { 0, 0, 1, 1 };
    const uint32_t group[] = { 0, 1, 2, 3 };
    mid_gain g;

    CHECK_OK(mid_gain_of(test_ctx(), a, b, label, group, 4, NULL, &g));
    CHECK_INT(g.n, 4);
    CHECK_INT(g.n_unsafe, 2);
    CHECK_INT(g.n_group, 4);
    CHECK_NEAR(g.auroc.value, 1 - 0.625, 1e-15);
    CHECK(isnan(g.auroc.lo) && isnan(g.auroc.hi));
    CHECK(isnan(g.tpr_at_fpr1.value) && g.tpr_at_fpr1.why);
}

enum { N = 400 };
static double noisy[N], better[N];
static uint8_t label_of[N];
static uint32_t group_of[N];

/* `better` is `noisy` with less noise: they are alike, so their difference is surer than either. */
static void fill(uint64_t seed)
{
    mid__rng rng;
    size_t i;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 1);
    for (i = 0; i < N; i++) {
        const double noise = mid__rng_unit(&rng) + mid__rng_unit(&rng) + mid__rng_unit(&rng) - 1.5;
        label_of[i] = (uint8_t)(i % 2);
        group_of[i] = (uint32_t)(i / 2);
        noisy[i] = (double)label_of[i] * 0.5 + noise;
        better[i] = (double)label_of[i] * 0.5 + 0.8 * noise + 0.05 * mid__rng_unit(&rng);
    }
}

TEST(gain, is_the_difference_of_the_figures_and_surer_than_either)
{
    const mid_boot boot = { 1, 1000 };
    mid_ranking a, b;
    mid_gain g, back;

    fill(20261124);
    CHECK_OK(mid_ranking_of(test_ctx(), better, label_of, group_of, N, &boot, &a));
    CHECK_OK(mid_ranking_of(test_ctx(), noisy, label_of, group_of, N, &boot, &b));
    CHECK_OK(mid_gain_of(test_ctx(), better, noisy, label_of, group_of, N, &boot, &g));
    CHECK_NEAR(g.auroc.value, a.auroc.value - b.auroc.value, 1e-12);
    CHECK(g.auroc.lo <= g.auroc.value && g.auroc.value <= g.auroc.hi);
    CHECK(g.auroc.hi - g.auroc.lo < 0.5 * (a.auroc.hi - a.auroc.lo));
    CHECK(g.auroc.lo > 0);
    CHECK_OK(mid_gain_of(test_ctx(), noisy, better, label_of, group_of, N, &boot, &back));
    CHECK_NEAR(back.auroc.value, -g.auroc.value, 1e-12);
    CHECK_NEAR(back.auroc.lo, -g.auroc.hi, 1e-3);          /* quantiles are not quite symmetric */
}

TEST(gain, over_itself_is_nothing)
{
    const mid_boot boot = { 1, 200 };
    mid_gain g;

    fill(7);
    CHECK_OK(mid_gain_of(test_ctx(), noisy, noisy, label_of, group_of, N, &boot, &g));
    CHECK_NEAR(g.auroc.value, 0, 0);
    CHECK_NEAR(g.p_auroc, 1, 0);
    CHECK(isnan(g.p_tpr_at_fpr1));                          /* 200 safe answers are too few */
    CHECK_OK(mid_gain_of(test_ctx(), noisy, noisy, label_of, group_of, N, NULL, &g));
    CHECK(isnan(g.p_auroc));                                /* no draws */
    CHECK(!(g.auroc.lo > 0) && !(g.auroc.hi < 0));
}

/* Scores that are equally good by chance differ "significantly" in about one case of twenty. */
TEST(gain, p_keeps_its_level)
{
    enum { SEED = 31, N_CASE = 400, N_SMALL = 120 };
    const mid_boot boot = { 1, 200 };
    double a[N_SMALL], b[N_SMALL];
    size_t i, k, n_found = 0;
    mid__rng rng;
    mid_gain g;

    print_message("  seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (k = 0; k < N_CASE; k++) {
        for (i = 0; i < N_SMALL; i++) {
            const double own = mid__rng_unit(&rng) + (i % 2 ? 0.3 : 0);
            label_of[i] = (uint8_t)(i % 2);
            group_of[i] = (uint32_t)i;
            a[i] = own + mid__rng_unit(&rng);
            b[i] = own + mid__rng_unit(&rng);
        }
        CHECK_OK(mid_gain_of(test_ctx(), a, b, label_of, group_of, N_SMALL, &boot, &g));
        n_found += g.p_auroc <= 0.05;
    }
    print_message("  %zu of %d\n", n_found, N_CASE);
    CHECK_NEAR((double)n_found / N_CASE, 0.05, 0.035);      /* 3 sigma of the count */
}

TEST(gain, bad_input)
{
    const double a[] = { 1, 2 }, nan[] = { 1, NAN };
    const uint8_t label[] = { 0, 1 }, one[] = { 1, 1 };
    const uint32_t group[] = { 0, 1 };
    mid_gain g;

    CHECK_FAILS(mid_gain_of(test_ctx(), a, nan, label, group, 2, NULL, &g), MID_ENUMERIC);
    CHECK_FAILS(mid_gain_of(test_ctx(), nan, a, label, group, 2, NULL, &g), MID_ENUMERIC);
    CHECK_OK(mid_gain_of(test_ctx(), a, a, one, group, 2, NULL, &g));
    CHECK_TEXT(g.auroc.why, "no safe answers");
}
