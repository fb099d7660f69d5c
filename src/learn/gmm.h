/* Mixture of normal distributions with diagonal covariances. */
#ifndef MID_LEARN_GMM_H
#define MID_LEARN_GMM_H

#include "midstream/base.h"

typedef struct mid__gmm {
    size_t k, d;
    double *weight;                 /* (k) sums to 1 */
    double *mean, *variance;        /* (k, d) */
    double log_likelihood;          /* mean ln p of a row under the parameters before the last step */
    int n_step;
} mid__gmm;

/* Components started from k-means' clusters. @param[in] k  lowered to the number of distinct rows.
 * @return MID_EUNDEFINED without rows, MID_ENUMERIC on NaN, MID_ENOMEM. Clear *out whatever comes back. */
mid_status mid__gmm_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, size_t k, uint64_t seed, mid__gmm *out);
/* Expectation-maximisation alone, from the parameters in *gmm, until the mean log-likelihood grows by less than tolerance
 * or step_max steps. */
mid_status mid__gmm_em(mid_ctx *ctx, const float *x, size_t n, size_t d, double tolerance, int step_max, mid__gmm *gmm);
void mid__gmm_clear(mid__gmm *gmm);

/* ln weight_c - (1/2) sum_j ln(2 pi variance_cj), what a component's log density starts from. */
void mid__gmm_offsets(const mid__gmm *gmm, double *offset);

#endif
