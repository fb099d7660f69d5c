/* Agreement: values by hand, intervals by what they must be. tests/oracle/agreement.py compares with scikit-learn and
 * the krippendorff package. */
#include "test.h"

#include "base/rng.h"
#include "midstream/metric.h"

/* Ten answers: both unsafe 3, only the first 1, only the second 2, both safe 4. p_o = .7; unsafe .4 and .5, so p_e =
 * .4 .5 + .6 .5 = .5: kappa = .2 / .5. Labels: 9 unsafe of 20; alpha = 1 - 3 2 19 / (2 9 11). */
TEST(agreement, golden)
{
    const int8_t label[] = { 1, 1, 1, 1, 0, 0, 0, 0, 0, 0,  1, 1, 1, 0, 1, 1, 0, 0, 0, 0 };
    const uint32_t group[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    mid_agreement a;

    CHECK_OK(mid_agreement_of(test_ctx(), label, 2, group, 10, NULL, &a));
    CHECK_INT(a.n, 10);
    CHECK_INT(a.n_group, 10);
    CHECK_NEAR(a.agree.value, 0.7, 1e-15);
    CHECK_NEAR(a.kappa.value, 0.4, 1e-15);
    CHECK_NEAR(a.alpha.value, 1 - 3.0 * 2 * 19 / (2 * 9 * 11), 1e-15);
    CHECK(isnan(a.kappa.lo));
}

/* Three labelers, of whom one is silent on the second answer, and two on the last, which then does not count.
 * Answers 1 1 1, 0 - 0 and 1 0 1: n_1 = 5, n_0 = 3, disagreement 2 2 1 / 2 = 2: alpha = 1 - 2 7 / (2 3 5). Agreement 1, 1,
 * and one of three pairs. */
TEST(agreement, missing_labels)
{
    const int8_t label[] = { 1, 0, 1, 1,  1, -1, 0, -1,  1, 0, 1, -1 };
    const uint32_t group[] = { 7, 7, 9, 3 };
    mid_agreement a;

    CHECK_OK(mid_agreement_of(test_ctx(), label, 3, group, 4, NULL, &a));
    CHECK_INT(a.n, 3);
    CHECK_INT(a.n_group, 2);
    CHECK_NEAR(a.alpha.value, 1 - 2.0 * 7 / (2 * 3 * 5), 1e-15);
    CHECK_NEAR(a.agree.value, (1 + 1 + 1.0 / 3) / 3, 1e-15);
    CHECK(isnan(a.kappa.value) && a.kappa.why);
}

TEST(agreement, undefined)
{
    const int8_t alike[] = { 1, 1, 1, 1 }, apart[] = { 1, -1, -1, 0 }, opposite[] = { 1, 1, 0, 0 };
    const uint32_t group[] = { 0, 1 };
    mid_agreement a;

    CHECK_OK(mid_agreement_of(test_ctx(), alike, 2, group, 2, NULL, &a));
    CHECK_NEAR(a.agree.value, 1, 0);
    CHECK(isnan(a.kappa.value) && strstr(a.kappa.why, "chance") && isnan(a.alpha.value) && a.alpha.why);
    CHECK_OK(mid_agreement_of(test_ctx(), apart, 2, group, 2, NULL, &a));
    CHECK_INT(a.n, 0);
    CHECK(isnan(a.agree.value) && isnan(a.kappa.value) && isnan(a.alpha.value) && a.agree.why && a.kappa.why && a.alpha.why);
    CHECK_OK(mid_agreement_of(test_ctx(), opposite, 2, group, 2, NULL, &a));
    CHECK_NEAR(a.kappa.value, 0, 0);                /* always apart, as chance would be here too */
    CHECK_OK(mid_agreement_of(test_ctx(), alike, 2, group, 0, NULL, &a));
    CHECK_INT(a.n, 0);
}

TEST(agreement, bad_input)
{
    const int8_t label[] = { 1, 0, 2, 0 };
    const uint32_t group[] = { 0, 1 };
    mid_agreement a = { .n = 99 };

    CHECK_FAILS(mid_agreement_of(test_ctx(), label, 1, group, 2, NULL, &a), MID_EINVAL);
    CHECK_FAILS(mid_agreement_of(test_ctx(), label, 2, group, 2, NULL, &a), MID_EINVAL);
    CHECK_SAYS("label 0 of labeler 1 is 2");
    CHECK_INT(a.n, 99);
}

enum { N = 600 };

/* A labeler that copies with errors: the interval holds the figure, is wider for few prompts, and changes only in order
 * of the seed. Labels that are all equal give agreement 1 its exact bound. */
TEST(agreement, intervals)
{
    static int8_t label[2 * N];
    static uint32_t each[N], few[N];
    const mid_boot boot = { 5, 1000 };
    const uint64_t seed = 20261124;
    mid_agreement a, b, same;
    mid__rng rng;
    size_t i;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 1);
    for (i = 0; i < N; i++) {
        label[i] = mid__rng_unit(&rng) < 0.4;
        label[N + i] = mid__rng_unit(&rng) < 0.15 ? !label[i] : label[i];
        each[i] = (uint32_t)i;
        few[i] = (uint32_t)(i / 40);
    }
    CHECK_OK(mid_agreement_of(test_ctx(), label, 2, each, N, &boot, &a));
    CHECK_OK(mid_agreement_of(test_ctx(), label, 2, each, N, &boot, &b));
    CHECK(a.kappa.lo == b.kappa.lo && a.kappa.hi == b.kappa.hi);
    CHECK(a.kappa.lo < a.kappa.value && a.kappa.value < a.kappa.hi && a.kappa.hi - a.kappa.lo < 0.2);
    CHECK(a.alpha.lo < a.alpha.value && a.alpha.value < a.alpha.hi);
    CHECK(a.agree.lo < 0.85 && 0.85 < a.agree.hi);
    CHECK_OK(mid_agreement_of(test_ctx(), label, 2, few, N, &boot, &b));
    CHECK_INT(b.n_group, 15);
    CHECK_NEAR(b.kappa.value, a.kappa.value, 1e-12);
    memcpy(label + N, label, N);
    CHECK_OK(mid_agreement_of(test_ctx(), label, 2, each, N, &boot, &same));
    CHECK_NEAR(same.kappa.value, 1, 0);
    CHECK(isnan(same.kappa.lo));
    CHECK_NEAR(same.agree.lo, pow(0.025, 1.0 / N), 1e-12);
}
