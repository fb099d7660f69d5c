/* Shrinkage by Ledoit & Wolf 2004 ("A well-conditioned estimator for large-dimensional covariance matrices"):
 * rho = min(1, beta / delta), with S the covariance over n rows x_i (centred), m = tr S / d,
 *   delta = |S - m I|_F^2 / d,   beta = (1 / (n d)) (mean_i |x_i|^4 - |S|_F^2).
 * Everything that is stored is float32, everything that is summed double. */
#include "learn/shrink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"

double mid__ledoit_wolf(const float *x, size_t n, size_t d, const double *mean, const double *scatter)
{
    double trace = 0, square = 0, fourth = 0, delta, beta;
    size_t i, j;

    for (i = 0; i < d; i++) {
        for (j = 0; j < i; j++)
            square += 2 * scatter[i * d + j] * scatter[i * d + j];
        square += scatter[i * d + i] * scatter[i * d + i];
        trace += scatter[i * d + i];
    }
    square /= (double)n * (double)n;
    trace /= (double)n;
    for (i = 0; i < n; i++) {
        double norm = 0;
        for (j = 0; j < d; j++)
            norm += ((double)x[i * d + j] - mean[j]) * ((double)x[i * d + j] - mean[j]);
        fourth += norm * norm;
    }
    delta = (square - trace * trace / (double)d) / (double)d;
    beta = (fourth / (double)n - square) / ((double)n * (double)d);
    return delta > 0 ? fmin(fmax(beta, 0), delta) / delta : 1;
}

/* scatter -> (1 - rho) S + rho (tr S / d) I, lower triangle. */
static void shrink(double *c, size_t n, size_t d, double rho)
{
    double trace = 0;
    size_t i, j;

    for (i = 0; i < d; i++)
        trace += c[i * d + i] / (double)n;
    for (i = 0; i < d; i++) {
        for (j = 0; j <= i; j++)
            c[i * d + j] *= (1 - rho) / (double)n;
        c[i * d + i] += rho * trace / (double)d;
    }
}

mid_status mid__gauss_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, const char *what, mid__gauss *out)
{
    double *mean = malloc(d * sizeof *mean), *c = calloc(d * d, sizeof *c);
    size_t i, j;
    mid_status status = MID_OK;

    out->d = d;
    out->mu = malloc(d * sizeof *out->mu);
    out->whiten = calloc(d * d, sizeof *out->whiten);
    if (!mean || !c || !out->mu || !out->whiten) {
        status = mid__oom(ctx, "a covariance");
        goto out;
    }
    if (n < 2) {
        status = mid__fail(ctx, MID_EUNDEFINED, "%zu %s rows: a covariance needs two", n, what);
        goto out;
    }
    mid__column_stats(x, n, d, mean, NULL);
    if (!mid__scatter(x, n, d, mean, c)) {
        status = mid__oom(ctx, "a covariance");
        goto out;
    }
    shrink(c, n, d, mid__ledoit_wolf(x, n, d, mean, c));
    if (!mid__cholesky(c, d)) {
        status = mid__fail(ctx, MID_EUNDEFINED, "the %s rows' covariance is singular: they are all alike", what);
        goto out;
    }
    if (!mid__invert_lower(c, d)) {
        status = mid__oom(ctx, "a covariance");
        goto out;
    }
    for (i = 0; i < d; i++) {
        out->mu[i] = (float)mean[i];
        for (j = 0; j <= i; j++)
            out->whiten[i * d + j] = (float)c[i * d + j];
    }
out:
    free(mean);
    free(c);
    return status;
}

void mid__gauss_clear(mid__gauss *gauss)
{
    free(gauss->mu);
    free(gauss->whiten);
    memset(gauss, 0, sizeof *gauss);
}

double mid__gauss_distance2(const float *mu, const float *whiten, const float *h, float *scratch, size_t d)
{
    size_t i;

    for (i = 0; i < d; i++)
        scratch[i] = h[i] - mu[i];
    return mid__lower_square(whiten, scratch, d);
}
