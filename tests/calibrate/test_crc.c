/* Conformal risk control of false alarms and misses, by hand. */
#include "calibrate/calibration.h"

static const double one_to_nine[] = { 5, 3, 9, 1, 7, 2, 8, 4, 6 };
static const uint8_t safe[CALIBRATION_MAX], unsafe[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };

/* floor(.2 * 10) - 1 = 1 alarm is allowed, as for split conformal. */
TEST(crc, false_alarm)
{
    const mid_rule rule = fit_rule("crc", PARAMS(P("false_alarm", 0.2)), one_to_nine, safe, 9);

    CHECK(rule.threshold == above(8) && rule.lowest == rule.threshold && rule.highest == INFINITY);
    CHECK(rule.feasible && rule.kind == MID_PROMISE_MEAN && isnan(rule.miss) && isnan(rule.confidence));
}

/* j = floor(.3 * 10) = 3: alarm at >= m_(3), so two are missed and (2 + 1) / 10 <= .3. */
TEST(crc, miss)
{
    mid_rule rule = fit_rule("crc", PARAMS(P("miss", 0.3)), one_to_nine, unsafe, 9);

    CHECK(rule.threshold == 3 && rule.highest == 3 && rule.lowest == -INFINITY);
    CHECK_TEXT(rule.promise, "at most 30 % of new unsafe prompts raise none, on average over calibration draws (n = 9 "
                             "unsafe prompts)");
    CHECK_NEAR(fit_rule("crc", PARAMS(P("miss", 0.1)), one_to_nine, unsafe, 9).threshold, 1, 0);
    rule = fit_rule("crc", PARAMS(P("miss", 0.09)), one_to_nine, unsafe, 9);
    CHECK(!rule.feasible && rule.threshold == INFINITY);
    CHECK_NEAR(rule.nearest_miss, 0.1, 0);
    CHECK_TEXT(rule.promise, "none, never alarms: at most 9 % misses needs 11 unsafe prompts, the calibration set has "
                             "9; nearest: at most 10 % misses");
}

/* A prompt is caught if all its unsafe answers are: its smallest extreme stands for it. */
TEST(crc, a_prompt_is_its_smallest_unsafe_extreme)
{
    static const double extreme[] = { 7, 1, 4, 9 };
    static const uint8_t label[] = { 1, 1, 1, 0 };
    static const uint32_t group[] = { 3, 3, 8, 8 };
    const mid_rule_set set = { .n = 4, .extreme = extreme, .label = label, .group = group };
    const mid_rule rule = fit_set("crc", PARAMS(P("miss", 0.4)), &set);

    CHECK_INT(rule.n_unsafe, 2);
    CHECK_NEAR(rule.threshold, 1, 0);                   /* 1 of 7 and 1; 4: floor(.4 * 3) = 1 */
}

/* Safe 1 .. 5: two may alarm, above 3. Unsafe 4 6 7 8: one may be missed, at 6. */
TEST(crc, both)
{
    static const double extreme[] = { 1, 2, 3, 4, 5, 4, 6, 7, 8 };
    static const uint8_t label[] = { 0, 0, 0, 0, 0, 1, 1, 1, 1 };
    const mid_rule rule = fit_rule("crc", PARAMS(P("false_alarm", 0.5), P("miss", 0.4)), extreme, label, 9);

    CHECK(rule.feasible && rule.lowest == above(3) && rule.highest == 6 && rule.threshold == above(3));
    CHECK_TEXT(rule.promise, "at most 50 % of new safe prompts raise an alarm, and at most 40 % of new unsafe prompts "
                             "raise none, on average over calibration draws (n = 5 safe, 4 unsafe prompts; a draw "
                             "without such a threshold counts as kept); thresholds above 3 up to 6 keep both, this is "
                             "the lowest");
}

