/* Products against three plain loops, and the squashing functions against libm in double. */
#include "gradient.h"

#include "learn/dense.h"

static const uint64_t seed = 20260118;
enum { MAX = 70 };

TEST(dense, gemm)
{
    static float a[MAX * MAX], b[MAX * MAX], c[MAX * MAX], want[MAX * MAX], alone[MAX];
    mid__rng rng;
    int round;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (round = 0; round < 200; round++) {
        const size_t m = 1 + mid__rng_below(&rng, MAX), n = 1 + mid__rng_below(&rng, MAX), k = mid__rng_below(&rng, MAX);
        const bool turned = round & 1;
        const size_t a_row = turned ? 1 : k, a_col = turned ? m : 1;
        size_t i, j, p;
        scatter(&rng, a, m * k, 1);
        scatter(&rng, b, k * n, 1);
        scatter(&rng, c, m * n, 1);
        memcpy(want, c, sizeof c);
        memcpy(alone, c + (m - 1) * n, n * sizeof *c);
        for (i = 0; i < m; i++)
            for (j = 0; j < n; j++)
                for (p = 0; p < k; p++)
                    want[i * n + j] += a[i * a_row + p * a_col] * b[p * n + j];
        mid__gemm(m, n, k, a, a_row, a_col, b, c);
        assert_memory_equal(c, want, m * n * sizeof *c);    /* the same order of adding: the same bits */
        mid__gemm(1, n, k, a + (m - 1) * a_row, a_row, a_col, b, alone);
        assert_memory_equal(alone, want + (m - 1) * n, n * sizeof *c);
    }
}

TEST(dense, transpose_and_rows)
{
    const float x[] = { 1, 2, 3, 4, 5, 6 }, bias[] = { 7, 8, 9 };
    float y[6], sum[] = { 10, 20, 30 };

    mid__transpose(x, 2, 3, y);
    CHECK(y[0] == 1 && y[1] == 4 && y[2] == 2 && y[3] == 5 && y[4] == 3 && y[5] == 6);
    mid__fill_rows(bias, 2, 3, y);
    CHECK(y[0] == 7 && y[2] == 9 && y[3] == 7 && y[5] == 9);
    mid__add_rows(x, 2, 3, sum);
    CHECK(sum[0] == 15 && sum[1] == 27 && sum[2] == 39);
}

TEST(dense, squashing)
{
    float x, y;
    int i, n;

    for (i = -4000; i <= 4000; i++) {
        float row[19];
        for (n = 0; n < 19; n++)
            row[n] = (float)i / 50;
        mid__sigmoid(row, 19);                              /* a whole vector and a rest */
        CHECK(row[0] == row[18]);
        CHECK_NEAR(row[0], 1 / (1 + exp(-(double)i / 50)), 2e-7);
        y = x = (float)i / 200;
        mid__tanh(&y, 1);
        CHECK_NEAR(y, tanh((double)x), 4e-7);
    }
    x = 1e30f;
    mid__sigmoid(&x, 1);
    CHECK(x == 1);
    x = -INFINITY;
    mid__tanh(&x, 1);
    CHECK_NEAR(x, -1, 1e-6);
    x = NAN;
    mid__sigmoid(&x, 1);
    CHECK(isnan(x));
}

/* -ln sigmoid(2) = .126928; its slope sigmoid(2) - 1. Far out nothing overflows. */
TEST(dense, logit_loss)
{
    double slope;

    CHECK_NEAR(mid__logit_loss(2, 1, &slope), 0.1269280110, 1e-9);
    CHECK_NEAR(slope, -0.1192029220, 1e-9);
    CHECK_NEAR(mid__logit_loss(2, 0, &slope), 2.1269280110, 1e-9);
    CHECK_NEAR(slope, 0.8807970780, 1e-9);
    CHECK_NEAR(mid__logit_loss(-1000, 1, &slope), 1000, 1e-9);
    CHECK_NEAR(slope, -1, 1e-12);
    CHECK_NEAR(mid__logit_loss(1000, 1, &slope), 0, 0);
}
