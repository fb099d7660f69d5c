/* Training rows from traces: the vector a white monitor sees at some prefixes of each answer. */
#ifndef MID_MONITOR_ROWS_H
#define MID_MONITOR_ROWS_H

#include "monitor/monitor.h"

/* What stands for an answer after t tokens. */
typedef enum mid__view {
    MID__VIEW_TOKEN,                /* h_t */
    MID__VIEW_MEAN,                 /* (1/t) sum_{j<=t} h_j */
    MID__VIEW_WINDOW,               /* the mean of the last min(t, MID__WINDOW_TOK) */
    MID__VIEW_EMA,                  /* e_t = beta e_{t-1} + (1 - beta) h_t, e_1 = h_1 */
    MID__VIEW_PROMPT                /* the last prompt position's row, whatever t */
} mid__view;

/* Answers are looked at after 1, 2, 4, ... 128 tokens; one that ended before is looked at once more, at its end. */
enum { MID__N_HORIZON = 8, MID__WINDOW_TOK = 32 };
static inline uint32_t mid__horizon_tok(int i) { return 1u << i; }
/* Does an answer of n_tok tokens give a row after t of them, and which horizon does it stand for first?
 * prefix 0: all horizons; else one row, after min(prefix, n_tok) tokens. */
bool mid__is_row(uint32_t t, uint32_t n_tok, uint32_t prefix, uint8_t *horizon);

typedef struct mid__rows {
    size_t n, d;
    float *x;                       /* (n, d) */
    uint32_t *answer;               /* (n) index into the fit set */
    uint8_t *label;                 /* (n) */
    double *weight;                 /* (n) an answer's rows weigh 1 in all */
    uint8_t *horizon;               /* (n) first horizon the row stands for */
} mid__rows;

/* Room for n rows of d values, and none in it yet; d 0: only labels and the like. Clear *out whatever comes back. */
mid_status mid__rows_open(mid_ctx *ctx, size_t n, size_t d, mid__rows *out);
void mid__rows_clear(mid__rows *rows);
/* One more row: its values stand at x already. */
void mid__rows_add(mid__rows *rows, size_t i_answer, int label, uint8_t horizon);
/* An answer's rows, those from first on, weigh 1 in all. */
void mid__rows_weigh(mid__rows *rows, size_t first);
/* prefix as for mid__is_row(). Answers without tokens give no row. */
mid_status mid__rows_of(mid_ctx *ctx, const mid_fit_set *set, int i_layer, mid__view view, double beta, uint32_t prefix,
                        mid__rows *out);
/* A copy of the rows in use with this label (-1: either), in their order; of more than n_max, evenly spread ones.
 * Clear *out whatever comes back. */
mid_status mid__rows_pick(mid_ctx *ctx, const mid__rows *rows, const uint8_t *use, int label, size_t n_max,
                          mid__rows *out);

/* Keep the better: if auroc is the larger, rows and the best so far change places. */
bool mid__rows_better(mid__rows *best, double *best_auroc, mid__rows *rows, double auroc);
/* Each value less its column's mean, over its deviation; mean, sd (d) are put out. */
void mid__rows_standardise(mid__rows *rows, double *mean, double *sd);

/* The inner fold of an answer: by its prompt group, 0..n_fold-1. */
int mid__inner_fold(const mid_fit_set *set, size_t i_answer);
int mid__n_inner(const mid_fit_set *set);
/* A copy of the rows outside an inner fold; -1: of all. Clear *out whatever comes back. */
mid_status mid__rows_outside(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, int fold, mid__rows *out);
/* Mean over horizons of the AUROC that held-out row scores give; an answer that ended keeps its last score.
 * @param[out] auroc  NaN if no horizon has both classes. @return MID_ENOMEM */
mid_status mid__rows_auroc(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, const double *score,
                           double *auroc);
/* Index of a layer number in a source's tapped layers; -1 if it is not tapped. */
int mid__layer_index(const mid_signals *signals, double layer);
/* Layers a fit may choose from: all tapped, or the one a parameter names (MID_EINVAL if it is not tapped). */
mid_status mid__layer_range(mid_ctx *ctx, const mid_signals *signals, double layer_param, int *first, int *last);
/* Is every value of a row finite? */
bool mid__is_finite(const float *x, size_t n);

#endif
