/* Principal components by hand: rows (+-2, +-2) on the diagonal and (+-1, -+1) across it. Scatter [[10, 6], [6, 10]], over
 * n - 1 = 3: values 16/3 along (1, 1) and 4/3 along (1, -1). */
#include "test.h"

#include "base/rng.h"
#include "learn/pca.h"

TEST(pca, by_hand)
{
    const float x[] = { 2 + 5, 2 - 1, -2 + 5, -2 - 1, 1 + 5, -1 - 1, -1 + 5, 1 - 1 };
    const float row[] = { 6, 0 };
    float scratch[2], point[2];
    mid__pca p;

    CHECK_OK(mid__pca_fit(test_ctx(), x, 4, 2, 2, &p));
    CHECK_INT(p.k, 2);
    CHECK_NEAR(p.mean[0], 5, 1e-12);
    CHECK_NEAR(p.mean[1], -1, 1e-12);
    CHECK_NEAR(p.variance[0], 16.0 / 3, 1e-12);
    CHECK_NEAR(p.variance[1], 4.0 / 3, 1e-12);
    CHECK_NEAR(p.total, 20.0 / 3, 1e-12);
    CHECK_NEAR(p.axis[0], sqrt(0.5), 1e-7);
    CHECK_NEAR(p.axis[1], sqrt(0.5), 1e-7);
    CHECK_NEAR(fabs((double)p.axis[2] - (double)p.axis[3]), sqrt(2), 1e-7);
    mid__pca_project(p.mean, p.axis, 2, 2, row, scratch, point);
    CHECK_NEAR(point[0], sqrt(2), 1e-6);
    CHECK_NEAR(point[1], 0, 1e-6);
    mid__pca_clear(&p);
}

/* Wide rows of low rank: the block is smaller than the rows, and still the axes are orthonormal, carry all the variance
 * and leave nothing of a row behind. */
TEST(pca, low_rank)
{
    enum { N = 60, D = 120, RANK = 5 };
    float mix[RANK * D], x[N * D] = { 0 }, scratch[D], point[RANK];
    mid__pca p;
    mid__rng rng;
    double sum = 0, left;
    size_t i, j, r;

    mid__rng_init(&rng, 77, 0);
    for (i = 0; i < RANK * D; i++)
        mix[i] = (float)(mid__rng_unit(&rng) - 0.5);
    for (i = 0; i < N; i++)
        for (r = 0; r < RANK; r++) {
            const float a = (float)((mid__rng_unit(&rng) - 0.5) * (double)(r + 1));
            for (j = 0; j < D; j++)
                x[i * D + j] += a * mix[r * D + j];
        }
    CHECK_OK(mid__pca_fit(test_ctx(), x, N, D, RANK, &p));
    for (r = 0; r < RANK; r++) {
        sum += p.variance[r];
        for (i = 0; i <= r; i++) {
            double dot = 0;
            for (j = 0; j < D; j++)
                dot += (double)p.axis[r * D + j] * (double)p.axis[i * D + j];
            CHECK_NEAR(dot, i == r, 1e-6);
        }
        CHECK(r == 0 || p.variance[r] <= p.variance[r - 1]);
    }
    CHECK_NEAR(sum, p.total, 1e-6 * p.total);
    mid__pca_project(p.mean, p.axis, RANK, D, x, scratch, point);
    for (j = 0; j < D; j++) {
        left = (double)scratch[j];
        for (r = 0; r < RANK; r++)
            left -= (double)point[r] * (double)p.axis[r * D + j];
        CHECK_NEAR(left, 0, 1e-5);
    }
    mid__pca_clear(&p);
}

TEST(pca, few_or_bad_rows)
{
    const float x[] = { 1, 2, 3, 1, 2, 3, 1, 2, 3 }, bad[] = { 1, INFINITY, 2, 0 };
    mid__pca p;

    CHECK_OK(mid__pca_fit(test_ctx(), x, 3, 3, 3, &p));         /* all alike: axes without variance */
    CHECK_INT(p.k, 2);
    CHECK_NEAR(p.variance[0], 0, 0);
    mid__pca_clear(&p);
    CHECK_FAILS(mid__pca_fit(test_ctx(), x, 1, 3, 1, &p), MID_EUNDEFINED);
    mid__pca_clear(&p);
    CHECK_FAILS(mid__pca_fit(test_ctx(), bad, 2, 2, 1, &p), MID_ENUMERIC);
    mid__pca_clear(&p);
}

TEST(pca, eigen_by_hand)
{
    double a[] = { 2, 1, 0, 1, 2, 0, 0, 0, 7 }, v[9];           /* values 7, 3, 1 */

    mid__eigen_symmetric(a, 3, v);
    CHECK_NEAR(a[0], 7, 1e-14);
    CHECK_NEAR(a[4], 3, 1e-14);
    CHECK_NEAR(a[8], 1, 1e-14);
    CHECK_NEAR(fabs(v[2]), 1, 1e-14);
    CHECK_NEAR(fabs(v[3] + v[4]), sqrt(2), 1e-14);
    CHECK_NEAR(fabs(v[6] - v[7]), sqrt(2), 1e-14);
}
