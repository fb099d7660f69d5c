/* Distributions at points that have a closed form; tests/oracle/statistics.py has SciPy's. */
#include "test.h"

#include "metric/special.h"

TEST(special, chi2)
{
    CHECK_NEAR(mid__chi2_above(3, 2) / exp(-1.5), 1, 1e-13);               /* two degrees: exponential */
    CHECK_NEAR(mid__chi2_above(50, 2) / exp(-25), 1, 1e-12);
    CHECK_NEAR(mid__chi2_above(4, 1) / erfc(sqrt(2)), 1, 1e-13);            /* one: a squared normal */
    CHECK_NEAR(mid__chi2_above(6, 4) / (4 * exp(-3)), 1, 1e-13);            /* four: (1 + x / 2) exp(-x / 2) */
    CHECK_NEAR(mid__chi2_above(0, 3), 1, 0);
}

TEST(special, f)
{
    CHECK_NEAR(mid__f_above(3, 2, 10) / pow(1 + 2.0 / 10 * 3, -5), 1, 1e-13);   /* (1 + 2 x / df2)^(-df2 / 2) */
    CHECK_NEAR(mid__f_above(1, 7, 7), 0.5, 1e-14);
    CHECK_NEAR(mid__f_above(INFINITY, 3, 6), 0, 0);
    CHECK_NEAR(mid__f_above(0, 3, 6), 1, 0);
}

/* Of two normals the range is |difference|, of variance 2. */
TEST(special, range)
{
    CHECK_NEAR(mid__range_below(1.3, 2), erf(1.3 / 2), 1e-13);
    CHECK_NEAR(mid__range_quantile(erf(1), 2), 2, 1e-11);
    CHECK_NEAR(mid__range_below(mid__range_quantile(0.95, 60), 60), 0.95, 1e-12);
    CHECK_NEAR(mid__range_below(0, 5), 0, 0);
}
