#include "aggregates.h"

TEST(agg_last, golden)
{
    const double score[] = { 3, -1, 2.5 };

    check_aggregate("last", score, score, 3, 0);
    check_refused("last(3)", "last takes no number");
}
