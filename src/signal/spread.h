/* How far the distribution over the next token is from uniform, and where the token stands in it. */
#ifndef MID_SIGNAL_SPREAD_H
#define MID_SIGNAL_SPREAD_H

#include "signal/softmax.h"

/* Of the same logits as `of`. out (MID_SPREAD_N). */
void mid__spread_of(const float *logits, int n_vocab, const mid__softmax *of, int32_t token, float *out);

/* What a layer's own prediction `lens` has to do with the final one, both (n_vocab); final_of: the softmax of `final`.
 * refusal (n_refusal) tokens. out (MID_LENS_N). False if it does not come out as numbers. */
bool mid__lens_of(const float *final, const mid__softmax *final_of, const float *lens, int n_vocab,
                  const int32_t *refusal, int n_refusal, float *out);

/* Largest probability of softmax(z / 2). */
float mid__confidence_of(const float *logits, int n_vocab, const mid__softmax *of);

#endif
