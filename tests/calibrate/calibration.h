/* Calibration sets for tests. */
#ifndef MID_TEST_CALIBRATION_H
#define MID_TEST_CALIBRATION_H

#include "test.h"

/* PARAMS(P("alpha", .1), P(...)): a list with its end. */
#define P(name, value) { name, value, NULL, NULL }
#define PARAMS(...) (const mid_param[]){ __VA_ARGS__, P(NULL, 0) }

enum { CALIBRATION_MAX = 1000 };

/* Answers, each to a prompt of its own. Good until the next call. */
static inline mid_rule_set set_of(const double *extreme, const uint8_t *label, size_t n)
{
    static uint32_t group[CALIBRATION_MAX];
    size_t i;

    CHECK(n <= CALIBRATION_MAX);
    for (i = 0; i < n; i++)
        group[i] = (uint32_t)i;
    return (mid_rule_set){ .n = n, .extreme = extreme, .label = label, .group = group };
}

static inline mid_rule fit_set(const char *name, const mid_param *params, const mid_rule_set *set)
{
    mid_rule rule;

    CHECK_OK(mid_rule_fit(test_ctx(), name, params, set, &rule));
    CHECK(strlen(rule.promise) < sizeof rule.promise - 1);      /* and none of it was cut off */
    return rule;
}

static inline mid_rule fit_rule(const char *name, const mid_param *params, const double *extreme, const uint8_t *label,
                                size_t n)
{
    const mid_rule_set set = set_of(extreme, label, n);

    return fit_set(name, params, &set);
}

/* The next double: "strictly above". */
static inline double above(double x) { return nextafter(x, INFINITY); }

#endif
