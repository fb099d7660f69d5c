/* A linear score of the running mean of one layer's rows, w . mean_{j<=t} h_j + b, kept as the running mean of w . h_j + b:
 * what several fits end in. Weights: "w" (1, n_embd), "b" (1, 1), "layer". */
#ifndef MID_MONITOR_LINEAR_MEAN_H
#define MID_MONITOR_LINEAR_MEAN_H

#include "monitor/monitor.h"

mid_status mid__linear_mean_keep(mid_ctx *ctx, const float *w, double b, size_t d, mid_weights *out);
mid_status mid__linear_mean_open(mid_ctx *ctx, const char *monitor, const mid_weights *weights, const mid_signals *signals,
                                 void **plan);     /* closed by free */
/* For a descriptor: state_size sizeof(mid__running). */
mid_status mid__linear_mean_push(const void *plan, void *self, const mid_step *step, double *score);

#endif
