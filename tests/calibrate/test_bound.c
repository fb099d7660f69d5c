/* What a number of errors allows to say. */
#include "test.h"

#include "calibrate/bound.h"

static const mid__bound all[] = { { MID__MEAN, 0 }, { MID__EXACT, 0.1 }, { MID__HOEFFDING_BENTKUS, 0.1 } };

TEST(bound, mean)
{
    CHECK(mid__bound_keeps(&all[0], 0, 19, 0.05));              /* 1 / 20, whichever way .05 * 20 is rounded */
    CHECK(!mid__bound_keeps(&all[0], 0, 18, 0.05));
    CHECK(mid__bound_keeps(&all[0], 2.5, 9, 0.35));
    CHECK(!mid__bound_keeps(&all[0], 2.6, 9, 0.35));
    CHECK_NEAR(mid__bound_rate(&all[0], 0, 19), 0.05, 0);
    CHECK_NEAR(mid__bound_rate(&all[0], 2, 6), 0.4286, 0);      /* 3 / 7, rounded up */
}

/* Clopper-Pearson: no error of 22 bounds the rate by 1 - .1^(1/22) = .09937. */
TEST(bound, exact)
{
    CHECK_NEAR(mid__bound_rate(&all[1], 0, 22), 0.09938, 0);
    CHECK(mid__bound_rate(&all[1], 5, 5) == INFINITY);
    CHECK(mid__bound_rate(&all[1], 0, 0) == INFINITY);
}

/* needs is the first n that keeps the rate without an error, and the rate of that n is no higher. */
TEST(bound, needs)
{
    static const double rate[] = { 0.9, 0.5, 1.0 / 3, 0.3, 0.1, 0.05, 0.011, 0.01, 0.001, 1e-5 };
    size_t i, k, n;

    for (k = 0; k < 3; k++)
        for (i = 0; i < sizeof rate / sizeof rate[0]; i++) {
            n = mid__bound_needs(&all[k], rate[i]);
            CHECK(mid__bound_keeps(&all[k], 0, n, rate[i]));
            CHECK(n == 1 || !mid__bound_keeps(&all[k], 0, n - 1, rate[i]));
            CHECK(mid__bound_rate(&all[k], 0, n) <= rate[i] * 1.001);
        }
}

/* A promise never gets stronger with less data, with more errors, or with less that may be wrong. */
TEST(bound, more_data_allows_more)
{
    size_t k, n, e;

    for (k = 0; k < 3; k++)
        for (n = 5; n <= 320; n *= 2)
            for (e = 0; e < n; e += 1 + n / 7) {
                const mid__bound stricter = { all[k].method, all[k].delta / 2 };
                const double rate = mid__bound_rate(&all[k], (double)e, n);
                CHECK(mid__bound_rate(&all[k], 2 * (double)e, 2 * n) <= rate);
                CHECK(mid__bound_rate(&all[k], (double)e, n + 1) <= rate);
                CHECK(mid__bound_rate(&all[k], (double)e + 1, n) >= rate);
                CHECK(mid__bound_rate(&stricter, (double)e, n) >= rate);
                CHECK(rate == INFINITY || mid__bound_keeps(&all[k], (double)e, n, rate));
                CHECK(rate == INFINITY || !mid__bound_keeps(&all[k], (double)e, n, rate * 0.998));
            }
}
