/* The product keeps a tile of 4 rows and 2 vectors of the result in registers while it walks along k. Every entry of
 * the result is summed in the order of k, whatever tile it falls into: a row alone and in a batch gives the same bits. */
#include "learn/dense.h"

#include <math.h>
#include <string.h>

#include "base/kernel.h"

enum { N_LANE = MID__N_LANE, N_TILE_ROW = 4, N_TILE_LANES = 2 };

#define INLINE static inline __attribute__((always_inline))

/* c's n_row rows and n_vec vectors from column 0 on; n_row and n_vec are constants where this is used. */
INLINE void tile(const int n_row, const int n_vec, size_t n, size_t k, const float *a, size_t a_row, size_t a_col,
                 const float *b, float *c)
{
    mid__lanes sum[N_TILE_ROW][N_TILE_LANES];
    size_t p;
    int i, v;

    for (i = 0; i < n_row; i++)
        for (v = 0; v < n_vec; v++)
            sum[i][v] = mid__lanes_at(c + (size_t)i * n + (size_t)v * N_LANE);
    for (p = 0; p < k; p++) {
        mid__lanes row[N_TILE_LANES];
        for (v = 0; v < n_vec; v++)
            row[v] = mid__lanes_at(b + p * n + (size_t)v * N_LANE);
        for (i = 0; i < n_row; i++)
            for (v = 0; v < n_vec; v++)
                sum[i][v] += row[v] * a[(size_t)i * a_row + p * a_col];
    }
    for (i = 0; i < n_row; i++)
        for (v = 0; v < n_vec; v++)
            memcpy(c + (size_t)i * n + (size_t)v * N_LANE, &sum[i][v], sizeof sum[i][v]);
}

/* One strip of n_vec vectors, over all rows. */
INLINE void strip(const int n_vec, size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_col,
                  const float *b, float *c)
{
    size_t i;

    for (i = 0; i + N_TILE_ROW <= m; i += N_TILE_ROW)
        tile(N_TILE_ROW, n_vec, n, k, a + i * a_row, a_row, a_col, b, c + i * n);
    for (; i < m; i++)
        tile(1, n_vec, n, k, a + i * a_row, a_row, a_col, b, c + i * n);
}

MID__CLONES
void mid__gemm(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_col, const float *b, float *c)
{
    size_t i, j, p;

    for (j = 0; j + N_TILE_LANES * N_LANE <= n; j += N_TILE_LANES * N_LANE)
        strip(N_TILE_LANES, m, n, k, a, a_row, a_col, b + j, c + j);
    for (; j + N_LANE <= n; j += N_LANE)
        strip(1, m, n, k, a, a_row, a_col, b + j, c + j);
    for (; j < n; j++)
        for (i = 0; i < m; i++) {
            float sum = c[i * n + j];
            for (p = 0; p < k; p++)
                sum += a[i * a_row + p * a_col] * b[p * n + j];
            c[i * n + j] = sum;
        }
}

void mid__transpose(const float *from, size_t n_row, size_t n_col, float *to)
{
    size_t i, j;

    for (i = 0; i < n_row; i++)
        for (j = 0; j < n_col; j++)
            to[j * n_row + i] = from[i * n_col + j];
}

void mid__fill_rows(const float *bias, size_t n, size_t d, float *c)
{
    size_t i;

    for (i = 0; i < n; i++)
        memcpy(c + i * d, bias, d * sizeof *c);
}

void mid__add_rows(const float *c, size_t n, size_t d, float *sum)
{
    size_t i, j;

    for (i = 0; i < n; i++)
        for (j = 0; j < d; j++)
            sum[j] += c[i * d + j];
}

/* e^x for |x| <= 80: 2^n p(r), |r| <= ln(2)/2, p the degree-6 Taylor polynomial (relative error < 2^-22). */
INLINE mid__lanes exp_of(mid__lanes x)
{
    const mid__lanes magic = mid__lanes_of(12582912.0f);        /* 1.5 * 2^23: adding it rounds to an integer */
    const mid__lanes n = (x * 1.44269504f + magic) - magic;
    const mid__lanes r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    const mid__int_lanes bits = (__builtin_convertvector(n, mid__int_lanes) + 127) << 23;
    mid__lanes p = mid__lanes_of(1.0f / 720.0f);

    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * (mid__lanes)bits;
}

/* 1 / (1 + e^-x); beyond 80 it is 0 or 1 anyway. A NaN stays one. */
INLINE mid__lanes sigmoid_of(mid__lanes x)
{
    const mid__int_lanes high = x > 80.0f, low = x < -80.0f;
    const mid__lanes limit = mid__lanes_of(80.0f);
    mid__lanes y = (mid__lanes)((high & (mid__int_lanes)limit) | (~high & (mid__int_lanes)x));

    y = (mid__lanes)((low & (mid__int_lanes)(-limit)) | (~low & (mid__int_lanes)y));
    return 1.0f / (1.0f + exp_of(-y));
}

/* scale * sigmoid(factor x) + shift, the last few through a padded vector. */
INLINE void squash(float *x, size_t n, float factor, float scale, float shift)
{
    float rest[N_LANE] = { 0 };
    mid__lanes y;
    size_t i;

    for (i = 0; i + N_LANE <= n; i += N_LANE) {
        y = sigmoid_of(mid__lanes_at(x + i) * factor) * scale + shift;
        memcpy(x + i, &y, sizeof y);
    }
    if (i == n)
        return;
    memcpy(rest, x + i, (n - i) * sizeof *x);
    y = sigmoid_of(mid__lanes_at(rest) * factor) * scale + shift;
    memcpy(rest, &y, sizeof y);
    memcpy(x + i, rest, (n - i) * sizeof *x);
}

MID__CLONES
void mid__sigmoid(float *x, size_t n) { squash(x, n, 1, 1, 0); }

MID__CLONES
void mid__tanh(float *x, size_t n) { squash(x, n, 2, 2, -1); }

double mid__logistic(double x)
{
    const double e = exp(-fabs(x));

    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

double mid__logit_loss(double logit, int label, double *slope)
{
    *slope = mid__logistic(logit) - label;
    return fmax(logit, 0) - label * logit + log1p(exp(-fabs(logit)));
}
