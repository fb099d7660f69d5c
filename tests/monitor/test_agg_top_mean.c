#include "aggregates.h"

/* k = 2: 1; 1 3; 3 2; 5 3; and 0 changes nothing. */
TEST(agg_top_mean, golden)
{
    const double score[] = { 1, 3, 2, 5, 0 }, want[] = { 1, 2, 2.5, 4, 4 };
    const double same[] = { 2, 2, 2, 1 };

    check_aggregate("top_mean(2)", score, want, 5, 0);
    check_aggregate("top_mean(2)", same, (const double[]){ 2, 2, 2, 2 }, 4, 0);
    check_aggregate("top_mean(1)", score, (const double[]){ 1, 3, 3, 5, 5 }, 5, 0);
}
