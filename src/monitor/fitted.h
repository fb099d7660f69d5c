/* What a plan takes out of fitted weights: copies of tensors, and which layer they are for. */
#ifndef MID_MONITOR_FITTED_H
#define MID_MONITOR_FITTED_H

#include "monitor/monitor.h"

/* @param[out] copy  owned, (n_row, n_col). @return MID_EFORMAT if there is no such tensor of this shape, MID_ENOMEM. */
mid_status mid__tensor_copy(mid_ctx *ctx, const mid_weights *weights, const char *name, size_t n_row, size_t n_col,
                            float **copy);
/* Where the values of the layer that the weights name begin in a step, of which each tapped layer has `width`.
 * @return MID_ESIGNAL if the source does not tap it. */
mid_status mid__layer_at(mid_ctx *ctx, const char *monitor, const mid_weights *weights, const mid_signals *signals,
                         size_t width, size_t *at);

#endif
