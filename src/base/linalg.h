/* The little linear algebra we need, on row-major arrays. Sums run in double, in one fixed order. */
#ifndef MID_BASE_LINALG_H
#define MID_BASE_LINALG_H

#include <stdbool.h>
#include <stddef.h>

double mid__dot(const float *a, const float *b, size_t n);
double mid__dot_wide(const float *a, const double *b, size_t n);
double mid__dot_double(const double *a, const double *b, size_t n);
/* y += a x */
void mid__axpy_wide(double a, const float *x, double *y, size_t n);
double mid__dist2(const float *a, const float *b, size_t n);    /* squared euclidean distance */

/* Column means, and standard deviations (over n, not n - 1); a constant column gets 1. x (n, d). sd may be NULL. */
void mid__column_stats(const float *x, size_t n, size_t d, double *mean, double *sd);

/* c += sum_i (x_i - mean)(x_i - mean)^T over the rows of x; c (d, d), lower triangle and diagonal only. */
bool mid__scatter(const float *x, size_t n, size_t d, const double *mean, double *c);
/* In place: c = L L^T, lower triangle. False if c is not positive definite. */
bool mid__cholesky(double *c, size_t d);
/* In place: L -> L^-1, lower triangle. False: out of memory, l unchanged. */
bool mid__invert_lower(double *l, size_t d);

#endif
