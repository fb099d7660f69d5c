/* Logistic regression: an optimum by hand, then what makes a point the optimum, by finite differences of the loss. */
#include "test.h"

#include "base/logistic.h"
#include "base/rng.h"

static const uint64_t seed = 20240615;

/* Rows -1 and +1 with labels 0 and 1: b = 0 and w minimises 2 C ln(1 + e^-w) + w^2 / 2, that is w (1 + e^w) = 2 C. */
TEST(logistic, golden)
{
    static const float x[] = { -1, 1 };
    static const uint8_t label[] = { 0, 1 };
    static const double c[] = { 0.001, 1, 1000 };
    size_t i;

    for (i = 0; i < 3; i++) {
        double w = 0, b = 0;
        CHECK_OK(mid__logistic_fit(test_ctx(), x, 2, 1, label, NULL, c[i], &w, &b));
        CHECK_NEAR(w * (1 + exp(w)), 2 * c[i], 1e-5 * c[i]);
        CHECK_NEAR(b, 0, 1e-6);
    }
}

/* Nothing to read: w = 0 and b is the log-odds of the weighted labels, ln(3 / 1) with weights 1, 3. */
TEST(logistic, intercept_is_not_penalised)
{
    static const float x[] = { 0, 0 };
    static const uint8_t label[] = { 0, 1 };
    static const double weight[] = { 1, 3 };
    double w = 0, b = 0;

    CHECK_OK(mid__logistic_fit(test_ctx(), x, 2, 1, label, weight, 0.01, &w, &b));
    CHECK_NEAR(w, 0, 0);
    CHECK_NEAR(b, 1.0986122886681098, 1e-7);
}

struct problem { float x[60 * 17]; uint8_t label[60]; double weight[60]; size_t n, d; };

static void make(struct problem *p, size_t d, uint64_t i_stream)
{
    mid__rng rng;
    size_t i, j;

    mid__rng_init(&rng, seed, i_stream);
    p->n = 60;
    p->d = d;
    for (i = 0; i < p->n; i++) {
        p->label[i] = i < 2 ? (uint8_t)i : mid__rng_unit(&rng) < 0.3;
        p->weight[i] = 0.1 + mid__rng_unit(&rng);
        for (j = 0; j < d; j++)
            p->x[i * d + j] = (float)(mid__rng_unit(&rng) * 4 - 2 + (j == 0 ? p->label[i] : 0));
    }
}

/* The loss as the header has it, written out plainly. */
static double loss(const struct problem *p, double c, const double *w, double b)
{
    double sum = 0, square = 0;
    size_t i, j;

    for (j = 0; j < p->d; j++)
        square += w[j] * w[j];
    for (i = 0; i < p->n; i++) {
        double z = b;
        for (j = 0; j < p->d; j++)
            z += w[j] * (double)p->x[i * p->d + j];
        sum += p->weight[i] * log1p(exp(p->label[i] ? -z : z));
    }
    return c * sum + square / 2;
}

/* At the optimum the central difference along each coordinate is 0; the loss is convex, so no other point is better. */
TEST(logistic, gradient_is_zero_at_the_optimum)
{
    static const double c[] = { 0.001, 0.1, 10 };
    static const size_t d[] = { 1, 8, 17 };
    const double h = 1e-5;
    struct problem p;
    size_t i_c, i_d, j;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (i_d = 0; i_d < 3; i_d++) {
        make(&p, d[i_d], i_d);
        for (i_c = 0; i_c < 3; i_c++) {
            double w[17] = { 0 }, b = 0, best, slope;
            CHECK_OK(mid__logistic_fit(test_ctx(), p.x, p.n, p.d, p.label, p.weight, c[i_c], w, &b));
            best = loss(&p, c[i_c], w, b);
            for (j = 0; j < p.d; j++) {
                const double at = w[j];
                double right, left;
                w[j] = at + h;
                right = loss(&p, c[i_c], w, b);
                w[j] = at - h;
                left = loss(&p, c[i_c], w, b);
                w[j] = at;
                CHECK_NEAR((right - left) / (2 * h), 0, 1e-6 * fmax(1, best));
            }
            slope = (loss(&p, c[i_c], w, b + h) - loss(&p, c[i_c], w, b - h)) / (2 * h);
            CHECK_NEAR(slope, 0, 1e-6 * fmax(1, best));
        }
    }
}

/* A start elsewhere ends at the same place, and the same start gives the same bits. */
TEST(logistic, start_does_not_matter)
{
    struct problem p;
    double w[3][8] = { { 0 } }, b[3] = { 0 };
    size_t k, j;

    make(&p, 8, 9);
    for (j = 0; j < 8; j++)
        w[1][j] = j % 2 ? 3 : -3;
    b[1] = 5;
    for (k = 0; k < 3; k++)
        CHECK_OK(mid__logistic_fit(test_ctx(), p.x, p.n, p.d, p.label, p.weight, 0.1, w[k], &b[k]));
    for (j = 0; j < 8; j++)
        CHECK_NEAR(w[0][j], w[1][j], 1e-7);
    CHECK_NEAR(b[0], b[1], 1e-7);
    assert_memory_equal(w[0], w[2], sizeof w[0]);
    CHECK(b[0] == b[2]);
}

/* Weight 2 is the same as the row twice. */
TEST(logistic, weights_count_rows)
{
    static const float once[] = { -1, 2, 0.5f, 1 }, twice[] = { -1, 2, 0.5f, 1, 1 };
    static const uint8_t label[] = { 0, 1, 0, 1, 1 };
    static const double weight[] = { 1, 1, 1, 2 };
    double w[2] = { 0 }, b[2] = { 0 };

    CHECK_OK(mid__logistic_fit(test_ctx(), once, 4, 1, label, weight, 1, &w[0], &b[0]));
    CHECK_OK(mid__logistic_fit(test_ctx(), twice, 5, 1, label, NULL, 1, &w[1], &b[1]));
    CHECK_NEAR(w[0], w[1], 1e-6);
    CHECK_NEAR(b[0], b[1], 1e-6);
}

TEST(logistic, refuses)
{
    static const float x[] = { -1, 1 }, bad[] = { 1, NAN }, endless[] = { 1, INFINITY };
    static const uint8_t label[] = { 0, 1 }, ones[] = { 1, 1 }, zeros[] = { 0, 0 };
    double w = 0, b = 0;

    CHECK_FAILS(mid__logistic_fit(test_ctx(), x, 2, 1, ones, NULL, 1, &w, &b), MID_EUNDEFINED);
    CHECK_FAILS(mid__logistic_fit(test_ctx(), x, 2, 1, zeros, NULL, 1, &w, &b), MID_EUNDEFINED);
    CHECK_FAILS(mid__logistic_fit(test_ctx(), x, 0, 1, label, NULL, 1, &w, &b), MID_EUNDEFINED);
    CHECK_FAILS(mid__logistic_fit(test_ctx(), bad, 2, 1, label, NULL, 1, &w, &b), MID_ENUMERIC);
    CHECK_FAILS(mid__logistic_fit(test_ctx(), endless, 2, 1, label, NULL, 1, &w, &b), MID_ENUMERIC);
    CHECK(w == 0 && b == 0);
}
