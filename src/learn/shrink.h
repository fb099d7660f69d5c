/* Covariances that can be inverted though there are few rows, or rows that resemble each other. */
#ifndef MID_LEARN_SHRINK_H
#define MID_LEARN_SHRINK_H

#include "midstream/base.h"

/* Ledoit & Wolf's rho in Sigma = (1 - rho) S + rho (tr S / d) I, from rows x (n, d), their mean (d) and their scatter
 * (mid__scatter(): n S, lower triangle). In [0, 1]; 1 where all rows are alike. */
double mid__ledoit_wolf(const float *x, size_t n, size_t d, const double *mean, const double *scatter);

/* A cloud of rows by its mean and its inverse Cholesky factor W, W^T W = Sigma^-1 (shrunk as above), so that the squared
 * Mahalanobis distance is |W (h - mu)|^2. */
typedef struct mid__gauss { size_t d; float *mu, *whiten; } mid__gauss;     /* (d), (d, d) lower triangle, else 0 */

/* @param what  names the rows in a message: "safe". @return MID_EUNDEFINED for fewer than two rows or rows all alike.
 * Clear *out whatever comes back. */
mid_status mid__gauss_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, const char *what, mid__gauss *out);
void mid__gauss_clear(mid__gauss *gauss);
/* @param scratch (d). */
double mid__gauss_distance2(const float *mu, const float *whiten, const float *h, float *scratch, size_t d);

#endif
