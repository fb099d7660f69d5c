/* Logistic regression on training rows: standardised for the fit, folded back into weights for rows as they are. */
#ifndef MID_MONITOR_ROWS_LR_H
#define MID_MONITOR_ROWS_LR_H

#include "monitor/rows.h"

/* Candidates for C, smallest first; fallback: where folds cannot tell. */
typedef struct mid__c_grid { const double *c; int n; double fallback; } mid__c_grid;
/* .001 .003 .01 .03 .1, for hidden rows. */
extern const mid__c_grid mid__c_grid_rows;

/* The C with the best inner-fold AUROC, and that AUROC (0 where the folds cannot tell). Ties stay with the smaller C. */
mid_status mid__rows_lr_choose(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, const mid__c_grid *grid,
                               double *c, double *auroc);
/* Logit of a row x: w.x + b, w (d). */
mid_status mid__rows_lr_fit(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, double c, float *w, float *b);

/* Index of the layer on which a linear probe (C = .01) of the view has the best inner-fold AUROC, or of the one a parameter
 * names: for monitors whose own fit is too dear to repeat for every layer and fold. */
mid_status mid__linear_layer(mid_ctx *ctx, const mid_fit_set *set, double layer_param, mid__view view, int *i_layer);

#endif
