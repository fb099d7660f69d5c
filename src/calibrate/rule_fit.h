/* What a rule's fit gets and gives; one function per rule, named in rule_registry.c. */
#ifndef MID_CALIBRATE_RULE_FIT_H
#define MID_CALIBRATE_RULE_FIT_H

#include "midstream/rule.h"

/* Calibration answers, checked: no NaN, labels 0 or 1. */
typedef struct mid__rule_set {
    const double *extreme;          /* (n) */
    const uint8_t *label;           /* (n) */
    size_t n;
    double *safe_extreme;           /* (n_safe) rising: for each prompt with safe answers their largest extreme */
    size_t n_safe, n_unsafe;        /* prompts with safe answers, with unsafe answers */
} mid__rule_set;

/* Set threshold, alpha, feasible and promise; name and the counts are set already.
 * @param params as in the registry, with what the caller overrides */
typedef mid_status (*mid__rule_fit_fn)(mid_ctx *ctx, const mid_param *params, const mid__rule_set *set, mid_rule *rule);

mid_status mid__fit_best_f1(mid_ctx *ctx, const mid_param *params, const mid__rule_set *set, mid_rule *rule);
mid_status mid__fit_conformal(mid_ctx *ctx, const mid_param *params, const mid__rule_set *set, mid_rule *rule);

extern const mid_param mid__conformal_params[];

#endif
