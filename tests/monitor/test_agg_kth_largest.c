#include "aggregates.h"

TEST(agg_kth_largest, golden)
{
    const double score[] = { 1, 3, 2, 5, 0 }, want[] = { -INFINITY, 1, 2, 3, 3 };

    check_aggregate("kth_largest(2)", score, want, 5, 0);
    check_aggregate("kth_largest(1)", score, (const double[]){ 1, 3, 3, 5, 5 }, 5, 0);
}

/* Reached at a threshold exactly when k scores did reach it. */
TEST(agg_kth_largest, is_a_count_without_its_threshold)
{
    const double score[] = { .2, .7, .1, .6, .1, .8, .6, .9 };
    const double threshold = .6;
    aggregated a;
    int n_reached = 0;
    size_t i;

    aggregated_open(&a, "kth_largest", NULL);               /* k = 3 */
    for (i = 0; i < 8; i++) {
        n_reached += score[i] >= threshold;
        CHECK((aggregated_push(&a, score[i]) >= threshold) == (n_reached >= 3));
    }
    aggregated_close(&a);
}
