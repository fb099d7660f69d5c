/* Experts weighted by how they did so far. */
#ifndef MID_HYBRID_HEDGE_H
#define MID_HYBRID_HEDGE_H

#include <stddef.h>

/* eta = sqrt(8 ln n / N): what makes the bound below smallest for a known number of rounds. */
double mid__hedge_rate(size_t n_round, size_t n);
/* Run Hedge with that rate over rounds of losses in 0 .. 1, loss (n_round, n), from equal weights.
 * @param[out] weight (n)  after the last round, 1 in all
 * @return what the learner lost: sum over rounds of the weighted mean loss. It is at most the best expert's plus
 *         mid__hedge_bound(). */
double mid__hedge(const double *loss, size_t n_round, size_t n, double *weight);
/* sqrt(N ln n / 2) */
double mid__hedge_bound(size_t n_round, size_t n);

#endif
