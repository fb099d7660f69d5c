/* Sparse logistic regression: two answers in closed form, the gradient at the optimum, weights as repeated rows. The
 * comparison with scikit-learn is tests/oracle/logistic_sparse.py. */
#include "test.h"

#include "base/logistic_sparse.h"
#include "base/rng.h"

/* Rows x = +1 (label 1) and x = -1 (label 0): by symmetry b = 0, and w = 2 c / (1 + e^w); w = 1 for c = (1 + e) / 2. */
TEST(logistic_sparse, golden_slope)
{
    static const size_t row_at[] = { 0, 1, 2 };
    static const uint32_t col[] = { 0, 0 };
    static const float value[] = { 1, -1 };
    static const uint8_t label[] = { 1, 0 };
    const mid__sparse x = { 2, 1, row_at, col, value };
    double w, b;

    CHECK_OK(mid__logistic_sparse_fit(test_ctx(), &x, label, NULL, (1 + exp(1)) / 2, &w, &b));
    CHECK_NEAR(w, 1, 1e-7);
    CHECK_NEAR(b, 0, 1e-7);
    CHECK_NEAR(mid__logistic_sparse_logit(&x, 1, &w, b), -1, 1e-7);
}

/* Rows without a value: w = 0 and b is the log-odds, ln 3 for three against one. */
TEST(logistic_sparse, golden_intercept)
{
    static const size_t row_at[5] = { 0 };
    static const uint8_t label[] = { 1, 1, 0, 1 };
    static const double weight[] = { 1, 1, 0.5, 0 };
    const mid__sparse x = { 4, 2, row_at, NULL, NULL };
    double w[2], b;

    CHECK_OK(mid__logistic_sparse_fit(test_ctx(), &x, label, NULL, 1, w, &b));
    CHECK_NEAR(b, log(3), 1e-7);
    CHECK_NEAR(w[0], 0, 0);
    CHECK_OK(mid__logistic_sparse_fit(test_ctx(), &x, label, weight, 1, w, &b));
    CHECK_NEAR(b, log(4), 1e-7);                        /* 2 against 0.5 */
}

enum { N_ROW = 60, N_COL = 40, N_EACH = 5 };

struct set {
    size_t row_at[N_ROW + 1];
    uint32_t col[N_ROW * N_EACH];
    float value[N_ROW * N_EACH];
    uint8_t label[N_ROW];
    double weight[N_ROW];
};

static void draw(struct set *s, mid__rng *rng)
{
    size_t i, k;

    for (i = 0; i < N_ROW; i++) {
        s->row_at[i + 1] = s->row_at[i] + N_EACH;
        for (k = i * N_EACH; k < (i + 1) * N_EACH; k++) {
            s->col[k] = (uint32_t)(k % N_EACH) * (N_COL / N_EACH) + mid__rng_below(rng, N_COL / N_EACH);
            s->value[k] = (float)(2 * mid__rng_unit(rng) - 1);
        }
        s->label[i] = i < 2 ? (uint8_t)i : (uint8_t)mid__rng_below(rng, 2);
        s->weight[i] = mid__rng_below(rng, 4);
    }
    s->weight[0] = s->weight[1] = 1;
}

/* Property: at the optimum w_j = c sum_i weight_i y_i x_ij p(wrong) and the intercept's sum is 0. */
TEST(logistic_sparse, gradient)
{
    static const double cs[] = { 0.01, 1, 100, 10000 };
    const uint64_t seed = 20240607;
    static struct set s;
    const mid__sparse x = { N_ROW, N_COL, s.row_at, s.col, s.value };
    double w[N_COL], g[N_COL], b, g_b, pull;
    size_t i, j, k, i_run;
    mid__rng rng;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (i_run = 0; i_run < 40; i_run++) {
        const double c = cs[i_run % 4];
        draw(&s, &rng);
        CHECK_OK(mid__logistic_sparse_fit(test_ctx(), &x, s.label, s.weight, c, w, &b));
        memcpy(g, w, sizeof g);
        g_b = 0;
        for (i = 0; i < N_ROW; i++) {
            const double y = s.label[i] ? 1 : -1;
            pull = c * s.weight[i] * y / (1 + exp(y * mid__logistic_sparse_logit(&x, i, w, b)));
            for (k = s.row_at[i]; k < s.row_at[i + 1]; k++)
                g[s.col[k]] -= pull * (double)s.value[k];
            g_b -= pull;
        }
        for (j = 0; j < N_COL; j++)
            CHECK_NEAR(g[j], 0, 1e-4 * fmax(1, sqrt(c)));
        CHECK_NEAR(g_b, 0, 1e-4 * fmax(1, sqrt(c)));
    }
}

TEST(logistic_sparse, refuses)
{
    static const size_t row_at[] = { 0, 1, 2 };
    static const uint32_t col[] = { 0, 0 }, far[] = { 0, 1 };
    static const float value[] = { 1, -1 }, nan[] = { 1, NAN };
    static const uint8_t label[] = { 1, 0 }, one[] = { 1, 1 };
    static const double negative[] = { 1, -1 }, zero[] = { 1, 0 };
    mid__sparse x = { 2, 1, row_at, col, value };
    double w = 7, b = 8;

    CHECK_FAILS(mid__logistic_sparse_fit(test_ctx(), &x, label, NULL, 0, &w, &b), MID_EINVAL);
    CHECK_FAILS(mid__logistic_sparse_fit(test_ctx(), &x, label, negative, 1, &w, &b), MID_EINVAL);
    CHECK_FAILS(mid__logistic_sparse_fit(test_ctx(), &x, one, NULL, 1, &w, &b), MID_EUNDEFINED);
    CHECK_SAYS("0 rows have label 0 and 2 label 1");
    CHECK_FAILS(mid__logistic_sparse_fit(test_ctx(), &x, label, zero, 1, &w, &b), MID_EUNDEFINED);
    x.col = far;
    CHECK_FAILS(mid__logistic_sparse_fit(test_ctx(), &x, label, NULL, 1, &w, &b), MID_EINVAL);
    x.col = col;
    x.value = nan;
    CHECK_FAILS(mid__logistic_sparse_fit(test_ctx(), &x, label, NULL, 1, &w, &b), MID_ENUMERIC);
    CHECK(w == 7 && b == 8);
}
