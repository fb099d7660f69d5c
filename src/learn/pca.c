/* Principal components by subspace iteration (Rutishauser 1969): a block of m > k vectors is multiplied by the covariance
 * and made orthonormal again, and the covariance seen from within the block (Rayleigh-Ritz) gives the values and turns the
 * block towards the vectors. The error of the k-th falls by (variance m+1 / variance k)^2 a round, which is why the block
 * is wider than asked for. It ends when no wanted value moves by more than 1e-12 of the largest, or after 300 rounds.
 * With m = d one round is exact. */
#include "learn/pca.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "base/rng.h"

enum { ROUND_MAX = 300, SWEEP_MAX = 60 };
static const double settled = 1e-12;

/* One rotation that makes a_pq zero (Golub & Van Loan, 8.5.2), on rows and columns of a and on rows of v. */
static void rotate(double *a, size_t m, size_t p, size_t q, double *v)
{
    const double tau = (a[q * m + q] - a[p * m + p]) / (2 * a[p * m + q]);
    const double t = (tau >= 0 ? 1 : -1) / (fabs(tau) + sqrt(1 + tau * tau));
    const double c = 1 / sqrt(1 + t * t), s = t * c;
    size_t i;

    for (i = 0; i < m; i++) {
        const double x = a[i * m + p], y = a[i * m + q];
        a[i * m + p] = c * x - s * y;
        a[i * m + q] = s * x + c * y;
    }
    for (i = 0; i < m; i++) {
        const double x = a[p * m + i], y = a[q * m + i], w = v[p * m + i], z = v[q * m + i];
        a[p * m + i] = c * x - s * y;
        a[q * m + i] = s * x + c * y;
        v[p * m + i] = c * w - s * z;
        v[q * m + i] = s * w + c * z;
    }
}

/* Values onto the diagonal in falling order; rows of v follow. */
static void sort_values(double *a, size_t m, double *v)
{
    size_t i, j, k, best;

    for (i = 0; i < m; i++) {
        for (best = i, j = i + 1; j < m; j++)
            if (a[j * m + j] > a[best * m + best])
                best = j;
        for (k = 0; best != i && k < m; k++) {
            const double swap = v[i * m + k];
            v[i * m + k] = v[best * m + k];
            v[best * m + k] = swap;
        }
        if (best != i) {
            const double swap = a[i * m + i];
            a[i * m + i] = a[best * m + best];
            a[best * m + best] = swap;
        }
    }
}

void mid__eigen_symmetric(double *a, size_t m, double *vector)
{
    double off, on;
    size_t p, q;
    int sweep;

    memset(vector, 0, m * m * sizeof *vector);
    for (p = 0; p < m; p++)
        vector[p * m + p] = 1;
    for (sweep = 0; sweep < SWEEP_MAX; sweep++) {
        for (p = 0, off = on = 0; p < m; p++)
            for (q = 0; q < m; q++)
                *(p == q ? &on : &off) += a[p * m + q] * a[p * m + q];
        if (!(off > 1e-30 * on))
            break;
        for (p = 0; p < m; p++)
            for (q = p + 1; q < m; q++)
                if (fabs(a[p * m + q]) > 1e-300)
                    rotate(a, m, p, q, vector);
    }
    sort_values(a, m, vector);
}

/* Rows of q (m, d) made orthonormal in turn, twice since once leaves too much where rows nearly coincide. A row that lies
 * within the others' span becomes zero, as do its values from then on. */
static void orthonormalise(double *q, size_t m, size_t d)
{
    size_t i, j, k;
    int pass;

    for (i = 0; i < m; i++) {
        const double before = sqrt(mid__dot_double(q + i * d, q + i * d, d));
        double norm;
        for (pass = 0; pass < 2; pass++)
            for (j = 0; j < i; j++) {
                const double r = mid__dot_double(q + i * d, q + j * d, d);
                for (k = 0; k < d; k++)
                    q[i * d + k] -= r * q[j * d + k];
            }
        norm = sqrt(mid__dot_double(q + i * d, q + i * d, d));
        for (k = 0; k < d; k++)
            q[i * d + k] = norm > 1e-12 * before ? q[i * d + k] / norm : 0;
    }
}

/* z = q c for symmetric c (d, d), blocks (m, d). */
static void multiply(const double *c, const double *q, size_t m, size_t d, double *z)
{
    size_t i, r;

    for (r = 0; r < d; r++)
        for (i = 0; i < m; i++)
            z[i * d + r] = mid__dot_double(c + r * d, q + i * d, d);
}

/* Rayleigh-Ritz: with z = q c, turn both blocks into the eigenvectors of q c q^T. value (m). work (2 m m + m d). */
static void turn(double *q, double *z, size_t m, size_t d, double *value, double *work)
{
    double *a = work, *v = work + m * m, *turned = v + m * m;
    double *block[2];
    size_t i, j, k, b;

    block[0] = q;
    block[1] = z;
    for (i = 0; i < m; i++)
        for (j = 0; j <= i; j++)
            a[i * m + j] = a[j * m + i] = mid__dot_double(q + i * d, z + j * d, d);
    mid__eigen_symmetric(a, m, v);
    for (i = 0; i < m; i++)
        value[i] = a[i * m + i];
    for (b = 0; b < 2; b++) {
        memset(turned, 0, m * d * sizeof *turned);
        for (i = 0; i < m; i++)
            for (j = 0; j < m; j++)
                for (k = 0; k < d; k++)
                    turned[i * d + k] += v[i * m + j] * block[b][j * d + k];
        memcpy(block[b], turned, m * d * sizeof *turned);
    }
}

