/* Rules: when a running score becomes an alarm, and the promise that goes with it.
 * The extreme of an answer is the largest score it reached; "alarm at some token" <=> extreme >= threshold. */
#ifndef MIDSTREAM_RULE_H
#define MIDSTREAM_RULE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mid_rule {
    const char *name;               /* registry name, static */
    double threshold;               /* alarm when score >= threshold; +INFINITY: never */
    double alpha;                   /* promised false-alarm rate; NaN: no promise */
    size_t n_safe, n_unsafe;        /* calibration prompts behind it */
    bool feasible;                  /* false: no threshold keeps the promise with so few answers */
    char promise[160];              /* the promise, or why there is none, in words */
} mid_rule;

typedef struct mid_rule_info {
    const char *name, *summary, *source;
    const mid_param *params;        /* ends with name NULL; NULL: none */
} mid_rule_info;
/** Registry, alphabetical, ends with name NULL. Static. */
MID_API const mid_rule_info *mid_rule_list(void);

/**
 * Choose a threshold on calibration answers that were used for nothing else.
 * @param extreme (n) largest score of each answer. @param label (n). @param group (n) prompt groups: a promise counts
 *        prompts, so the largest extreme of a group's safe answers stands for the group. @param params NULL: defaults
 * @param[out] rule  feasible false (with MID_OK) when no threshold keeps the promise
 *         (a parameter that cannot be kept, such as an alpha of 0, is an error); untouched on error
 * @return MID_ENOTFOUND no such rule; MID_EINVAL an unknown parameter, a value outside its range, or a label other than
 *         0 or 1; MID_EUNDEFINED without both classes where the rule needs them; MID_ENUMERIC on NaN; MID_ELIMIT above
 *         2^31 - 1 answers; MID_ENOMEM
 */
MID_API mid_status mid_rule_fit(mid_ctx *ctx, const char *name, const mid_param *params, const double *extreme,
                                const uint8_t *label, const uint32_t *group, size_t n, mid_rule *rule);
/** First index with score[i] >= rule->threshold, or n. @param score (n). */
MID_API size_t mid_rule_alarm(const mid_rule *rule, const double *score, size_t n);

#ifdef __cplusplus
}
#endif
#endif
