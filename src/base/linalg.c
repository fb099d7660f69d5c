/* Products and a Cholesky factor. Kernels take vectors of 16 floats, widened to double before they are summed. */
#include "base/linalg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/kernel.h"

typedef double wide __attribute__((vector_size(64), aligned(8)));          /* 8 doubles */
typedef float narrow __attribute__((vector_size(32), aligned(4)));          /* 8 floats */
enum { N_WIDE = 8 };

#define NARROW(at) (*(const narrow *)(const void *)(at))
#define WIDE(at) (*(wide *)(void *)(at))
#define WIDEN(v) __builtin_convertvector(v, wide)

static inline __attribute__((always_inline)) double total(wide a)
{
    return ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7]));
}

MID__CLONES
double mid__dot(const float *a, const float *b, size_t n)
{
    wide s = { 0 }, t = { 0 };
    double rest = 0;
    size_t i;

    for (i = 0; i + 2 * N_WIDE <= n; i += 2 * N_WIDE) {
        s += WIDEN(NARROW(a + i)) * WIDEN(NARROW(b + i));
        t += WIDEN(NARROW(a + i + N_WIDE)) * WIDEN(NARROW(b + i + N_WIDE));
    }
    for (; i < n; i++)
        rest += (double)a[i] * (double)b[i];
    return total(s + t) + rest;
}

MID__CLONES
double mid__dot_wide(const float *a, const double *b, size_t n)
{
    wide s = { 0 }, t = { 0 };
    double rest = 0;
    size_t i;

    for (i = 0; i + 2 * N_WIDE <= n; i += 2 * N_WIDE) {
        s += WIDEN(NARROW(a + i)) * *(const wide *)(const void *)(b + i);
        t += WIDEN(NARROW(a + i + N_WIDE)) * *(const wide *)(const void *)(b + i + N_WIDE);
    }
    for (; i < n; i++)
        rest += (double)a[i] * b[i];
    return total(s + t) + rest;
}

MID__CLONES
void mid__axpy_wide(double a, const float *x, double *y, size_t n)
{
    size_t i;

    for (i = 0; i + N_WIDE <= n; i += N_WIDE)
        WIDE(y + i) += WIDEN(NARROW(x + i)) * a;
    for (; i < n; i++)
        y[i] += a * (double)x[i];
}

MID__CLONES
double mid__dist2(const float *a, const float *b, size_t n)
{
    wide s = { 0 };
    double rest = 0;
    size_t i;

    for (i = 0; i + N_WIDE <= n; i += N_WIDE) {
        const wide d = WIDEN(NARROW(a + i)) - WIDEN(NARROW(b + i));
        s += d * d;
    }
    for (; i < n; i++)
        rest += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return total(s) + rest;
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

/* c (d, d) += block^T block for a block of centred rows (n, d), four columns of the result at a time. */
MID__CLONES
static void add_block(const double *block, size_t n, size_t d, double *c)
{
    size_t i, j, k;

    for (i = 0; i < d; i++)
        for (k = 0; k + 4 <= n; k += 4) {
            const double *r0 = block + k * d, *r1 = r0 + d, *r2 = r1 + d, *r3 = r2 + d;
            const double a0 = r0[i], a1 = r1[i], a2 = r2[i], a3 = r3[i];
            double *row = c + i * d;
            for (j = 0; j + N_WIDE <= i + 1; j += N_WIDE)
                WIDE(row + j) += (*(const wide *)(r0 + j) * a0 + *(const wide *)(r1 + j) * a1)
                               + (*(const wide *)(r2 + j) * a2 + *(const wide *)(r3 + j) * a3);
            for (; j <= i; j++)
                row[j] += (a0 * r0[j] + a1 * r1[j]) + (a2 * r2[j] + a3 * r3[j]);
        }
}

bool mid__scatter(const float *x, size_t n, size_t d, const double *mean, double *c)
{
    enum { N_BLOCK = 32 };
    double *block = calloc(N_BLOCK * d, sizeof *block);
    size_t i, j, k;

    if (!block)
        return false;
    for (i = 0; i < n; i += N_BLOCK) {
        for (k = 0; k < N_BLOCK; k++)           /* a short last block is filled up with zeros */
            for (j = 0; j < d; j++)
                block[k * d + j] = i + k < n ? (double)x[(i + k) * d + j] - mean[j] : 0;
        add_block(block, N_BLOCK, d, c);
    }
    free(block);
    return true;
}

MID__CLONES
double mid__dot_double(const double *a, const double *b, size_t n)
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

bool mid__cholesky(double *c, size_t d)
{
    size_t i, j;

    for (i = 0; i < d; i++) {
        for (j = 0; j < i; j++)
            c[i * d + j] = (c[i * d + j] - mid__dot_double(c + i * d, c + j * d, j)) / c[j * d + j];
        c[i * d + i] -= mid__dot_double(c + i * d, c + i * d, i);
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
