/* Causal attention of one head over a window: Vaswani et al. 2017 (arXiv 1706.03762).
 *   o_t = sum_j a_tj v_j,   a_t = softmax_j(q_t . k_j / sqrt(d)),   j = t - window + 1 .. t, from 0 */
#ifndef MID_LEARN_ATTEND_H
#define MID_LEARN_ATTEND_H

#include <stddef.h>

/* q, k, v: rows of d values, `apart` floats from one row to the next, as they lie in what a map gives. */
typedef struct mid__attend { size_t d, window, apart; } mid__attend;

/* One position from the rows in its window, which is n long, its own row last: weight (n) and o (d) are overwritten. */
void mid__attend_one(const mid__attend *s, const float *q, const float *k, const float *v, size_t n,
                     float *weight, float *o);
/* n positions: weight (n, window) and o (n, d). */
void mid__attend_forward(const mid__attend *s, const float *q, const float *k, const float *v, size_t n,
                         float *weight, float *o);
/* Adds the derivatives to d_q, d_k, d_v (laid out as q, k, v), given those by o; scratch (window). */
void mid__attend_backward(const mid__attend *s, const float *q, const float *k, const float *v, size_t n,
                          const float *weight, const float *d_o, float *d_q, float *d_k, float *d_v, float *scratch);

#endif
