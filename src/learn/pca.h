/* Principal components: the directions in which rows vary most. */
#ifndef MID_LEARN_PCA_H
#define MID_LEARN_PCA_H

#include "midstream/base.h"

typedef struct mid__pca {
    size_t d, k;
    float *mean;                    /* (d) */
    float *axis;                    /* (k, d) orthonormal rows, most variance first; largest entry positive */
    double *variance;               /* (k) along each axis, over n - 1 */
    double total;                   /* variance of all d dimensions together */
} mid__pca;

/**
 * The first k principal axes of x (n, d), by subspace iteration on the covariance.
 * @param k  lowered to d or n - 1 where those are fewer
 * @return MID_EUNDEFINED for fewer than two rows, MID_ENUMERIC on NaN, MID_ENOMEM. Clear *out whatever comes back.
 */
mid_status mid__pca_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, size_t k, mid__pca *out);
void mid__pca_clear(mid__pca *pca);

/* point (k) = axis (row - mean). */
void mid__pca_project(const float *mean, const float *axis, size_t k, size_t d, const float *row, float *scratch,
                      float *point);

/* Eigenvalues and vectors of a symmetric matrix by cyclic Jacobi rotations; a (m, m) is destroyed, its diagonal becomes the
 * values, most first, and vector (m, m) holds their vectors as rows. */
void mid__eigen_symmetric(double *a, size_t m, double *vector);

#endif
