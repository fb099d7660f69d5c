/* A bag of scores in one flat array: add one, take one out, count those below or above, each in O(log n). */
#ifndef MID_CALIBRATE_BAG_H
#define MID_CALIBRATE_BAG_H

#include "midstream/base.h"

/* Slot 0 is the empty tree: its n is 0 and its right side is the root, so a zeroed array is an empty bag. */
typedef struct mid__bag_slot {
    double score;
    uint32_t left, right;           /* slots; 0: none */
    uint32_t n;                     /* scores from here down */
    uint32_t order;                 /* falls on the way down: random, so that the tree stays flat */
} mid__bag_slot;

static inline uint32_t mid__bag_n(const mid__bag_slot *bag) { return bag[bag[0].right].n; }

/* Put a score into a free slot. No NaN. */
void mid__bag_add(mid__bag_slot *bag, uint32_t slot, double score, uint32_t order);
/* Take out a score that is in the bag. Of several equal ones any may go. Returns the slot that is free now. */
uint32_t mid__bag_take(mid__bag_slot *bag, double score);
/* The score with `rank` scores before it in rising order; rank < n. */
double mid__bag_at(const mid__bag_slot *bag, uint32_t rank);
uint32_t mid__bag_below(const mid__bag_slot *bag, double score);
uint32_t mid__bag_above(const mid__bag_slot *bag, double score);

#endif
