/* Quantiles and group numbers. Quantiles by hand: place h = (n - 1) p, linear between neighbours. */
#include "test.h"

#include "metric/order.h"

TEST(order, quantile_golden)
{
    double v[] = { 4, 1, 3, 2 }, one[] = { 7 }, inf[] = { INFINITY, INFINITY, 0 };

    CHECK_NEAR(mid_quantile(v, 4, 0.5), 2.5, 0);            /* h = 1.5 */
    CHECK_NEAR(v[0], 1, 0);                                 /* sorted in place */
    CHECK_NEAR(mid_quantile(v, 4, 0.025), 1.075, 1e-15);    /* h = .075 */
    CHECK_NEAR(mid_quantile(v, 4, 0), 1, 0);
    CHECK_NEAR(mid_quantile(v, 4, 1), 4, 0);
    CHECK_NEAR(mid_quantile(one, 1, 0.3), 7, 0);
    CHECK(isinf(mid_quantile(inf, 3, 0.75)));               /* between two infinities, not NaN */
}

TEST(order, quantile_of_nothing)
{
    double v[] = { 1 };

    CHECK(isnan(mid_quantile(v, 0, 0.5)));
    CHECK(isnan(mid_quantile(v, 1, 1.5)));
    CHECK(isnan(mid_quantile(v, 1, NAN)));
}

TEST(order, group_number)
{
    uint32_t group[] = { 900, 4294967295u, 900, 0, 7 };
    static const uint32_t want[] = { 2, 3, 2, 0, 1 };
    size_t n_group = 99, i;

    CHECK_OK(mid__group_number(test_ctx(), group, 5, &n_group));
    CHECK_INT(n_group, 4);
    for (i = 0; i < 5; i++)
        CHECK_INT(group[i], want[i]);
    CHECK_OK(mid__group_number(test_ctx(), group, 0, &n_group));
    CHECK_INT(n_group, 0);
}
