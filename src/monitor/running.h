/* Running statistics as flat state; zeroed = nothing seen. */
#ifndef MID_MONITOR_RUNNING_H
#define MID_MONITOR_RUNNING_H

#include "midstream/monitor.h"

typedef struct mid__running { uint64_t n; double value; } mid__running;    /* seen; their sum, or the largest */

static inline double mid__running_mean(mid__running *r, double x)
{
    r->n += 1;
    r->value += x;
    return r->value / (double)r->n;
}

static inline double mid__running_max(mid__running *r, double x)
{
    if (r->n == 0 || x > r->value)
        r->value = x;
    r->n += 1;
    return r->value;
}

#endif
