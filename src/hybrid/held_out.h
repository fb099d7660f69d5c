/* Choosing a hybrid's own settings on answers that it was not learned from. */
#ifndef MID_HYBRID_HELD_OUT_H
#define MID_HYBRID_HELD_OUT_H

#include "hybrid/hybrid.h"
#include "hybrid/normal.h"

/* All rows' scores made comparable by maps learned without the row's inner fold. @param[out] out (n, n_member), NaN as
 * in rows. @return MID_EUNDEFINED: without one of the folds a member has no score to learn from. */
mid_status mid__normal_held_out(mid_ctx *ctx, mid__normal_kind kind, const mid_fit_set *set,
                                const mid__member_rows *rows, double *out);

/* All rows' scores by a fusion learned without the row's inner fold. @param[out] fused (n), NaN where it has nothing to
 * say. @return MID_EUNDEFINED: without one of the folds it cannot be learned. */
mid_status mid__fused_held_out(mid_ctx *ctx, const mid__fusion *fusion, const mid_param *params, const mid_fit_set *set,
                               const mid__member_rows *rows, double *fused);

/* By how much the AUROC of fused scores a (n) lies above that of b: averaged over 1, 2, 4, ... 128 tokens, then over the
 * inner folds, and divided by that mean's standard error (from the folds' deviation).
 * @param[out] gain  NaN: fewer than two folds can tell; +-INFINITY: all folds say the same. @return MID_ENOMEM */
mid_status mid__gain_in_errors(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const double *a,
                               const double *b, double *gain);

#endif
