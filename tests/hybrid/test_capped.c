/* The bounded regression by hand, and its conditions for an optimum on random rows. Against SciPy:
 * tests/oracle/fusion_sums.py. */
#include "test.h"

#include "base/rng.h"
#include "hybrid/capped.h"

/* 8 rows with x = ln 3, 6 of them unsafe, and 8 with -ln 3, 2 of them: the log odds are x itself, so c = 1, without
 * offset. With x twice as large, c = 1/2; half as large, the bound. With x turned round, 0. */
TEST(capped, by_hand)
{
    static const double scale[] = { 1, 2, 0.5, -1, 0 }, want[] = { 1, 0.5, 1, 0, 0.3 };
    double x[16], weight[16], c;
    uint8_t label[16];
    size_t i;
    int k;

    for (k = 0; k < 5; k++) {
        for (i = 0; i < 16; i++) {
            x[i] = scale[k] * (i < 8 ? log(3) : -log(3));
            label[i] = i % 8 < (i < 8 ? 6 : 2);
            weight[i] = 0.25;
        }
        c = 0.3;
        mid__capped_fit(&(mid__capped){ 16, 1, x, NULL, label, weight }, &c);
        CHECK_NEAR(c, want[k], 1e-8);
    }
}

/* The intercept takes up that rows of one class were dropped: 2 in 8 unsafe rows weigh a tenth. */
TEST(capped, intercept)
{
    double x[16], weight[16], offset[16], c = 0.5;
    uint8_t label[16];
    size_t i;

    for (i = 0; i < 16; i++) {
        x[i] = 2 * (i < 8 ? log(3) : -log(3));
        label[i] = i % 8 < (i < 8 ? 6 : 2);
        weight[i] = label[i] ? 0.1 : 1;
        offset[i] = log(0.1);
    }
    mid__capped_fit(&(mid__capped){ 16, 1, x, NULL, label, weight }, &c);
    CHECK_NEAR(c, 0.5, 1e-8);
    c = 1;
    mid__capped_fit(&(mid__capped){ 16, 1, x, offset, label, weight }, &c);     /* the same, said beforehand */
    CHECK_NEAR(c, 0.5, 1e-8);
}

/* What the offset has said already is not said again. */
TEST(capped, offset_leaves_nothing)
{
    double x[16], weight[16], c = 1;
    uint8_t label[16];
    size_t i;

    for (i = 0; i < 16; i++) {
        x[i] = i < 8 ? log(3) : -log(3);
        label[i] = i % 8 < (i < 8 ? 6 : 2);
        weight[i] = 1;
    }
    mid__capped_fit(&(mid__capped){ 16, 1, x, x, label, weight }, &c);
    CHECK_NEAR(c, 0, 1e-8);
}

enum { N = 300, M_MAX = 6 };

/* Mean loss over the rows with an intercept b. */
static double loss_of(const mid__capped *r, const double *c, double b)
{
    double loss = 0, total = 0;
    size_t k, i;

    for (k = 0; k < r->n; k++) {
        double l = r->offset ? r->offset[k] : b;
        for (i = 0; i < r->m; i++)
            l += c[i] * r->x[k * r->m + i];
        loss += r->weight[k] * log1p(exp(r->label[k] ? -l : l));
        total += r->weight[k];
    }
    return loss / total;
}

/* No step within the bounds lowers the loss. Columns lean on each other; some point the wrong way. */
TEST(capped, is_the_optimum)
{
    static const uint64_t seed = 20260313;
    static double x[N * M_MAX], weight[N], offset[N];
    static uint8_t label[N];
    double c[M_MAX], near[M_MAX], base, step;
    int draw, n_inside = 0, n_bound = 0;
    size_t k, i;
    mid__rng rng;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (draw = 0; draw < 60; draw++) {
        const size_t m = 1 + mid__rng_below(&rng, M_MAX);
        const mid__capped rows = { N, m, x, offset, label, weight };
        for (k = 0; k < N; k++) {
            const double shared = 2 * mid__rng_unit(&rng) - 1;
            double l = 0;
            for (i = 0; i < m; i++) {
                x[k * m + i] = 2 * shared + 4 * mid__rng_unit(&rng) - 2;
                l += (i % 3 == 2 ? -0.3 : 0.6) * x[k * m + i];
            }
            label[k] = mid__rng_unit(&rng) < 1 / (1 + exp(-l));
            weight[k] = 0.1 + mid__rng_unit(&rng);
            offset[k] = mid__rng_unit(&rng) - 0.5;
        }
        for (i = 0; i < m; i++)
            c[i] = 1;
        mid__capped_fit(&rows, c);
        base = loss_of(&rows, c, 0);
        for (i = 0; i < m; i++) {
            CHECK(c[i] >= 0 && c[i] <= 1);
            n_inside += c[i] > 0 && c[i] < 1;
            n_bound += c[i] == 0 || c[i] == 1;
            for (step = -1e-3; step <= 1e-3; step += 2e-3) {
                memcpy(near, c, sizeof near);
                near[i] = fmax(0, fmin(near[i] + step, 1));
                CHECK(loss_of(&rows, near, 0) >= base - 1e-12);
            }
        }
    }
    CHECK(n_inside > 40 && n_bound > 40);
}

/* Columns that are alike leave a choice; what is chosen is an optimum all the same. Rows without weight change
 * nothing. */
TEST(capped, columns_alike)
{
    double x[32], weight[16], c[2] = { 1, 1 };
    uint8_t label[16];
    size_t i;

    for (i = 0; i < 16; i++) {
        x[2 * i] = x[2 * i + 1] = i < 8 ? log(3) : -log(3);
        label[i] = i % 8 < (i < 8 ? 6 : 2);
        weight[i] = 1;
    }
    mid__capped_fit(&(mid__capped){ 16, 2, x, NULL, label, weight }, c);
    CHECK_NEAR(c[0] + c[1], 1, 1e-8);
    memset(weight, 0, sizeof weight);
    mid__capped_fit(&(mid__capped){ 16, 2, x, NULL, label, weight }, c);
    CHECK_NEAR(c[0] + c[1], 1, 1e-8);
}
