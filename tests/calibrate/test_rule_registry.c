/* The list of rules, and finding one. */
#include "test.h"

TEST(rule_registry, in_order_and_described)
{
    const mid_rule_info *r = mid_rule_list();
    size_t i;

    for (i = 0; r[i].name; i++) {
        CHECK(i == 0 || strcmp(r[i - 1].name, r[i].name) < 0);
        CHECK(r[i].summary && r[i].source);
    }
    CHECK_INT(i, 9);
    CHECK_TEXT(r[1].params[0].name, "alpha");
    CHECK_NEAR(r[1].params[0].number, 0.05, 0);
}

TEST(rule_registry, no_such_rule)
{
    const mid_rule_set set = { 0 };
    mid_rule rule = { .threshold = 42 };
    size_t n_safe = 42, n_unsafe = 42;

    CHECK_FAILS(mid_rule_fit(test_ctx(), "best_f2", NULL, &set, &rule), MID_ENOTFOUND);
    CHECK_SAYS("'best_f2'");
    CHECK_NEAR(rule.threshold, 42, 0);
    CHECK_FAILS(mid_rule_needs(test_ctx(), "best_f2", NULL, &n_safe, &n_unsafe), MID_ENOTFOUND);
    CHECK_INT(n_safe + n_unsafe, 84);
}
