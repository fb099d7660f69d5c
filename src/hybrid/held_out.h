/* Choosing a hybrid's own settings on answers that its maps were not learned from. */
#ifndef MID_HYBRID_HELD_OUT_H
#define MID_HYBRID_HELD_OUT_H

#include "hybrid/normal.h"

/* All rows' scores made comparable by maps learned without the row's inner fold. @param[out] out (n, n_member), NaN as
 * in rows. @return MID_EUNDEFINED: without one of the folds a member has no score to learn from. */
mid_status mid__normal_held_out(mid_ctx *ctx, mid__normal_kind kind, const mid_fit_set *set,
                                const mid__member_rows *rows, double *out);

/* One column of fused scores (n), NaN where there is nothing to say, as mid__rows_auroc() sees it. */
double mid__fused_auroc(const mid_fit_set *set, const mid__member_rows *rows, const double *fused);

#endif
