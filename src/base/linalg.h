/* The little linear algebra we need, on row-major arrays. Sums run in double, in one fixed order. */
#ifndef MID_BASE_LINALG_H
#define MID_BASE_LINALG_H

#include <stdbool.h>
#include <stddef.h>

double mid__dot(const float *a, const float *b, size_t n);
double mid__dot_wide(const float *a, const double *b, size_t n);
double mid__dot_double(const double *a, const double *b, size_t n);
/* y (n_row) += w x: rows of d values that lie `apart` floats from each other. For rows that were rounded to float:
 * summed in float strands, off by less than 1e-6 of the sum of |w_j x_j|. */
void mid__dot_rows(const float *w, size_t apart, size_t n_row, const float *x, size_t d, double *y);
/* |w x|^2 for lower triangular w (d, d), 0 above the diagonal; summed as in mid__dot_rows(). */
double mid__lower_square(const float *w, const float *x, size_t d);
/* y (d) += a x, the same the other way round: a (n_row). All in float, and all in double. */
void mid__axpy_rows(const float *a, const float *x, size_t apart, size_t n_row, float *y, size_t d);
void mid__axpy_rows_wide(const double *a, const float *x, size_t apart, size_t n_row, double *y, size_t d);
/* y += a x */
void mid__axpy_wide(double a, const float *x, double *y, size_t n);
double mid__dist2(const float *a, const float *b, size_t n);    /* squared euclidean distance */
/* Which of the rows (n_row, d) is nearest to x, the first of equals; *least its squared distance, INFINITY if there is none
 * or all are NaN. */
size_t mid__nearest_row(const float *rows, size_t n_row, size_t d, const float *x, double *least);

/* Column means, and standard deviations (over n, not n - 1); a constant column gets 1. x (n, d). sd may be NULL. */
void mid__column_stats(const float *x, size_t n, size_t d, double *mean, double *sd);

/* The p and 1 - p quantiles of each column, as mid_quantile() has them; x (n, d), n > 0, 0 <= p <= 1/2. False: out of
 * memory. */
bool mid__column_tails(const float *x, size_t n, size_t d, double p, float *lo, float *hi);

/* c += sum_i (x_i - mean)(x_i - mean)^T over the rows of x; c (d, d), lower triangle and diagonal only. */
bool mid__scatter(const float *x, size_t n, size_t d, const double *mean, double *c);
/* In place: c = L L^T, lower triangle. False if c is not positive definite. */
bool mid__cholesky(double *c, size_t d);
/* In place: L -> L^-1, lower triangle. False: out of memory, l unchanged. */
bool mid__invert_lower(double *l, size_t d);

#endif
