/* A gated recurrent unit, after Cho et al. 2014 (arXiv 1406.1078), and a classifier of prefixes made of it.
 *   z = sigmoid(a_z + U_z m)    r = sigmoid(a_r + U_r m)    c = tanh(a_c + U_c (r o m))
 *   m' = (1 - z) m + z c        m <- m' + dt (m' - m)
 * a = (a_z, a_r, a_c) is the input after its linear map, made by the caller (head.h). dt is 0 but for kelp. */
#ifndef MID_LEARN_GRU_H
#define MID_LEARN_GRU_H

#include "learn/head.h"

enum { MID__GRU_MAX = 128 };        /* widest state */

/* Weights are one array: (U_z, U_r)^T (h, 2 h), then U_c^T (h, h). */
typedef struct mid__gru { size_t h; float dt; } mid__gru;

static inline size_t mid__gru_n_weight(const mid__gru *gru) { return 3 * gru->h * gru->h; }
/* Uniform in +-1 / sqrt(h). */
void mid__gru_init(const mid__gru *gru, mid__rng *rng, float *u);
/* One step of one stream: a (3 h), m (h) in place. */
void mid__gru_step(const mid__gru *gru, const float *u, const float *a, float *m);

/* Floats of work for so many rows and sequences. */
size_t mid__gru_n_work(const mid__gru *gru, size_t n_row, size_t n_seq);
/* Rows are packed (head.h). a (n_row, 3 h), m0 (n_seq, h) or NULL: zeros. m (n_row, h) gets the state after each row,
 * work what backward needs. */
void mid__gru_forward(const mid__gru *gru, const float *u, const mid__pack *pack, const float *a, const float *m0,
                      float *m, float *work);
/* d_m (n_row, h): derivatives by the states. d_a (n_row, 3 h) and d_m0 (n_seq, h; may be NULL) are overwritten,
 * d_u is added to. */
void mid__gru_backward(const mid__gru *gru, const float *u, const mid__pack *pack, const float *d_m,
                       float *d_a, float *d_m0, float *d_u, float *work);

/* The classifier as a head: after every row the logit v.m + b; a sequence's loss is the mean over its rows, so that an
 * answer weighs 1. Further weights: the GRU's, v (h), b. */
mid__head mid__gru_head(size_t h);

#endif
