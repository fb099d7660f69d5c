/* A linear score of a row, w . h + b, as the model of a row method: what several fits end in.
 * Weights: "w" (1, n_embd), "b" (1, 1). */
#ifndef MID_MONITOR_LINEAR_H
#define MID_MONITOR_LINEAR_H

#include "monitor/row_method.h"

typedef struct mid__linear { float *w; double b; } mid__linear;         /* (d) */

/* For methods whose model begins with mid__linear. */
double mid__linear_score(const void *model, const float *row, size_t d);
mid_status mid__linear_keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out);
mid_status mid__linear_restore(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model);
void mid__linear_forget(void *model);
/* For streams of monitors that learn it in a way of their own. */
extern const mid__row_method mid__linear_method;

#endif
