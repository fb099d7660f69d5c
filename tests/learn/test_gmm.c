/* One step by hand: rows -1, 1, 4 under components N(0, 1) and N(4, 1) of equal weight. ln of the two densities differ by
 * (x - 4)^2/2 - x^2/2 = 8 - 4x, so the first component's share of a row is 1 / (1 + e^(4x - 8)). */
#include "test.h"

#include "base/rng.h"
#include "learn/gmm.h"

TEST(gmm, one_step_by_hand)
{
    const float x[] = { -1, 1, 4 };
    double weight[] = { 0.5, 0.5 }, mean[] = { 0, 4 }, variance[] = { 1, 1 };
    mid__gmm g = { .k = 2, .d = 1, .weight = weight, .mean = mean, .variance = variance };
    double r[3], share = 0, first = 0, second = 0, lp = 0;
    size_t i;

    for (i = 0; i < 3; i++) {
        const double a = (double)x[i];
        r[i] = 1 / (1 + exp(4 * a - 8));
        share += r[i];
        first += r[i] * a;
        second += r[i] * a * a;
        lp += log(0.5 / sqrt(2 * acos(-1)) * (exp(-a * a / 2) + exp(-(a - 4) * (a - 4) / 2)));
    }
    CHECK_OK(mid__gmm_em(test_ctx(), x, 3, 1, 0, 1, &g));
    CHECK_NEAR(g.log_likelihood, lp / 3, 1e-12);
    CHECK_NEAR(weight[0], share / 3, 1e-12);
    CHECK_NEAR(mean[0], first / share, 1e-12);
    CHECK_NEAR(variance[0], second / share - first / share * (first / share) + 1e-6, 1e-12);
}

/* Two clumps of different width and share. The likelihood never falls. */
TEST(gmm, finds_clumps)
{
    enum { N = 400 };
    float x[2 * N];
    double offset[2], last = -INFINITY;
    mid__gmm g;
    mid__rng rng;
    size_t i, small;

    mid__rng_init(&rng, 8, 0);
    for (i = 0; i < N; i++) {
        const double wide = i % 4 ? 1 : 0.1;
        x[2 * i] = (float)((mid__rng_unit(&rng) - 0.5) * wide + (i % 4 ? 0 : 6));
        x[2 * i + 1] = (float)((mid__rng_unit(&rng) - 0.5) * wide);
    }
    CHECK_OK(mid__gmm_fit(test_ctx(), x, N, 2, 2, 1, &g));
    small = g.weight[0] > g.weight[1];
    CHECK_NEAR(g.weight[small], 0.25, 1e-6);
    CHECK_NEAR(g.mean[2 * small], 6, 0.02);
    CHECK_NEAR(g.variance[2 * small], 0.01 / 12, 2e-4);
    mid__gmm_offsets(&g, offset);
    CHECK_NEAR(offset[small], log(0.25) - log(2 * acos(-1)) -
               0.5 * log(g.variance[2 * small] * g.variance[2 * small + 1]), 1e-5);
    for (i = 0; i < 10; i++) {
        CHECK_OK(mid__gmm_em(test_ctx(), x, N, 2, 0, 1, &g));
        CHECK(g.log_likelihood >= last - 1e-12);
        last = g.log_likelihood;
    }
    mid__gmm_clear(&g);
}

TEST(gmm, bad_rows)
{
    const float x[] = { 1, 1, 1 }, bad[] = { 1, NAN };
    mid__gmm g;

    CHECK_OK(mid__gmm_fit(test_ctx(), x, 3, 1, 2, 1, &g));
    CHECK_INT(g.k, 1);
    CHECK_NEAR(g.variance[0], 1e-6, 1e-12);
    mid__gmm_clear(&g);
    CHECK_FAILS(mid__gmm_fit(test_ctx(), bad, 2, 1, 2, 1, &g), MID_ENUMERIC);
    mid__gmm_clear(&g);
    CHECK_FAILS(mid__gmm_fit(test_ctx(), x, 0, 1, 2, 1, &g), MID_EUNDEFINED);
    mid__gmm_clear(&g);
}
