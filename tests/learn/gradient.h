/* Gradients against central differences. A loss in float32 is known to about 1e-7 of its parts, so differences are taken
 * over steps of 2e-3 and may be off by 3e-4, and by 3e-3 of the value. Where that fails a ReLU may bend within the step:
 * then one of 1e-4, known less well, has to agree to 5e-3, and few weights may need it. */
#ifndef MID_TEST_GRADIENT_H
#define MID_TEST_GRADIENT_H

#include "test.h"

#include "base/rng.h"
#include "learn/train.h"

static inline double difference_quotient(const mid__loss *loss, float *w, size_t i, const uint32_t *item, size_t n,
                                         double reach)
{
    const float old = w[i];
    double up, down;

    w[i] = (float)((double)old + reach);
    up = loss->of(loss->user, w, item, n, NULL);
    w[i] = (float)((double)old - reach);
    down = loss->of(loss->user, w, item, n, NULL);
    w[i] = old;
    return (up - down) / (2 * reach);
}

static inline void check_gradient(const mid__loss *loss, float *w, const uint32_t *item, size_t n)
{
    float *grad = calloc(loss->n_weight, sizeof *grad);
    double at, off, worst = 0, largest = 0;
    size_t i, n_bent = 0;

    assert_non_null(grad);
    at = loss->of(loss->user, w, item, n, grad);
    CHECK_NEAR(loss->of(loss->user, w, item, n, NULL), at, 1e-12 * (1 + fabs(at)));     /* no gradient, same loss */
    for (i = 0; i < loss->n_weight; i++) {
        const double g = (double)grad[i];
        largest = fmax(largest, fabs(g));
        off = fabs(difference_quotient(loss, w, i, item, n, 2e-3) - g);
        if (off <= 3e-4 + 3e-3 * fabs(g)) {
            worst = fmax(worst, off);
            continue;
        }
        n_bent++;
        off = fabs(difference_quotient(loss, w, i, item, n, 1e-4) - g);
        if (!(off <= 5e-3 + 3e-3 * fabs(g)))
            fail_msg("weight %zu of %zu: gradient %g, difference quotient off by %g", i, loss->n_weight, g, off);
    }
    print_message("  %zu weights, gradients up to %.2g, off by %.1e at most; %zu with a bend\n", loss->n_weight, largest,
                  worst, n_bent);
    CHECK(n_bent <= loss->n_weight / 10);
    free(grad);
}

/* Uniform in +-reach. */
static inline void scatter(mid__rng *rng, float *x, size_t n, double reach)
{
    size_t i;

    for (i = 0; i < n; i++)
        x[i] = (float)(reach * (2 * mid__rng_unit(rng) - 1));
}

#endif
