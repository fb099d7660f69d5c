/* How far a member is to be trusted. */
#ifndef MID_HYBRID_RELIABILITY_H
#define MID_HYBRID_RELIABILITY_H

#include "hybrid/members.h"

/* 2 AUROC - 1 of each member's out-of-fold scores, 0 where that is negative or undefined. AUROC is averaged over 1, 2,
 * 4, ... 128 tokens; where a member is silent, it calls the answer safe. @param[out] r (n_member) in 0..1 */
mid_status mid__reliability(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, float *r);

#endif
