/* The largest scores of a stream, sorted, at the end of a flat state; zeroed = none. */
#ifndef MID_MONITOR_LARGEST_H
#define MID_MONITOR_LARGEST_H

#include <stdint.h>

typedef struct mid__largest {
    uint64_t n;                     /* kept, at most cap */
    double score[];                 /* (cap) from the largest down */
} mid__largest;

/* Few scores are among the largest, so most cost one comparison; the others move at most cap numbers. */
static inline void mid__largest_put(mid__largest *l, uint64_t cap, double score)
{
    uint64_t i;

    if (l->n < cap)
        l->n += 1;
    else if (score <= l->score[cap - 1])
        return;
    for (i = l->n - 1; i > 0 && l->score[i - 1] < score; i--)
        l->score[i] = l->score[i - 1];
    l->score[i] = score;
}

#endif
