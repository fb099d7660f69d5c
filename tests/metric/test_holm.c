/* Holm's correction by hand, and what must hold whatever the numbers are. */
#include "test.h"

#include "base/rng.h"
#include "midstream/metric.h"

/* By hand: .01 x 4, then .02 x 3 = .06, then .03 x 2 = .06, then .04, which may not fall below .06. */
TEST(holm, golden)
{
    const double p[] = { 0.04, 0.01, 0.03, 0.02 }, want[] = { 0.06, 0.04, 0.06, 0.06 };
    double adjusted[4];
    size_t i;

    CHECK_OK(mid_holm(test_ctx(), p, 4, adjusted));
    for (i = 0; i < 4; i++)
        CHECK_NEAR(adjusted[i], want[i], 1e-15);
}

TEST(holm, what_has_no_test_is_not_counted)
{
    double p[] = { 0.02, NAN, 0.9, 0.6 };

    CHECK_OK(mid_holm(test_ctx(), p, 4, p));                /* in place */
    CHECK_NEAR(p[0], 0.06, 1e-15);
    CHECK(isnan(p[1]));
    CHECK_NEAR(p[2], 1, 0);
    CHECK_NEAR(p[3], 1, 0);
    CHECK_OK(mid_holm(test_ctx(), p, 0, p));
}

TEST(holm, lies_between_the_number_and_bonferroni)
{
    enum { SEED = 3, N = 50 };
    double p[N], adjusted[N];
    mid__rng rng;
    size_t i;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i = 0; i < N; i++)
        p[i] = mid__rng_unit(&rng) * mid__rng_unit(&rng) * 0.1;
    CHECK_OK(mid_holm(test_ctx(), p, N, adjusted));
    for (i = 0; i < N; i++)
        CHECK(adjusted[i] >= p[i] && adjusted[i] <= fmin(1, N * p[i]));
}

TEST(holm, bad_input)
{
    const double p[] = { 0.5, 1.5 };
    double adjusted[2] = { 7, 7 };

    CHECK_FAILS(mid_holm(test_ctx(), p, 2, adjusted), MID_EINVAL);
    CHECK_SAYS("1.5");
    CHECK_NEAR(adjusted[0], 7, 0);
}
