/* L2-regularised logistic regression on dense rows. */
#ifndef MID_BASE_LOGISTIC_H
#define MID_BASE_LOGISTIC_H

#include "midstream/base.h"

/**
 * Minimise  C sum_i weight_i ln(1 + e^{-y_i (w.x_i + b)}) + |w|^2 / 2,  y = +1 for label 1 and -1 for 0; b is not
 * penalised. This is scikit-learn's LogisticRegression(C) to its optimum.
 *
 * @param x       (n, d) row-major; rows that were standardised converge in a few dozen steps
 * @param weight  (n), or NULL: all 1
 * @param[in,out] w (d), b  where to start from (zeros are fine), and the optimum
 * @return MID_OK, MID_EUNDEFINED with one class, MID_ENUMERIC on NaN, MID_ENOMEM
 */
mid_status mid__logistic_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, const uint8_t *label,
                             const double *weight, double c, double *w, double *b);

#endif
