/* Products and factors by hand, and against plain loops at sizes around the vector width. */
#include "test.h"

#include "base/linalg.h"
#include "base/rng.h"
#include "midstream/metric.h"

enum { N_MAX = 70 };
static const uint64_t seed = 20240614;

static float draw(mid__rng *rng) { return (float)(mid__rng_unit(rng) * 4 - 2); }

TEST(linalg, golden)
{
    static const float a[] = { 1, 2, 3 }, b[] = { 4, -5, 6 };
    static const double wide[] = { 4, -5, 6 };
    double y[] = { 1, 1, 1 };

    CHECK_NEAR(mid__dot(a, b, 3), 12, 0);               /* 4 - 10 + 18 */
    CHECK_NEAR(mid__dot(a, b, 0), 0, 0);
    CHECK_NEAR(mid__dot_wide(a, wide, 3), 12, 0);
    CHECK_NEAR(mid__dist2(a, b, 3), 9 + 49 + 9, 0);
    mid__axpy_wide(2, a, y, 3);
    CHECK(y[0] == 3 && y[1] == 5 && y[2] == 7);
}

/* Products of floats are exact in double, so plain loops differ by rounding of the sums alone. */
TEST(linalg, every_length)
{
    float a[N_MAX], b[N_MAX];
    double wide[N_MAX], y[N_MAX], y_plain[N_MAX];
    mid__rng rng;
    size_t n, i;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (n = 0; n <= N_MAX; n++) {
        double dot = 0, dist2 = 0;
        for (i = 0; i < n; i++) {
            a[i] = draw(&rng);
            b[i] = draw(&rng);
            wide[i] = (double)b[i];
            y[i] = y_plain[i] = (double)draw(&rng);
            dot += (double)a[i] * (double)b[i];
            dist2 += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
            y_plain[i] += 0.7 * (double)a[i];
        }
        mid__axpy_wide(0.7, a, y, n);
        CHECK_NEAR(mid__dot(a, b, n), dot, 1e-13);
        CHECK_NEAR(mid__dot_wide(a, wide, n), dot, 1e-13);
        CHECK_NEAR(mid__dist2(a, b, n), dist2, 1e-12);
        for (i = 0; i < n; i++)
            CHECK_NEAR(y[i], y_plain[i], 1e-15);
    }
}

/* Float strands lose no more than the header says, whatever the sizes, and leave alone what is not theirs. */
TEST(linalg, rows_at_a_time)
{
    enum { N_ROW = 7, D_MAX = 2200, APART = D_MAX + 3 };
    static const size_t width[] = { 1, 15, 16, 17, 63, 64, 65, 100, 2048, 2200 };
    float *w = malloc(N_ROW * APART * sizeof *w), x[D_MAX], y_float[D_MAX], a[N_ROW];
    double y[N_ROW + 1], y_wide[D_MAX], a_wide[N_ROW];
    mid__rng rng;
    size_t k, d, i, j;

    assert_non_null(w);
    mid__rng_init(&rng, seed, 2);
    for (i = 0; i < N_ROW * APART; i++)
        w[i] = draw(&rng);
    for (j = 0; j < D_MAX; j++)
        x[j] = draw(&rng);
    for (k = 0; k < sizeof width / sizeof width[0]; k++) {
        d = width[k];
        for (i = 0; i <= N_ROW; i++)
            y[i] = (double)i;
        mid__dot_rows(w, APART, N_ROW, x, d, y);
        CHECK_NEAR(y[N_ROW], N_ROW, 0);
        for (i = 0; i < N_ROW; i++) {
            double sum = (double)i, size = 0;
            for (j = 0; j < d; j++) {
                sum += (double)w[i * APART + j] * (double)x[j];
                size += fabs((double)w[i * APART + j] * (double)x[j]);
            }
            CHECK_NEAR(y[i], sum, 1e-6 * size);
            a[i] = draw(&rng);
            a_wide[i] = (double)a[i];
        }
        memcpy(y_float, x, sizeof x);
        for (j = 0; j < D_MAX; j++)
            y_wide[j] = (double)x[j];
        mid__axpy_rows(a, w, APART, N_ROW, y_float, d);
        mid__axpy_rows_wide(a_wide, w, APART, N_ROW, y_wide, d);
        for (j = 0; j < D_MAX; j++) {
            double sum = (double)x[j];
            for (i = 0; i < N_ROW && j < d; i++)
                sum += (double)a[i] * (double)w[i * APART + j];
            CHECK_NEAR(y_float[j], sum, j < d ? 1e-5 : 0);
            CHECK_NEAR(y_wide[j], sum, 1e-13);
        }
    }
    free(w);
}

