/* What nets are made of: products of row-major matrices, and the two squashing functions. Float32, in one fixed order, and
 * without libm's float functions, so that a seed gives the same bits on every machine. */
#ifndef MID_LEARN_DENSE_H
#define MID_LEARN_DENSE_H

#include <stddef.h>

/* c (m, n) += a b, b (k, n). Entry (i, p) of a is at a[i * a_row + p * a_col], so a may be read as its transpose. */
void mid__gemm(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_col, const float *b, float *c);
/* to (n_col, n_row) = the transpose of from (n_row, n_col). */
void mid__transpose(const float *from, size_t n_row, size_t n_col, float *to);
/* Each of the n rows of c (n, d) becomes a copy of bias (d). */
void mid__fill_rows(const float *bias, size_t n, size_t d, float *c);
/* sum (d) += the sum of the n rows of c (n, d). */
void mid__add_rows(const float *c, size_t n, size_t d, float *sum);

/* In place. Absolute error below 2e-7. */
void mid__sigmoid(float *x, size_t n);
void mid__tanh(float *x, size_t n);

/* -ln P(label) of a logit, and its derivative by the logit. */
double mid__logit_loss(double logit, int label, double *slope);
/* 1 / (1 + e^-x) in double. */
double mid__logistic(double x);

#endif
