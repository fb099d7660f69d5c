/* Exact binomial probabilities, to about 13 digits for any n. */
#ifndef MID_CALIBRATE_BINOMIAL_H
#define MID_CALIBRATE_BINOMIAL_H

#include <stddef.h>

/* P[X <= k] for X ~ Bin(n, p), 0 <= p <= 1. Small probabilities keep their relative precision. */
double mid__binomial_cdf(size_t n, double p, size_t k);

#endif
