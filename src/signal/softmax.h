/* Full-vocabulary figures of one set of logits, computed once at capture. */
#ifndef MID_SIGNAL_SOFTMAX_H
#define MID_SIGNAL_SOFTMAX_H

#include "midstream/trace.h"

typedef struct mid__softmax {
    float lse;                      /* ln sum_v e^{z_v} */
    float entropy_nats;             /* -sum_v p_v ln p_v */
    uint32_t n_top;
    int32_t top_token[MID_TOP_MAX]; /* most likely first; equal logits: lower token first */
    float top_lp[MID_TOP_MAX];
} mid__softmax;

/* logits (n_vocab), -INFINITY masks a token out. False if a logit is NaN or +INFINITY or all are masked. */
bool mid__softmax_of(const float *logits, int n_vocab, mid__softmax *out);

#endif
