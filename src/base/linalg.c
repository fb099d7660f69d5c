/* Products, a Cholesky factor, columns' figures. Floats are widened to double before they are summed, in 16 strands
 * that are added up in one fixed order. Where many rows meet one vector (mid__dot_rows, mid__lower_square) strands are
 * summed in float, which loses about as little as rounding the rows to float has lost already. */
#include "base/linalg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/kernel.h"

typedef double wide __attribute__((vector_size(64), aligned(8)));           /* 8 doubles */
typedef double quad __attribute__((vector_size(32), aligned(8)));           /* 4: what one instruction widens */
enum { N_WIDE = 8, N_QUAD = 4, N_STRAND = 16, N_TILE = 12, N_COLUMN = 2048 };

#define INLINE static inline __attribute__((always_inline))
#define WIDE(at) (*(wide *)(void *)(at))
#define QUAD(at) (*(quad *)(void *)(at))

/* Written out, since of __builtin_convertvector gcc 12 makes three instructions. */
INLINE quad widen(const float *x) { return (quad){ x[0], x[1], x[2], x[3] }; }

INLINE double total(wide a)
{
    return ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7]));
}

/* Strands s[0][0], s[0][1], ... s[3][3] added up. */
INLINE double total_of(const quad s[4])
{
    const quad sum = (s[0] + s[2]) + (s[1] + s[3]);

    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

MID__CLONES
double mid__dot(const float *a, const float *b, size_t n)
{
    quad s[4] = { { 0 } };
    double rest = 0;
    size_t i;
    int k;

    for (i = 0; i + N_STRAND <= n; i += N_STRAND)
        MID__UNROLL
        for (k = 0; k < 4; k++)
            s[k] += widen(a + i + k * N_QUAD) * widen(b + i + k * N_QUAD);
    for (; i < n; i++)
        rest += (double)a[i] * (double)b[i];
    return total_of(s) + rest;
}

MID__CLONES
double mid__dot_wide(const float *a, const double *b, size_t n)
{
    quad s[4] = { { 0 } };
    double rest = 0;
    size_t i;
    int k;

    for (i = 0; i + N_STRAND <= n; i += N_STRAND)
        MID__UNROLL
        for (k = 0; k < 4; k++)
            s[k] += widen(a + i + k * N_QUAD) * *(const quad *)(const void *)(b + i + k * N_QUAD);
    for (; i < n; i++)
        rest += (double)a[i] * b[i];
    return total_of(s) + rest;
}

MID__CLONES
void mid__axpy_wide(double a, const float *x, double *y, size_t n)
{
    size_t i;

    for (i = 0; i + N_QUAD <= n; i += N_QUAD)
        QUAD(y + i) += widen(x + i) * a;
    for (; i < n; i++)
        y[i] += a * (double)x[i];
}

INLINE double dist2(const float *a, const float *b, size_t n)
{
    quad s[4] = { { 0 } }, d;
    double rest = 0;
    size_t i;
    int k;

    for (i = 0; i + N_STRAND <= n; i += N_STRAND)
        MID__UNROLL
        for (k = 0; k < 4; k++) {
            d = widen(a + i + k * N_QUAD) - widen(b + i + k * N_QUAD);
            s[k] += d * d;
        }
    for (; i + N_QUAD <= n; i += N_QUAD) {
        d = widen(a + i) - widen(b + i);
        s[0] += d * d;
    }
    for (; i < n; i++)
        rest += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return total_of(s) + rest;
}

MID__CLONES
double mid__dist2(const float *a, const float *b, size_t n) { return dist2(a, b, n); }

MID__CLONES
size_t mid__nearest_row(const float *rows, size_t n_row, size_t d, const float *x, double *least)
{
    size_t i, at = 0;
    double r;

    for (*least = INFINITY, i = 0; i < n_row; i++) {
        r = dist2(rows + i * d, x, d);
        if (r < *least) {
            *least = r;
            at = i;
        }
    }
    return at;
}

/* The lanes of a sum of products, widened and added up. */
INLINE double total_lanes(mid__lanes sum)
{
    float lane[MID__N_LANE];
    quad s[4];
    int k;

    memcpy(lane, &sum, sizeof lane);
    MID__UNROLL
    for (k = 0; k < 4; k++)
        s[k] = widen(lane + k * N_QUAD);
    return total_of(s);
}

/* The product of a row with x, d so small that at most 64 products meet in a lane. */
INLINE double strands(const float *w, const float *x, size_t d)
{
    mid__lanes sum[4] = { { 0 } };
    double rest = 0;
    size_t j;
    int k;

    for (j = 0; j + 4 * MID__N_LANE <= d; j += 4 * MID__N_LANE)
        MID__UNROLL
        for (k = 0; k < 4; k++)
            sum[k] += mid__lanes_at(w + j + k * MID__N_LANE) * mid__lanes_at(x + j + k * MID__N_LANE);
    for (; j + MID__N_LANE <= d; j += MID__N_LANE)
        sum[0] += mid__lanes_at(w + j) * mid__lanes_at(x + j);
    for (; j < d; j++)
        rest += (double)w[j] * (double)x[j];
    return total_lanes((sum[0] + sum[2]) + (sum[1] + sum[3])) + rest;
}

/* Row after row: what takes time is reading w from the second-level cache, and that is fastest straight on. */
MID__CLONES
void mid__dot_rows(const float *w, size_t apart, size_t n_row, const float *x, size_t d, double *y)
{
    size_t i, j;

    for (i = 0; i < n_row; i++)
        for (j = 0; j < d; j += N_COLUMN)
            y[i] += strands(w + i * apart + j, x + j, d - j < N_COLUMN ? d - j : N_COLUMN);
}

/* Four rows at a time: they end in the same vector. */
MID__CLONES
double mid__lower_square(const float *w, const float *x, size_t d)
{
    double square = 0, y;
    size_t i, j, end;
    int r;

    for (i = 0; i + 4 <= d; i += 4) {
        mid__lanes sum[4] = { { 0 } };
        double rest[4] = { 0 };
        end = (i + 4 + MID__N_LANE - 1) / MID__N_LANE * MID__N_LANE;
        for (j = 0; j < end && j + MID__N_LANE <= d; j += MID__N_LANE)
            MID__UNROLL
            for (r = 0; r < 4; r++)
                sum[r] += mid__lanes_at(w + (i + (size_t)r) * d + j) * mid__lanes_at(x + j);
        for (; j < i + 4; j++)
            for (r = 0; r < 4; r++)
                rest[r] += (double)w[(i + (size_t)r) * d + j] * (double)x[j];
        MID__UNROLL
        for (r = 0; r < 4; r++) {
            y = total_lanes(sum[r]) + rest[r];
            square += y * y;
        }
    }
    for (; i < d; i++) {
        for (y = 0, j = 0; j <= i; j++)
            y += (double)w[i * d + j] * (double)x[j];
        square += y * y;
    }
    return square;
}

MID__CLONES
void mid__axpy_rows(const float *a, const float *x, size_t apart, size_t n_row, float *y, size_t d)
{
    size_t i, j;

    for (i = 0; i + 4 <= n_row; i += 4) {
        const float *x0 = x + i * apart, *x1 = x0 + apart, *x2 = x1 + apart, *x3 = x2 + apart;
        for (j = 0; j + MID__N_LANE <= d; j += MID__N_LANE) {
            const mid__lanes sum = mid__lanes_at(y + j)
                + ((mid__lanes_at(x0 + j) * a[i] + mid__lanes_at(x1 + j) * a[i + 1])
                   + (mid__lanes_at(x2 + j) * a[i + 2] + mid__lanes_at(x3 + j) * a[i + 3]));
            memcpy(y + j, &sum, sizeof sum);
        }
        for (; j < d; j++)
            y[j] += (x0[j] * a[i] + x1[j] * a[i + 1]) + (x2[j] * a[i + 2] + x3[j] * a[i + 3]);
    }
    for (; i < n_row; i++)
        for (j = 0; j < d; j++)
            y[j] += x[i * apart + j] * a[i];
}

MID__CLONES
void mid__axpy_rows_wide(const double *a, const float *x, size_t apart, size_t n_row, double *y, size_t d)
{
    size_t i, j;

    for (i = 0; i + 4 <= n_row; i += 4) {
        const float *x0 = x + i * apart, *x1 = x0 + apart, *x2 = x1 + apart, *x3 = x2 + apart;
        for (j = 0; j + N_QUAD <= d; j += N_QUAD)
            QUAD(y + j) += (widen(x0 + j) * a[i] + widen(x1 + j) * a[i + 1])
                         + (widen(x2 + j) * a[i + 2] + widen(x3 + j) * a[i + 3]);
        for (; j < d; j++)
            y[j] += ((double)x0[j] * a[i] + (double)x1[j] * a[i + 1])
                  + ((double)x2[j] * a[i + 2] + (double)x3[j] * a[i + 3]);
    }
    for (; i < n_row; i++)
        for (j = 0; j < d; j++)
            y[j] += (double)x[i * apart + j] * a[i];
}

void mid__column_stats(const float *x, size_t n, size_t d, double *mean, double *sd)
{
    size_t i, j;

    memset(mean, 0, d * sizeof *mean);
    for (i = 0; i < n; i++)
        mid__axpy_wide(1, x + i * d, mean, d);
    for (j = 0; j < d; j++)
        mean[j] /= (double)n;
    if (!sd)
        return;
    memset(sd, 0, d * sizeof *sd);
    for (i = 0; i < n; i++)
        for (j = 0; j < d; j++) {
            const double a = (double)x[i * d + j] - mean[j];
            sd[j] += a * a;
        }
    for (j = 0; j < d; j++) {
        sd[j] = sqrt(sd[j] / (double)n);
        if (!(sd[j] > 0))
            sd[j] = 1;
    }
}

/* A column's least values, as a heap with the largest of them on top. */
struct least { size_t n, n_max; float *at; };

/* Put x in place of the top and let it sink. */
static void sink(struct least *l, float x)
{
    size_t i = 0, child;

    for (; (child = 2 * i + 1) < l->n; i = child) {
        child += child + 1 < l->n && l->at[child + 1] > l->at[child];
        if (!(l->at[child] > x))
            break;
        l->at[i] = l->at[child];
    }
    l->at[i] = x;
}

static void offer(struct least *l, float x)
{
    size_t i, parent;

    if (l->n == l->n_max) {
        if (x < l->at[0])
            sink(l, x);
        return;
    }
    for (i = l->n++; i > 0 && l->at[parent = (i - 1) / 2] < x; i = parent)
        l->at[i] = l->at[parent];
    l->at[i] = x;
}

/* The value at place `at` of n sorted values, of which l holds the floor(at) + 2 least, or all n. Empties l. */
static double value_at(struct least *l, double at)
{
    double high = (double)l->at[0], low;

    if (l->n > (size_t)at + 1) {        /* the top is the value behind */
        sink(l, l->at[--l->n]);
        low = (double)l->at[0];
    } else {
        low = high;
    }
    l->n = 0;
    return low == high ? low : low + (at - floor(at)) * (high - low);
}

bool mid__column_tails(const float *x, size_t n, size_t d, double p, float *lo, float *hi)
{
    enum { N_ABREAST = 16 };            /* columns at a time: a cache line of each row */
    const double at = (double)(n - 1) * p;
    const size_t n_least = (size_t)at + 2 < n ? (size_t)at + 2 : n;
    float *column = malloc(N_ABREAST * n * sizeof *column);
    struct least l = { 0, n_least, malloc(n_least * sizeof *l.at) };
    const bool ok = column && l.at;
    size_t i, j, k;

    for (j = 0; ok && j < d; j += N_ABREAST) {
        const size_t n_column = d - j < N_ABREAST ? d - j : N_ABREAST;
        for (i = 0; i < n; i++)
            for (k = 0; k < n_column; k++)
                column[k * n + i] = x[i * d + j + k];
        for (k = 0; k < n_column; k++) {
            for (i = 0; i < n; i++)
                offer(&l, column[k * n + i]);
            lo[j + k] = (float)value_at(&l, at);
            for (i = 0; i < n; i++)
                offer(&l, -column[k * n + i]);
            hi[j + k] = (float)-value_at(&l, at);
        }
    }
    free(column);
    free(l.at);
    return ok;
}

/* Rows i .. i + 3 and columns j .. j + 11 of block^T block, for n rows of centred values `apart` from each other: sums
 * stay in registers while the block goes by. */
INLINE void tile_of(const double *block, size_t n, size_t apart, size_t i, size_t j, quad tile[4][3])
{
    quad sum[12] = { { 0 } }, row[3];
    size_t k;
    int r, v;

    for (k = 0; k < n; k++) {
        const double *own = block + k * apart + i;
        MID__UNROLL
        for (v = 0; v < 3; v++)
            row[v] = *(const quad *)(block + k * apart + j + (size_t)v * N_QUAD);
        MID__UNROLL
        for (r = 0; r < 4; r++)
            MID__UNROLL
            for (v = 0; v < 3; v++)
                sum[r * 3 + v] += row[v] * own[r];
    }
    memcpy(tile, sum, sizeof sum);
}

/* c (d, d) += block^T block, lower triangle. apart: d, filled up with zeros to whole tiles. */
MID__CLONES
static void add_block(const double *block, size_t n, size_t d, size_t apart, double *c)
{
    quad tile[4][3];
    size_t i, j, r, k;

    for (i = 0; i < d; i += 4)
        for (j = 0; j <= i; j += N_TILE) {
            tile_of(block, n, apart, i, j, tile);
            for (r = 0; r < 4 && i + r < d; r++) {
                const double *sum = (const double *)tile[r];
                for (k = 0; k < N_TILE && j + k <= i + r; k++)
                    c[(i + r) * d + j + k] += sum[k];
            }
        }
}

bool mid__scatter(const float *x, size_t n, size_t d, const double *mean, double *c)
{
    enum { N_BLOCK = 64 };
    const size_t apart = d + N_TILE;
    double *block = calloc(N_BLOCK * apart, sizeof *block);
    size_t i, j, k, n_row;

    if (!block)
        return false;
    for (i = 0; i < n; i += n_row) {
        n_row = n - i < N_BLOCK ? n - i : N_BLOCK;
        for (k = 0; k < n_row; k++)
            for (j = 0; j < d; j++)
                block[k * apart + j] = (double)x[(i + k) * d + j] - mean[j];
        add_block(block, n_row, d, apart, c);
    }
    free(block);
    return true;
}

INLINE double dot_double(const double *a, const double *b, size_t n)
{
    wide s = { 0 };
    double rest = 0;
    size_t i;

    for (i = 0; i + N_WIDE <= n; i += N_WIDE)
        s += *(const wide *)(a + i) * *(const wide *)(b + i);
    for (; i < n; i++)
        rest += a[i] * b[i];
    return total(s) + rest;
}

MID__CLONES
double mid__dot_double(const double *a, const double *b, size_t n) { return dot_double(a, b, n); }

MID__CLONES
bool mid__cholesky(double *c, size_t d)
{
    size_t i, j;

    for (i = 0; i < d; i++) {
        for (j = 0; j < i; j++)
            c[i * d + j] = (c[i * d + j] - dot_double(c + i * d, c + j * d, j)) / c[j * d + j];
        c[i * d + i] -= dot_double(c + i * d, c + i * d, i);
        if (!(c[i * d + i] > 0))
            return false;
        c[i * d + i] = sqrt(c[i * d + i]);
    }
    return true;
}

MID__CLONES
static void sub_scaled(double *y, const double *x, double a, size_t n)
{
    size_t i;

    for (i = 0; i + N_WIDE <= n; i += N_WIDE)
        WIDE(y + i) -= *(const wide *)(x + i) * a;
    for (; i < n; i++)
        y[i] -= a * x[i];
}

/* Row i of M = L^-1:  M_ij = (delta_ij - sum_{k<i} L_ik M_kj) / L_ii. Row i of L is read before it is overwritten. */
bool mid__invert_lower(double *l, size_t d)
{
    double *row = calloc(d, sizeof *row);
    size_t i, k;

    if (!row)
        return false;
    for (i = 0; i < d; i++) {
        const double pivot = l[i * d + i];
        memset(row, 0, d * sizeof *row);
        row[i] = 1;
        for (k = 0; k < i; k++)
            sub_scaled(row, l + k * d, l[i * d + k], k + 1);
        for (k = 0; k <= i; k++)
            l[i * d + k] = row[k] / pivot;
    }
    free(row);
    return true;
}