/* Of equals the first, and nobody among rows that are no numbers. */
TEST(linalg, nearest_row)
{
    static const float rows[] = { 3, 0, 1, 1, -1, 1, 1, 1 }, origin[] = { 0, 0 };
    const float nan[] = { NAN, 0 };
    double least;

    CHECK_INT(mid__nearest_row(rows, 4, 2, origin, &least), 1);
    CHECK_NEAR(least, 2, 0);
    CHECK_INT(mid__nearest_row(nan, 1, 2, origin, &least), 0);
    CHECK(least == INFINITY);
    CHECK_INT(mid__nearest_row(rows, 0, 2, origin, &least), 0);
    CHECK(least == INFINITY);
}

/* ((1, 0), (2, 3)) x, x = (1, 2): (1, 8), squares 65. Then against plain loops at sizes around the tiles'. */
TEST(linalg, lower_square)
{
    static const float by_hand[] = { 1, 0, 2, 3 }, x_by_hand[] = { 1, 2 };
    float w[N_MAX * N_MAX], x[N_MAX];
    mid__rng rng;
    size_t d, i, j;

    CHECK_NEAR(mid__lower_square(by_hand, x_by_hand, 2), 65, 0);
    mid__rng_init(&rng, seed, 3);
    for (d = 1; d <= N_MAX; d++) {
        double want = 0, y;
        for (i = 0; i < d; i++)
            x[i] = draw(&rng);
        for (i = 0; i < d; i++) {
            for (y = 0, j = 0; j < d; j++) {
                w[i * d + j] = j <= i ? draw(&rng) : 0;
                y += (double)w[i * d + j] * (double)x[j];
            }
            want += y * y;
        }
        CHECK_NEAR(mid__lower_square(w, x, d), want, 1e-5 * want);
    }
}

/* Of 0..100 the 1 and 99 % quantiles are 1 and 99, of two values .5 apart the quarter is an eighth in. Then the same as
 * sorting the column. */
TEST(linalg, column_tails)
{
    enum { N = 203, D = 19 };
    static const float two[] = { 1, 1.5f };
    float x[N * D], lo[D], hi[D];
    double column[N];
    mid__rng rng;
    size_t i, j, n;

    for (i = 0; i <= 100; i++)
        x[i] = (float)((i * 37) % 101);
    CHECK(mid__column_tails(x, 101, 1, 0.01, lo, hi));
    CHECK(lo[0] == 1 && hi[0] == 99);
    CHECK(mid__column_tails(two, 2, 1, 0.25, lo, hi));
    CHECK(lo[0] == 1.125f && hi[0] == 1.375f);
    mid__rng_init(&rng, seed, 4);
    for (i = 0; i < N * D; i++)
        x[i] = floorf(16 * draw(&rng));                 /* many equal ones */
    for (n = 1; n <= N; n += 101) {
        CHECK(mid__column_tails(x, n, D, 0.07, lo, hi));
        for (j = 0; j < D; j++) {
            for (i = 0; i < n; i++)
                column[i] = (double)x[i * D + j];
            CHECK_NEAR(lo[j], mid_quantile(column, n, 0.07), 1e-5);
            CHECK_NEAR(hi[j], mid_quantile(column, n, 0.93), 1e-5);
        }
    }
}

/* Columns (1, 2, 3), (5, 5, 5): means 2 and 5; deviations sqrt(2/3) and, constant, 1. */
TEST(linalg, column_stats)
{
    static const float x[] = { 1, 5, 2, 5, 3, 5 };
    double mean[2], sd[2];

    mid__column_stats(x, 3, 2, mean, sd);
    CHECK_NEAR(mean[0], 2, 0);
    CHECK_NEAR(mean[1], 5, 0);
    CHECK_NEAR(sd[0], 0.816496580927726, 1e-15);
    CHECK_NEAR(sd[1], 1, 0);
    mid__column_stats(x, 1, 2, mean, NULL);
    CHECK(mean[0] == 1 && mean[1] == 5);
}

/* A column of one value that binary cannot hold is still constant. */
TEST(linalg, constant_column_is_exact)
{
    float x[1000];
    double mean, sd;
    size_t i;

    for (i = 0; i < 1000; i++)
        x[i] = 0.1f;
    mid__column_stats(x, 1000, 1, &mean, &sd);
    CHECK_NEAR(sd, 1, 0);
}

