#include "aggregates.h"

/* beta = 1/2: 4, then half of the old and half of the new. */
TEST(agg_ema, golden)
{
    const double score[] = { 4, 0, 2, -6 }, want[] = { 4, 2, 2, -2 };
    const double step[] = { 0, 1, 1 }, slow[] = { 0, 0.1, 0.19 };       /* .9 * .1 + .1 */

    check_aggregate("ema(0.5)", score, want, 4, 0);
    check_aggregate("ema(0)", score, score, 4, 0);
    check_aggregate("ema", step, slow, 3, 1e-15);
    check_refused("ema(1)", "beta is 1; it must be from 0 to 0.9999");
    check_refused("ema(-0.1)", "beta is -0.1; it must be from 0 to 0.9999");
}
