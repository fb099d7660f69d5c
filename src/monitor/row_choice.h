/* White monitors that learn from rows of hidden states: choosing layer and hyper-parameter by inner folds. */
#ifndef MID_MONITOR_ROW_CHOICE_H
#define MID_MONITOR_ROW_CHOICE_H

#include "monitor/rows.h"

/* What a monitor makes of its per-token values on the way to its score. */
typedef enum mid__run { MID__RUN_MEAN, MID__RUN_MAX, MID__RUN_LAST } mid__run;

/* How a method learns from rows of both classes and scores a row (higher = more unsafe). */
typedef struct mid__row_method {
    size_t model_size;              /* zeroed before learn */
    int n_grid;                     /* hyper-parameter points to choose among; 0 means 1 */
    mid__view view;
    mid__run run;
    const void *user;               /* handed to learn */
    /* Learn from the rows marked in use. MID_EUNDEFINED: too few of them. */
    mid_status (*learn)(mid_ctx *ctx, const void *user, const mid__rows *rows, const uint8_t *use, int i_grid, void *model);
    double (*score)(const void *model, const float *x, size_t d);
    mid_status (*keep)(mid_ctx *ctx, const void *model, size_t d, mid_weights *out);
    void (*forget)(void *model);    /* fine on a zeroed or half-learned model */
} mid__row_method;

/* The grid point with the best mean AUROC of held-out rows, and that AUROC (0 where too few answers make a fold). Ties stay
 * with the earlier point. */
mid_status mid__row_choose(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, const mid__row_method *method,
                           int *i_grid, double *auroc);
/* Learn on all rows and keep the model in out. */
mid_status mid__row_learn(mid_ctx *ctx, const mid__rows *rows, const mid__row_method *method, int i_grid, mid_weights *out);
/* Both, on the layer that does best (or the one given). Adds "layer" and "inner_auroc" (0 where nothing was chosen).
 * @param[out] i_grid  the point chosen, or NULL. */
mid_status mid__row_fit(mid_ctx *ctx, const mid_fit_set *set, double layer_param, const mid__row_method *method,
                        mid_weights *out, int *i_grid);

/* A copy of the rows in use with this label (-1: either), in their order; of more than n_max, evenly spread ones.
 * Clear *out whatever comes back. */
mid_status mid__rows_pick(mid_ctx *ctx, const mid__rows *rows, const uint8_t *use, int label, size_t n_max, mid__rows *out);

/* The layer that weights name, as an offset into step->hidden. MID_ESIGNAL if the source does not tap it. */
mid_status mid__layer_at(mid_ctx *ctx, const char *monitor, const mid_weights *weights, const mid_signals *signals,
                         size_t *at);
/* Is every value of a row finite? */
bool mid__is_finite(const float *x, size_t n);
/* Owned; NULL: out of memory. */
float *mid__floats_copy(const float *x, size_t n);

#endif
