/* The product keeps a tile of 4 rows and 3 vectors of the result in registers while it walks along k; a row without
 * three others gets a tile of its own, up to 256 columns wide, so that b is read straight on. Every entry of the result
 * is summed in the order of k, whatever tile it falls into: a row alone and in a batch gives the same bits. The tiles
 * of 4 rows are made of vectors of 8: of 16 gcc makes slow code for processors that have none so wide. A single row
 * waits for b and can bear that. */
#include "learn/dense.h"

#include <math.h>
#include <string.h>

#include "base/kernel.h"

enum { N_LANE = MID__N_LANE, N_EIGHT = 8, N_ROW = 4, N_LINE_MAX = 16 };
typedef float eight __attribute__((vector_size(32), aligned(4)));

#define INLINE static inline __attribute__((always_inline))

/* c's 4 rows and n_vec vectors from column 0 on; n_vec is a constant where this is used. */
INLINE void tile(const int n_vec, size_t n, size_t k, const float *a, size_t a_row, size_t a_col, const float *b,
                 float *c)
{
    eight sum[N_ROW * 3], row[3];
    size_t p;
    int i, v;

    MID__UNROLL
    for (i = 0; i < N_ROW; i++)
        MID__UNROLL
        for (v = 0; v < n_vec; v++)
            sum[i * n_vec + v] = *(const eight *)(const void *)(c + (size_t)i * n + v * N_EIGHT);
    for (p = 0; p < k; p++) {
        MID__UNROLL
        for (v = 0; v < n_vec; v++)
            row[v] = *(const eight *)(const void *)(b + p * n + (size_t)v * N_EIGHT);
        MID__UNROLL
        for (i = 0; i < N_ROW; i++)
            MID__UNROLL
            for (v = 0; v < n_vec; v++)
                sum[i * n_vec + v] += row[v] * a[(size_t)i * a_row + p * a_col];
    }
    MID__UNROLL
    for (i = 0; i < N_ROW; i++)
        MID__UNROLL
        for (v = 0; v < n_vec; v++)
            *(eight *)(void *)(c + (size_t)i * n + v * N_EIGHT) = sum[i * n_vec + v];
}

/* Strips of n_vec vectors from column j on, over m rows, a multiple of 4; gives the first column that is left. */
INLINE size_t tiles(const int n_vec, size_t j, size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_col,
                    const float *b, float *c)
{
    const size_t width = (size_t)n_vec * N_EIGHT;
    size_t i;

    for (; j + width <= n; j += width)
        for (i = 0; i < m; i += N_ROW)
            tile(n_vec, n, k, a + i * a_row, a_row, a_col, b + j, c + i * n + j);
    return j;
}

/* One row: n_vec vectors at a time from column j on; gives the first column that is left. */
INLINE size_t line(const int n_vec, size_t j, size_t n, size_t k, const float *a, size_t a_col, const float *b,
                   float *c)
{
    mid__lanes sum[N_LINE_MAX];
    size_t p;
    int v;

    for (; j + (size_t)n_vec * N_LANE <= n; j += (size_t)n_vec * N_LANE) {
        MID__UNROLL
        for (v = 0; v < n_vec; v++)
            sum[v] = mid__lanes_at(c + j + v * N_LANE);
        for (p = 0; p < k; p++)
            MID__UNROLL
            for (v = 0; v < n_vec; v++)
                sum[v] += mid__lanes_at(b + p * n + j + (size_t)v * N_LANE) * a[p * a_col];
        MID__UNROLL
        for (v = 0; v < n_vec; v++)
            memcpy(c + j + v * N_LANE, &sum[v], sizeof sum[v]);
    }
    return j;
}

/* Columns from j on, one by one. */
INLINE void columns(size_t j, size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_col, const float *b,
                    float *c)
{
    size_t i, p;

    for (; j < n; j++)
        for (i = 0; i < m; i++) {
            float sum = c[i * n + j];
            for (p = 0; p < k; p++)
                sum += a[i * a_row + p * a_col] * b[p * n + j];
            c[i * n + j] = sum;
        }
}

MID__CLONES
void mid__gemm(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_col, const float *b, float *c)
{
    const size_t m_tile = m / N_ROW * N_ROW;
    size_t i, j;

    j = tiles(3, 0, m_tile, n, k, a, a_row, a_col, b, c);
    j = tiles(2, j, m_tile, n, k, a, a_row, a_col, b, c);
    j = tiles(1, j, m_tile, n, k, a, a_row, a_col, b, c);
    columns(j, m_tile, n, k, a, a_row, a_col, b, c);
    for (i = m_tile; i < m; i++) {
        const float *own = a + i * a_row;
        j = line(16, 0, n, k, own, a_col, b, c + i * n);
        j = line(8, j, n, k, own, a_col, b, c + i * n);
        j = line(4, j, n, k, own, a_col, b, c + i * n);
        j = line(1, j, n, k, own, a_col, b, c + i * n);
        columns(j, 1, n, k, own, a_row, a_col, b, c + i * n);
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
