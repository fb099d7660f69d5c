/* Groups of methods that a critical difference does not tell apart. */
#ifndef MID_METRIC_FRIEDMAN_H
#define MID_METRIC_FRIEDMAN_H

#include <stddef.h>

typedef struct mid__clique { size_t first, last; } mid__clique;

/* The largest runs of at least two of n rising mean ranks whose ends are less than cd apart.
 * @param[out] clique (n)  @return how many */
size_t mid__cliques(const double *mean_rank, size_t n, double cd, mid__clique *clique);

#endif