/* The first k values and vectors of symmetric c (d, d): value (m), q (m, d). */
static bool subspace(const double *c, size_t d, size_t k, size_t m, double *value, double *q)
{
    double *z = malloc(m * d * sizeof *z), *work = malloc((2 * m * m + m * d) * sizeof *work);
    double *last = calloc(m, sizeof *last), moved = INFINITY;
    mid__rng rng;
    size_t i;
    int round;

    if (!z || !work || !last) {
        free(z);
        free(work);
        free(last);
        return false;
    }
    mid__rng_init(&rng, 1, 0);
    for (i = 0; i < m * d; i++)
        q[i] = m == d ? i / d == i % d : mid__rng_unit(&rng) - 0.5;
    for (round = 0; round < (m == d ? 1 : ROUND_MAX) && moved > settled; round++) {
        if (round)
            memcpy(q, z, m * d * sizeof *q);
        orthonormalise(q, m, d);
        multiply(c, q, m, d, z);
        turn(q, z, m, d, value, work);
        for (i = 0, moved = 0; i < k; i++)
            moved = fmax(moved, value[0] > 0 ? fabs(value[i] - last[i]) / value[0] : 0);
        memcpy(last, value, m * sizeof *last);
    }
    free(z);
    free(work);
    free(last);
    return true;
}

/* Copy out in float32, each axis' largest entry positive: a vector and its negative are the same axis. */
static void keep(const double *value, const double *q, mid__pca *out)
{
    size_t i, j;

    for (i = 0; i < out->k; i++) {
        double most = 0;
        for (j = 0; j < out->d; j++)
            if (fabs(q[i * out->d + j]) > fabs(most))
                most = q[i * out->d + j];
        for (j = 0; j < out->d; j++)
            out->axis[i * out->d + j] = (float)(most < 0 ? -q[i * out->d + j] : q[i * out->d + j]);
        out->variance[i] = fmax(0, value[i]);
    }
}

mid_status mid__pca_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, size_t k, mid__pca *out)
{
    const size_t most = n - 1 < d ? n - 1 : d;
    double *mean = NULL, *c = NULL, *q = NULL, *value = NULL;
    size_t i, j, m;
    mid_status status = MID_OK;

    memset(out, 0, sizeof *out);
    if (n < 2 || k == 0)
        return mid__fail(ctx, MID_EUNDEFINED, "%zu principal components of %zu rows", k, n);
    out->d = d;
    out->k = k < most ? k : most;
    m = 2 * out->k + 8 < d ? 2 * out->k + 8 : d;
    mean = malloc(d * sizeof *mean);
    c = calloc(d * d, sizeof *c);
    q = malloc(m * d * sizeof *q);
    value = calloc(m, sizeof *value);
    out->mean = malloc(d * sizeof *out->mean);
    out->axis = malloc(out->k * d * sizeof *out->axis);
    out->variance = malloc(out->k * sizeof *out->variance);
    if (!mean || !c || !q || !value || !out->mean || !out->axis || !out->variance) {
        status = mid__oom(ctx, "principal components");
        goto out;
    }
    mid__column_stats(x, n, d, mean, NULL);
    if (!mid__scatter(x, n, d, mean, c)) {
        status = mid__oom(ctx, "principal components");
        goto out;
    }
    for (i = 0; i < d; i++) {
        for (j = 0; j <= i; j++)
            c[i * d + j] = c[j * d + i] = c[i * d + j] / (double)(n - 1);
        out->total += c[i * d + i];
        out->mean[i] = (float)mean[i];
    }
    if (!isfinite(out->total)) {
        status = mid__fail(ctx, MID_ENUMERIC, "principal components: a row is not a number");
        goto out;
    }
    if (!subspace(c, d, out->k, m, value, q)) {
        status = mid__oom(ctx, "principal components");
        goto out;
    }
    keep(value, q, out);
out:
    free(mean);
    free(c);
    free(q);
    free(value);
    return status;
}

void mid__pca_clear(mid__pca *pca)
{
    free(pca->mean);
    free(pca->axis);
    free(pca->variance);
    memset(pca, 0, sizeof *pca);
}

void mid__pca_project(const float *mean, const float *axis, size_t k, size_t d, const float *row, float *scratch,
                      float *point)
{
    size_t i, r;

    for (i = 0; i < d; i++)
        scratch[i] = row[i] - mean[i];
    for (i = 0; i < k; i += 8) {
        const size_t n = k - i < 8 ? k - i : 8;
        double along[8] = { 0 };
        mid__dot_rows(axis + i * d, d, n, scratch, d, along);
        for (r = 0; r < n; r++)
            point[i + r] = (float)along[r];
    }
}
