#include "aggregates.h"

/* w = 2: means of 1; 1 3; 3 2; 2 7. */
TEST(agg_window, golden)
{
    const double score[] = { 1, 3, 2, 7 }, want[] = { 1, 2, 2.5, 4.5 };

    check_aggregate("window(2)", score, want, 4, 0);
    check_aggregate("window(1)", score, score, 4, 0);
    check_refused("window(0)", "w is 0; it must be from 1 to 256");
    check_refused("window(257)", "w is 257; it must be from 1 to 256");
    check_refused("window(2.5)", "w is 2.5; it must be a whole number");
}

/* A score that has left the window leaves nothing behind, however large it was. */
TEST(agg_window, forgets_exactly)
{
    const double score[] = { 1e300, 0.1, 0.2, 0.3 };
    aggregated a;
    size_t i;

    aggregated_open(&a, "window(3)", NULL);
    for (i = 0; i < 3; i++)
        aggregated_push(&a, score[i]);
    CHECK_NEAR(aggregated_push(&a, score[3]), 0.2, 1e-15);
    aggregated_close(&a);
}