/* Lines that differ in the eighth digit only are named with it: "above 1" would be another line. */
TEST(crc, lines_are_named_in_full)
{
    static const double extreme[] = { 1, 1.0000002, 1.0000003, 1.0000004 };
    static const uint8_t label[] = { 0, 0, 1, 1 };
    const mid_rule rule = fit_rule("crc", PARAMS(P("false_alarm", 0.4), P("miss", 0.4)), extreme, label, 4);

    CHECK(rule.lowest == above(1.0000002) && rule.highest == 1.0000003);
    CHECK(strstr(rule.promise, "thresholds above 1.0000002 up to 1.0000003 keep both"));
}

/* 18 safe prompts keep 1 / 19 = .0526315..., so .052632 as well, though the least rate with four digits is .05264. */
TEST(crc, a_rate_of_many_digits_lacks_nothing)
{
    static const double extreme[20];
    static const uint8_t label[20] = { 1, 1 };
    const mid_rule rule = fit_rule("crc", PARAMS(P("false_alarm", 0.052632), P("miss", 0.1)), extreme, label, 20);

    CHECK(!rule.feasible);
    CHECK_TEXT(rule.promise, "none, never alarms: at most 10 % misses needs 9 unsafe prompts, the calibration set has 2");
}

/* No safe prompt may alarm, above 9; one unsafe may be missed, at 4. Above 3 gives (1 + 1) / 5 twice, factors 2 and
 * 1; above 2 factors 3 and 1; above 9 misses all. */
TEST(crc, clash)
{
    static const double extreme[] = { 1, 2, 3, 9, 0, 4, 5, 6 };
    static const uint8_t label[] = { 0, 0, 0, 0, 1, 1, 1, 1 };
    const mid_rule rule = fit_rule("crc", PARAMS(P("false_alarm", 0.2), P("miss", 0.4)), extreme, label, 8);

    CHECK(!rule.feasible && rule.threshold == INFINITY);
    CHECK_NEAR(rule.nearest_false_alarm, 0.4, 0);
    CHECK_NEAR(rule.nearest_miss, 0.4, 0);
    CHECK_TEXT(rule.promise, "none, never alarms: no threshold keeps at most 20 % false alarms and at most 40 % misses "
                             "on 4 safe and 4 unsafe prompts; nearest: at most 40 % false alarms and at most 40 % "
                             "misses");
}

TEST(crc, both_lack_prompts)
{
    static const double extreme[] = { 1, 2 };
    static const uint8_t label[] = { 0, 1 };
    const mid_rule rule = fit_rule("crc", PARAMS(P("false_alarm", 0.1), P("miss", 0.2)), extreme, label, 2);

    CHECK_TEXT(rule.promise, "none, never alarms: at most 10 % false alarms needs 9 safe prompts, the calibration set "
                             "has 1; at most 20 % misses needs 4 unsafe prompts, the calibration set has 1; nearest: "
                             "at most 50 % false alarms and at most 50 % misses");
}

/* Answers that never had a score cannot be caught. */
TEST(crc, silent_unsafe_answers)
{
    static const double extreme[] = { -INFINITY, -INFINITY, 3, 4 };
    mid_rule rule = fit_rule("crc", PARAMS(P("miss", 0.3)), extreme, unsafe, 4);

    CHECK(!rule.feasible);
    CHECK_TEXT(rule.promise, "none, never alarms: at most 30 % misses cannot be: answers to 2 of 4 unsafe prompts "
                             "never had a score; nearest: at most 60 % misses");
    rule = fit_rule("crc", PARAMS(P("miss", 0.6)), extreme, unsafe, 4);
    CHECK(rule.feasible && rule.threshold == 3);
}

TEST(crc, nothing_asked_for_is_a_false_alarm_of_5_percent)
{
    const mid_rule rule = fit_rule("crc", NULL, one_to_nine, safe, 9);

    CHECK(!rule.feasible && rule.false_alarm == 0.05 && isnan(rule.miss));
    CHECK_NEAR(rule.nearest_false_alarm, 0.1, 0);
}
