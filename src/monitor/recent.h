/* The last scores of a stream, in a ring at the end of a flat state; zeroed = none. */
#ifndef MID_MONITOR_RECENT_H
#define MID_MONITOR_RECENT_H

#include <stdint.h>

typedef struct mid__recent {
    uint64_t n;                     /* scores seen */
    double score[];                 /* (cap) score j at j % cap */
} mid__recent;

/* @return how many are kept: min(scores seen, cap). They are r->score[0 .. that - 1], in no particular order. */
static inline uint64_t mid__recent_put(mid__recent *r, uint64_t cap, double score)
{
    r->score[r->n++ % cap] = score;
    return r->n < cap ? r->n : cap;
}

#endif
