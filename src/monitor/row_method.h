/* White monitors that learn from rows of hidden states and give each token a value. A method brings how it learns, what
 * it makes of a row and how it is stored; choosing layer and hyper-parameter by inner folds, and streams, are shared. */
#ifndef MID_MONITOR_ROW_METHOD_H
#define MID_MONITOR_ROW_METHOD_H

#include "monitor/rows.h"

/* What a model is learned from: rows of both classes on one layer. */
typedef struct mid__row_data {
    const mid_fit_set *set;
    const mid_param *params;
    const mid__rows *rows;
    const uint8_t *use;             /* (rows->n) the rows to learn from; the others are held out */
    int i_grid;                     /* the hyper-parameter point */
} mid__row_data;

/* An answer's score is the mean of its tokens' values, or the largest. Means of rows (MID__VIEW_MEAN) have their mean
 * value at once if the method is linear, as it has to be then. */
typedef struct mid__row_method {
    size_t model_size;              /* zeroed before learn and restore */
    int n_grid;                     /* hyper-parameter points to choose among; 0 means 1 */
    mid__view view;                 /* of the rows to learn from */
    bool largest;
    bool keep_auroc;                /* store "inner_auroc" beside "layer" */
    bool check_row;                 /* score() would not notice a value that is not finite, so streams look first */
    /* MID_EUNDEFINED: too few rows. */
    mid_status (*learn)(mid_ctx *ctx, const mid__row_data *data, void *model);
    double (*score)(const void *model, const float *row, size_t d);    /* higher = more unsafe */
    mid_status (*keep)(mid_ctx *ctx, const void *model, size_t d, mid_weights *out);
    /* A model from a file, checked. */
    mid_status (*restore)(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model);
    void (*forget)(void *model);    /* fine on a zeroed or half-made model */
} mid__row_method;

/* Learn on the layer (or the one that the parameter "layer" names) and the grid point with the best mean AUROC of held-out
 * rows, 0 where too few answers make a fold; ties stay with the earlier one. Keeps the model, "layer" and, if asked to,
 * "inner_auroc". @param[out] i_grid  the point chosen, or NULL. */
mid_status mid__row_fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, const mid__row_method *method,
                        mid_weights *out, int *i_grid);

/* For descriptors whose state is mid__running. What learns and keeps is not called. */
mid_status mid__row_open(mid_ctx *ctx, const char *monitor, const mid_weights *weights, const mid_signals *signals,
                         const mid__row_method *method, void **plan);
void mid__row_close(void *plan);
mid_status mid__row_push(const void *plan, void *self, const mid_step *step, double *score);
/* The value of one token's rows, for who makes a score of them otherwise. False if it is not finite. */
bool mid__row_value(const void *plan, const float *hidden, double *value);

#endif
