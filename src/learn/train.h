/* Training by gradient steps: minibatches in seeded order, and how long to train found on items held out. */
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

typedef struct mid__train {
    double rate, decay;             /* AdamW's */
    double clip;                    /* a step's mean gradient is shortened to this length; 0: never */
    uint32_t n_batch;               /* items per step */
    uint32_t n_epoch_min, n_epoch_max;
    uint32_t patience;              /* epochs without a smaller held-out loss before the search ends */
    uint64_t seed;
} mid__train;

/**
 * Train on the items that are not held out until their held-out loss no longer falls, note the best number of epochs, then
 * train again from the same start on all items for so many epochs. Without items on both sides there is nothing to find
 * out: n_epoch_min is used.
 *
 * @param held_out  (n_item) 0 or 1
 * @param[in,out] w  (n_weight) where to start from, and what was learned
 * @param[out] w_inner  (n_weight) or NULL: the best weights of the first part, which never saw the items held out
 * @param[out] n_epoch  how long the second part was; may be NULL
 * @return MID_OK, MID_ENOMEM, MID_ENUMERIC when a loss is no longer a number
 */
mid_status mid__train_fit(mid_ctx *ctx, const mid__train *train, const mid__loss *loss, const uint8_t *held_out,
                          float *w, float *w_inner, uint32_t *n_epoch);

#endif
