#include "aggregates.h"

TEST(agg_mean, golden)
{
    const double score[] = { 1, 3, 2, -6 }, want[] = { 1, 2, 2, 0 };

    check_aggregate("mean", score, want, 4, 0);
}
