/* Training by gradient steps: minibatches in seeded order; how fast and how long is found on items held out. */
#ifndef MID_LEARN_TRAIN_H
#define MID_LEARN_TRAIN_H

#include "midstream/base.h"

/* What is minimised: the sum of the losses of items. */
typedef struct mid__loss {
    size_t n_item, n_weight;
    /* The losses of items item[0..n) summed; unless grad (n_weight) is NULL, their gradient is added to it. */
    double (*of)(void *user, const float *w, const uint32_t *item, size_t n, float *grad);
    void *user;
} mid__loss;

enum { MID__RATE_MAX = 5 };

typedef struct mid__train {
    double rate[MID__RATE_MAX + 1]; /* AdamW's, to choose from: rising, ends with 0 */
    double decay;                   /* and the shrinking of weights */
    double clip;                    /* a step's mean gradient is shortened to this length; 0: never */
    uint32_t n_batch;               /* items per step */
    uint32_t n_epoch_max;
    uint32_t patience;              /* epochs without a smaller held-out loss before the search ends */
    uint64_t seed;
} mid__train;

/* .0001 .0003 .001 .003, for standardised rows. */
#define MID__RATES { 1e-4, 3e-4, 1e-3, 3e-3 }

/* What the first part of a training found, which never saw the items held out. */
typedef struct mid__found {
    double rate, loss;              /* loss: of the items held out, summed */
    uint32_t n_epoch;
} mid__found;

/**
 * At each rate train on the items that are not held out until their held-out loss no longer falls, note the rate and the
 * number of epochs with the smallest (of equals the slower rate), then train again from the same start on all items so
 * fast and so long. That may be no epoch at all. A rate at which the loss is no longer a number is passed over. Without
 * items on both sides nothing can be found out, and w stays as it is.
 *
 * @param held_out  (n_item) 0 or 1
 * @param[in,out] w  (n_weight) where to start from, and what was learned
 * @param[out] w_inner  (n_weight) or NULL: the best weights of the first part, which never saw the items held out
 * @param[out] found  may be NULL
 * @return MID_OK, MID_ENOMEM, MID_ENUMERIC when the loss is no longer a number at any rate
 */
mid_status mid__train_fit(mid_ctx *ctx, const mid__train *train, const mid__loss *loss, const uint8_t *held_out,
                          float *w, float *w_inner, mid__found *found);

#endif
