/* One-class white monitors: learn from safe token rows of one layer, choose the layer by inner folds. */
#ifndef MID_MONITOR_LAYER_CHOICE_H
#define MID_MONITOR_LAYER_CHOICE_H

#include "monitor/rows.h"

/* How a method learns from rows, scores a row (higher = farther from safe), stores and forgets what it learned. */
typedef struct mid__one_class {
    size_t model_size;              /* zeroed before learn */
    mid_status (*learn)(mid_ctx *ctx, const mid__rows *rows, const uint8_t *use, void *model);
    double (*score)(const void *model, const float *h, size_t d);
    mid_status (*keep)(mid_ctx *ctx, const void *model, size_t d, mid_weights *out);
    void (*forget)(void *model);    /* fine on a zeroed or half-learned model */
} mid__one_class;

/* Learn from the safe answers' token rows on the layer with the best inner-fold AUROC (or the one given), and store the
 * model together with "layer". Row scores are averaged over the rows so far, as the monitors do over tokens. */
mid_status mid__one_class_fit(mid_ctx *ctx, const mid_fit_set *set, double layer_param, const mid__one_class *method,
                              mid_weights *out);

#endif
