#include "aggregates.h"

TEST(agg_max, golden)
{
    const double score[] = { 1, 3, 2 }, want[] = { 1, 3, 3 };
    const double low[] = { -5, -7, -4 }, low_want[] = { -5, -5, -4 };   /* 0 is not a score it has seen */

    check_aggregate("max", score, want, 3, 0);
    check_aggregate("max", low, low_want, 3, 0);
}
