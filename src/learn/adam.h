/* AdamW: Loshchilov & Hutter 2019 (arXiv 1711.05101).
 *   m <- .9 m + .1 g    v <- .999 v + .001 g^2    w <- w - rate (m' / (sqrt v' + 1e-8) + decay w)
 * m', v' are m, v over 1 - .9^t, 1 - .999^t. */
#ifndef MID_LEARN_ADAM_H
#define MID_LEARN_ADAM_H

#include "midstream/base.h"

typedef struct mid__adam {
    size_t n;
    float *m, *v;                   /* (n) */
    double left_m, left_v;          /* .9^t, .999^t */
} mid__adam;

/* @return MID_OK, MID_ENOMEM. Clearing a zeroed one is fine. */
mid_status mid__adam_open(mid_ctx *ctx, size_t n, mid__adam *adam);
void mid__adam_clear(mid__adam *adam);
/* One step; grad and w (n). */
void mid__adam_step(mid__adam *adam, double rate, double decay, const float *grad, float *w);

#endif