/* Rows (1, 0), (3, 4) about (2, 2): (-1, -2), (1, 2); the scatter is ((2, 4), (4, 8)), its lower triangle is added. */
TEST(linalg, scatter)
{
    static const float x[] = { 1, 0, 3, 4 };
    static const double mean[] = { 2, 2 };
    double c[] = { 10, 99, 0, 0 };

    CHECK(mid__scatter(x, 2, 2, mean, c));
    CHECK(c[0] == 12 && c[2] == 4 && c[3] == 8);
    CHECK(c[1] == 99);                                  /* above the diagonal nothing is touched */
}

/* ((4, .), (2, 5)) = L L^T with L = ((2, .), (1, 2)); L^-1 = ((1/2, .), (-1/4, 1/2)). */
TEST(linalg, cholesky)
{
    double c[] = { 4, 99, 2, 5 };

    CHECK(mid__cholesky(c, 2));
    CHECK(c[0] == 2 && c[2] == 1 && c[3] == 2);
    CHECK(mid__invert_lower(c, 2));
    CHECK(c[0] == 0.5 && c[2] == -0.25 && c[3] == 0.5);
    CHECK(c[1] == 99);
}

TEST(linalg, cholesky_refuses)
{
    double singular[] = { 1, 0, 1, 1 }, negative[] = { -1 }, nan[] = { NAN }, zero[] = { 0 };

    CHECK(!mid__cholesky(singular, 2));
    CHECK(!mid__cholesky(negative, 1));
    CHECK(!mid__cholesky(nan, 1));
    CHECK(!mid__cholesky(zero, 1));
}

/* Scatter of more rows than columns against plain loops; its factor times its transpose is the scatter again, and the
 * inverse factor times the factor is the identity. */
static void check_factors(size_t n, size_t d)
{
    float *x = malloc(n * d * sizeof *x);
    double *mean = malloc(d * sizeof *mean), *c = calloc(d * d, sizeof *c), *l = malloc(d * d * sizeof *l),
           *m = malloc(d * d * sizeof *m), sum;
    mid__rng rng;
    size_t i, j, k;

    assert_true(x && mean && c && l && m);
    mid__rng_init(&rng, seed, d);
    for (i = 0; i < n * d; i++)
        x[i] = draw(&rng);
    mid__column_stats(x, n, d, mean, NULL);
    CHECK(mid__scatter(x, n, d, mean, c));
    for (i = 0; i < d; i++)
        for (j = 0; j <= i; j++) {
            for (sum = 0, k = 0; k < n; k++)
                sum += ((double)x[k * d + i] - mean[i]) * ((double)x[k * d + j] - mean[j]);
            CHECK_NEAR(c[i * d + j], sum, 1e-12 * (double)n);
        }
    memcpy(l, c, d * d * sizeof *l);
    CHECK(mid__cholesky(l, d));
    memcpy(m, l, d * d * sizeof *m);
    CHECK(mid__invert_lower(m, d));
    for (i = 0; i < d; i++)
        for (j = 0; j <= i; j++) {
            for (sum = 0, k = 0; k <= j; k++)
                sum += l[i * d + k] * l[j * d + k];
            CHECK_NEAR(sum, c[i * d + j], 1e-11 * (double)n);
            for (sum = 0, k = j; k <= i; k++)
                sum += m[i * d + k] * l[k * d + j];
            CHECK_NEAR(sum, i == j, 1e-11);
        }
    free(x);
    free(mean);
    free(c);
    free(l);
    free(m);
}

TEST(linalg, factors)
{
    static const size_t d[] = { 1, 2, 7, 8, 9, 16, 31, 40 };
    size_t i;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (i = 0; i < sizeof d / sizeof d[0]; i++) {
        check_factors(2 * d[i] + 3, d[i]);
        check_factors(100, d[i]);
    }
}

/* Whole vectors of 8 and a rest: 1 * 1 + 2 * 2 + ... + n * n = n (n + 1) (2 n + 1) / 6. */
TEST(linalg, dot_double)
{
    double x[21];
    size_t n;

    for (n = 0; n < 21; n++)
        x[n] = (double)(n + 1);
    for (n = 0; n <= 21; n++)
        CHECK_NEAR(mid__dot_double(x, x, n), (double)(n * (n + 1) * (2 * n + 1)) / 6, 0);
}
