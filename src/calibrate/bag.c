/* A treap (Seidel & Aragon 1996): a search tree by score that is a heap by a random order, hence O(log n) deep whatever
 * comes in which order, with the number of scores at every node. Children are slot numbers, no pointers, so a copy of
 * the array is a copy of the bag. Equal scores may stand on either side of each other: nobody asks which is which. */
#include "calibrate/bag.h"

/* Tree `at` cut in two: scores below `score`, and the others. */
static void split(mid__bag_slot *bag, uint32_t at, double score, uint32_t *low, uint32_t *high)
{
    if (at == 0) {
        *low = *high = 0;
        return;
    }
    if (bag[at].score < score) {
        split(bag, bag[at].right, score, &bag[at].right, high);
        *low = at;
    } else {
        split(bag, bag[at].left, score, low, &bag[at].left);
        *high = at;
    }
    bag[at].n = 1 + bag[bag[at].left].n + bag[bag[at].right].n;
}

/* Two trees made one; no score of the first is above one of the second. */
static uint32_t join(mid__bag_slot *bag, uint32_t low, uint32_t high)
{
    if (low == 0 || high == 0)
        return low + high;
    bag[bag[low].order > bag[high].order ? low : high].n = bag[low].n + bag[high].n;
    if (bag[low].order > bag[high].order) {
        bag[low].right = join(bag, bag[low].right, high);
        return low;
    }
    bag[high].left = join(bag, low, bag[high].left);
    return high;
}

void mid__bag_add(mid__bag_slot *bag, uint32_t slot, double score, uint32_t order)
{
    uint32_t *link = &bag[0].right;

    while (*link && bag[*link].order > order) {
        bag[*link].n += 1;
        link = bag[*link].score < score ? &bag[*link].right : &bag[*link].left;
    }
    bag[slot] = (mid__bag_slot){ .score = score, .order = order, .n = 1 + bag[*link].n };
    split(bag, *link, score, &bag[slot].left, &bag[slot].right);
    *link = slot;
}

uint32_t mid__bag_take(mid__bag_slot *bag, double score)
{
    uint32_t *link = &bag[0].right, slot;

    while (bag[*link].score != score) {
        bag[*link].n -= 1;
        link = bag[*link].score < score ? &bag[*link].right : &bag[*link].left;
    }
    slot = *link;
    *link = join(bag, bag[slot].left, bag[slot].right);
    return slot;
}

double mid__bag_at(const mid__bag_slot *bag, uint32_t rank)
{
    uint32_t at = bag[0].right, n_low;

    while ((n_low = bag[bag[at].left].n) != rank)
        if (rank < n_low) {
            at = bag[at].left;
        } else {
            rank -= n_low + 1;
            at = bag[at].right;
        }
    return bag[at].score;
}

uint32_t mid__bag_below(const mid__bag_slot *bag, double score)
{
    uint32_t at = bag[0].right, n = 0;

    while (at)
        if (bag[at].score < score) {
            n += 1 + bag[bag[at].left].n;
            at = bag[at].right;
        } else {
            at = bag[at].left;
        }
    return n;
}

uint32_t mid__bag_above(const mid__bag_slot *bag, double score)
{
    uint32_t at = bag[0].right, n = 0;

    while (at)
        if (bag[at].score > score) {
            n += 1 + bag[bag[at].right].n;
            at = bag[at].left;
        } else {
            at = bag[at].right;
        }
    return n;
}
