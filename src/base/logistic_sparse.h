/* L2-regularised logistic regression on sparse rows: the text classifier and the n-gram monitor. */
#ifndef MID_BASE_LOGISTIC_SPARSE_H
#define MID_BASE_LOGISTIC_SPARSE_H

#include "midstream/base.h"

/* Compressed rows: row i holds value[k] in column col[k] for row_at[i] <= k < row_at[i + 1]. */
typedef struct mid__sparse {
    size_t n_row, n_col;
    const size_t *row_at;           /* (n_row + 1), row_at[0] = 0 */
    const uint32_t *col;            /* (row_at[n_row]) < n_col, each at most once in a row */
    const float *value;             /* (row_at[n_row]) */
} mid__sparse;

/* Minimise ||w||^2 / 2 + c sum_i weight_i ln(1 + exp(-y_i (x_i w + b))), y = 2 label - 1: C as scikit-learn has it, the
 * intercept unpenalised. The loss found is within 1e-6 of the least one (relative where that exceeds 1).
 * @param label (n_row) 0 or 1. @param weight (n_row) >= 0, 0 leaves a row out; NULL: all 1.
 * @param[out] w (n_col), b untouched on error
 * @return MID_EINVAL: c or a weight is out of range, or a column is; MID_ENUMERIC: a value is not
 *         finite, or C is so large that the least loss was not reached; MID_EUNDEFINED: only one class; MID_ENOMEM */
mid_status mid__logistic_sparse_fit(mid_ctx *ctx, const mid__sparse *x, const uint8_t *label, const double *weight,
                                    double c, double *w, double *b);
/* x_i w + b: the log-odds of label 1. */
double mid__logistic_sparse_logit(const mid__sparse *x, size_t i_row, const double *w, double b);

#endif
