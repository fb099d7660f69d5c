/* The heads (learn/head.h) of the trained monitors, each made in its monitor's file: here so that tests can check their
 * gradients. */
#ifndef MID_MONITOR_TRAINED_HEADS_H
#define MID_MONITOR_TRAINED_HEADS_H

#include "learn/head.h"

mid__head mid__attention_probe_head(size_t n_head);
mid__head mid__dual_head(size_t width, double alpha, double gamma);
mid__head mid__guard_head(size_t width);
mid__head mid__kelp_head(size_t n_start);
mid__head mid__streaming_head(double tau, bool through);

/* One order of a polynomial; sequences are single rows. */
typedef struct mid__term { const double *frozen, *weight; } mid__term;  /* (n) logit of the lower orders; weight of a row */
mid__head mid__polynomial_head(size_t rank, int order, const mid__term *rows);

#endif
