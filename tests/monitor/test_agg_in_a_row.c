#include "aggregates.h"

/* n = 2, unasked: the smaller of the last two. */
TEST(agg_in_a_row, golden)
{
    const double score[] = { 1, 3, 2, 5, 0 }, want[] = { -INFINITY, 1, 2, 2, 0 };
    const double three[] = { -INFINITY, -INFINITY, 1, 2, 0 };

    check_aggregate("in_a_row", score, want, 5, 0);
    check_aggregate("in_a_row(3)", score, three, 5, 0);
    check_aggregate("in_a_row(1)", score, score, 5, 0);
}

/* The point of it: reached at a threshold exactly when a counter of scores in a row at that threshold gets to n. */
TEST(agg_in_a_row, is_a_counter_without_its_threshold)
{
    const double score[] = { .2, .7, .9, .6, .1, .8, .8, .9 };
    const double threshold = .6;
    aggregated a;
    int n_in_a_row = 0;
    size_t i;

    aggregated_open(&a, "in_a_row(3)", NULL);
    for (i = 0; i < 8; i++) {
        n_in_a_row = score[i] >= threshold ? n_in_a_row + 1 : 0;
        CHECK((aggregated_push(&a, score[i]) >= threshold) == (n_in_a_row >= 3));
    }
    aggregated_close(&a);
}
