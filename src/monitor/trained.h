/* What monitors share that are a head (learn/head.h) trained on token rows: choosing the layer, making the rows, training
 * with early stopping on inner fold 0, keeping the weights for rows as they are, and checking a file's.
 * Weights: "w" (n_out, columns), "b" (1, n_out), "more" (1, n_extra) unless there are none; "layers" (1, n) or the number
 * "layer", unless the head reads scalars alone; the numbers "rate" and "n_epoch". */
#ifndef MID_MONITOR_TRAINED_H
#define MID_MONITOR_TRAINED_H

#include "learn/head.h"
#include "monitor/token_seqs.h"

typedef struct mid__trained_spec {
    mid__head head;
    mid__train train;
    mid__token_choice rows;         /* its i_layer is set by the fit, unless it is MID__ALL_LAYERS or MID__NO_LAYER */
    size_t n_axis;                  /* reduce rows to so many principal axes for training; 0: not at all */
    /* More to choose, from weights that never saw the held-out answers (rows scaled as seqs are); NULL: nothing. */
    mid_status (*choose)(mid_ctx *ctx, const mid_fit_set *set, const struct mid__trained_spec *spec, const mid__seqs *seqs,
                         const uint8_t *held_out, const float *w_inner, mid_weights *out);
} mid__trained_spec;

/* What gradient descent is told: AdamW at one of MID__RATES and decay .1, 32 answers a step. How long is given in steps,
 * for an epoch of few answers is short: 800 at most (or 100 epochs), and 100 without a smaller loss end the search. */
mid__train mid__train_of(const mid_fit_set *set);

/* layer_param: -1 to choose by a linear probe on running means (rows_lr.h), or a layer's number. */
mid_status mid__trained_fit(mid_ctx *ctx, const mid_fit_set *set, double layer_param, const mid__trained_spec *spec,
                            mid_weights *out);

/* A plan for pushing: the head's weights and where its layers are in a source's rows. */
typedef struct mid__trained {
    mid__head head;
    size_t d_layer, n_scalar;       /* columns of one layer, and behind all layers */
    int n_layer;
    size_t at[MID_LAYER_MAX];       /* (n_layer) where the layers' rows begin in step->hidden */
    size_t apart;                   /* floats from one row of w to the next */
    const float *w, *bias, *more;   /* in the same block */
} mid__trained;

/* which: MID__ONE_LAYER, MID__ALL_LAYERS that it was fitted on, or MID__NO_LAYER. *out is one block: free().
 * @return MID_EFORMAT, MID_ESIGNAL where a layer is not tapped, MID_ENOMEM. */
mid_status mid__trained_open(mid_ctx *ctx, const mid_weights *weights, const mid_signals *signals, const mid__head *head,
                             int which, size_t n_scalar, mid__trained **out);
/* a (n_out) = the map of a step's rows (hidden may be NULL where no layer is read) and scalars. False if not finite. */
bool mid__trained_map(const mid__trained *plan, const float *hidden, const float *scalar, float *a);

#endif
