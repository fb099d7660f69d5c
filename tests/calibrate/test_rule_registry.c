/* The list of rules, finding one, and the alarm. */
#include "test.h"

TEST(rule_registry, in_order_and_described)
{
    const mid_rule_info *r = mid_rule_list();
    size_t i;

    for (i = 0; r[i].name; i++) {
        CHECK(i == 0 || strcmp(r[i - 1].name, r[i].name) < 0);
        CHECK(r[i].summary && r[i].source);
    }
    CHECK_INT(i, 2);
    CHECK_TEXT(r[1].params[0].name, "alpha");
    CHECK_NEAR(r[1].params[0].number, 0.05, 0);
}

TEST(rule_registry, no_such_rule)
{
    mid_rule rule = { .threshold = 42 };

    CHECK_FAILS(mid_rule_fit(test_ctx(), "best_f2", NULL, NULL, NULL, NULL, 0, &rule), MID_ENOTFOUND);
    CHECK_SAYS("'best_f2'");
    CHECK_NEAR(rule.threshold, 42, 0);
}

TEST(rule_registry, alarm)
{
    static const double score[] = { 0.1, NAN, 0.5, 0.9, INFINITY };
    mid_rule rule = { .threshold = 0.5 };

    CHECK_INT(mid_rule_alarm(&rule, score, 5), 2);      /* equal is enough; a missing score is no alarm */
    CHECK_INT(mid_rule_alarm(&rule, score, 2), 2);
    CHECK_INT(mid_rule_alarm(&rule, score, 0), 0);
    rule.threshold = INFINITY;
    CHECK_INT(mid_rule_alarm(&rule, score, 5), 5);
    rule.threshold = -INFINITY;
    CHECK_INT(mid_rule_alarm(&rule, score, 5), 0);
}
