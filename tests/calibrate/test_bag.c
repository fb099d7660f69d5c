/* The bag against counting a plain list. */
#include "test.h"

#include "base/rng.h"
#include "calibrate/bag.h"

TEST(bag, golden)
{
    static const double score[] = { 3, 1, 2, 2, INFINITY, -INFINITY };
    mid__bag_slot bag[7] = { { 0 } };
    uint32_t i;

    CHECK_INT(mid__bag_n(bag), 0);
    CHECK_INT(mid__bag_below(bag, 1), 0);
    for (i = 0; i < 6; i++)
        mid__bag_add(bag, i + 1, score[i], 100 * i % 7);
    CHECK_INT(mid__bag_n(bag), 6);
    CHECK_INT(mid__bag_below(bag, 2), 2);
    CHECK_INT(mid__bag_above(bag, 2), 2);
    CHECK_INT(mid__bag_above(bag, 2.5), 2);
    CHECK_INT(mid__bag_below(bag, INFINITY), 5);
    CHECK_INT(mid__bag_above(bag, -INFINITY), 5);
    CHECK(mid__bag_at(bag, 0) == -INFINITY && mid__bag_at(bag, 5) == INFINITY);
    CHECK(mid__bag_at(bag, 1) == 1 && mid__bag_at(bag, 2) == 2 && mid__bag_at(bag, 3) == 2 && mid__bag_at(bag, 4) == 3);
    i = mid__bag_take(bag, 2);
    CHECK(i == 3 || i == 4);                                    /* one of the two */
    CHECK_INT(mid__bag_n(bag), 5);
    CHECK_INT(mid__bag_below(bag, 3), 3);
    CHECK_INT(mid__bag_take(bag, INFINITY), 5);
    CHECK_INT(mid__bag_above(bag, 3), 0);
}

/* Deepest slot, checking order, heap and counts on the way. */
static uint32_t depth(const mid__bag_slot *bag, uint32_t at, double lo, double hi)
{
    const mid__bag_slot *s = &bag[at];
    uint32_t left, right;

    if (at == 0)
        return 0;
    CHECK(s->score >= lo && s->score <= hi);
    CHECK(s->n == 1 + bag[s->left].n + bag[s->right].n);
    CHECK((!s->left || bag[s->left].order <= s->order) && (!s->right || bag[s->right].order <= s->order));
    left = depth(bag, s->left, lo, s->score);
    right = depth(bag, s->right, s->score, hi);
    return 1 + (left > right ? left : right);
}

/* Random adds and takes over few values (ties) and many, in rising order too: counts are right, depth stays small. */
TEST(bag, like_a_list)
{
    enum { ROOM = 300, STEP = 4000, SEED = 77 };
    static const uint32_t n_value[] = { 1, 3, 50, 1u << 30 };
    static mid__bag_slot bag[ROOM + 1];
    static double list[ROOM];
    mid__rng rng;
    size_t v;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (v = 0; v < sizeof n_value / sizeof n_value[0]; v++) {
        uint32_t n = 0, step, i, below, above;
        memset(bag, 0, sizeof bag);
        for (step = 0; step < STEP; step++) {
            const double score = step < 200 ? step : mid__rng_below(&rng, n_value[v]);      /* rising to begin with */
            uint32_t slot = n + 1;
            if (n == ROOM || (n && mid__rng_below(&rng, 3) == 0)) {
                i = mid__rng_below(&rng, n);
                slot = mid__bag_take(bag, list[i]);
                list[i] = score;
            } else {
                list[n++] = score;
            }
            mid__bag_add(bag, slot, score, (uint32_t)(mid__rng_u64(&rng) >> 32));
            for (i = below = above = 0; i < n; i++) {
                below += list[i] < score;
                above += list[i] > score;
            }
            CHECK_INT(mid__bag_n(bag), n);
            CHECK_INT(mid__bag_below(bag, score), below);
            CHECK_INT(mid__bag_above(bag, score), above);
            CHECK(depth(bag, bag[0].right, -1, 1e12) < 40);
        }
    }
}
