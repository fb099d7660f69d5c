/* Binomial tails: by hand, at the edges, and by summing probabilities in another way. tests/oracle/rules.py has
 * SciPy's. */
#include "test.h"

#include "calibrate/binomial.h"

TEST(binomial, golden)
{
    CHECK_NEAR(mid__binomial_cdf(10, 0.5, 0), 1 / 1024.0, 1e-16);
    CHECK_NEAR(mid__binomial_cdf(10, 0.5, 2), 56 / 1024.0, 1e-15);
    CHECK_NEAR(mid__binomial_cdf(10, 0.5, 5), 638 / 1024.0, 1e-14);
    CHECK_NEAR(mid__binomial_cdf(10, 0.5, 9), 1023 / 1024.0, 1e-14);
    CHECK_NEAR(mid__binomial_cdf(3, 0.1, 1), 0.972, 1e-14);     /* .729 + .243 */
    CHECK_NEAR(mid__binomial_cdf(22, 0.1, 0) / 0.0984770902183611, 1, 1e-13);
}

TEST(binomial, edges)
{
    CHECK_NEAR(mid__binomial_cdf(5, 0.3, 5), 1, 0);
    CHECK_NEAR(mid__binomial_cdf(5, 0.3, 9), 1, 0);
    CHECK_NEAR(mid__binomial_cdf(5, 0, 0), 1, 0);
    CHECK_NEAR(mid__binomial_cdf(5, 1, 4), 0, 0);
    CHECK_NEAR(mid__binomial_cdf(0, 0.3, 0), 1, 0);
    CHECK_NEAR(mid__binomial_cdf(1, 0.25, 0), 0.75, 1e-15);
    CHECK(mid__binomial_cdf(1000000, 0.5, 1000) >= 0);          /* far below the smallest double */
    CHECK_NEAR(mid__binomial_cdf(1000000, 0.5, 999000), 1, 0);
}

/* Pascal's triangle for P[X = k], n up to 60. */
TEST(binomial, pascal)
{
    static const double p[] = { 1e-4, 0.01, 0.2, 0.5, 0.77, 0.999 };
    double at[62], sum;
    size_t i, n, k;

    for (i = 0; i < 6; i++) {
        memset(at, 0, sizeof at);
        at[0] = 1;
        for (n = 1; n <= 60; n++) {
            for (k = n; k > 0; k--)
                at[k] = at[k] * (1 - p[i]) + at[k - 1] * p[i];
            at[0] *= 1 - p[i];
            for (k = 0, sum = 0; k < n; k++) {
                sum += at[k];
                CHECK_NEAR(mid__binomial_cdf(n, p[i], k) / sum, 1, 1e-12);
            }
        }
    }
}

/* More errors are more probable, a higher rate makes few of them less so. */
TEST(binomial, monotone)
{
    size_t k;
    double p;

    for (k = 0; k < 300; k++)
        CHECK(mid__binomial_cdf(300, 0.3, k) <= mid__binomial_cdf(300, 0.3, k + 1));
    for (p = 0.01; p < 0.99; p += 0.01)
        CHECK(mid__binomial_cdf(300, p, 40) >= mid__binomial_cdf(300, p + 0.01, 40));
}
