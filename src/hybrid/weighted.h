/* A mean of what normal.h makes of the members' scores, each with a weight: what several hybrids end in.
 * Weights: "weight" (1, n_member), none below 0, and normal.h's. */
#ifndef MID_HYBRID_WEIGHTED_H
#define MID_HYBRID_WEIGHTED_H

#include "hybrid/normal.h"

/* Close with mid__normal_close(). */
typedef struct mid__weighted { mid__normal *normal; double weight[MID__MEMBER_MAX]; } mid__weighted;

mid_status mid__weighted_open(mid_ctx *ctx, mid__normal_kind kind, const mid_weights *weights, size_t n, void **plan);
/* As a fusion's fuse; state is not looked at. Where no member that speaks has a weight, all that speak have the same. */
double mid__weighted_mean(const void *plan, void *state, const double *s, uint32_t t);

#endif
