/* Logistic regression with coefficients from 0 to 1: how much of what each input claims is to be believed. */
#ifndef MID_HYBRID_CAPPED_H
#define MID_HYBRID_CAPPED_H

#include <stddef.h>
#include <stdint.h>

#include "hybrid/members.h"

typedef struct mid__capped {
    size_t n, m;                    /* rows, inputs; m <= MID__MEMBER_MAX */
    const double *x;                /* (n, m) finite */
    const double *offset;           /* (n) added to each row's logit; NULL: an intercept is fitted instead */
    const uint8_t *label;           /* (n) of both classes where there is an intercept */
    const double *weight;           /* (n) */
} mid__capped;

/* Minimise sum_k weight_k ln(1 + e^{-y_k l_k}) over 0 <= c_i <= 1, l_k = offset_k or b, + sum_i c_i x_ki, y = +-1.
 * @param[in,out] c (m)  where to start from, and the optimum; where inputs leave a choice, one of them */
void mid__capped_fit(const mid__capped *rows, double *c);

#endif
