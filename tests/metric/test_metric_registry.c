/* The list of metrics: alphabetical, complete, and every figure of a ranking or a decision is in it. */
#include "test.h"

TEST(metric_registry, in_order_and_described)
{
    const mid_metric_info *m = mid_metric_list();
    size_t i, i_auroc = 0;

    for (i = 0; m[i].name; i++) {
        CHECK(i == 0 || strcmp(m[i - 1].name, m[i].name) < 0);
        CHECK(m[i].summary && m[i].source && m[i].unit);
        if (strcmp(m[i].name, "auroc") == 0)
            i_auroc = i;
    }
    CHECK_INT(i, 42);
    CHECK(i_auroc && m[i_auroc].higher_is_better && !m[0].higher_is_better);
}
