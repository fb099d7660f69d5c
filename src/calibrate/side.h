/* Sides: the calibration extremes of one class, sorted, each with the loss it stands for. A threshold cuts a side in
 * two, and the loss on the wrong half is what a bound looks at. */
#ifndef MID_CALIBRATE_SIDE_H
#define MID_CALIBRATE_SIDE_H

#include "calibrate/bound.h"
#include "midstream/rule.h"

/* Calibration answers, checked: no NaN, labels 0 or 1. */
typedef struct mid__rule_set {
    const mid_rule_set *given;
    const double *extreme;          /* (n) given->extreme, or what a rule makes of the scores */
    const uint32_t *number;         /* (n) prompts, numbered from 0 */
    size_t n_prompt, n_safe, n_unsafe;  /* prompts in all, with safe answers, with unsafe answers */
} mid__rule_set;

typedef struct mid__side {
    double *at;                     /* (n) rising */
    double *before;                 /* (n + 1) loss of those before; NULL: every one stands for 1 */
    size_t n, n_prompt;
} mid__side;

/* Sort rising, -0 before 0; no NaN. carry (n) moves along, or NULL. In time n, for any n. */
mid_status mid__rise(mid_ctx *ctx, double *value, uint32_t *carry, size_t n);
/* Prompts numbered from 0 in the order of their group numbers. MID_ENOMEM. */
mid_status mid__prompt_number(mid_ctx *ctx, const uint32_t *group, size_t n, uint32_t *number, size_t *n_prompt);

/* by_answer false: of each prompt the largest extreme of its safe answers (label 0), the smallest of its unsafe
 * ones, with a loss of 1. true: every answer, with its share of its prompt's answers of that class. */
mid_status mid__side_open(mid_ctx *ctx, const mid__rule_set *set, uint8_t label, bool by_answer, mid__side *out);
void mid__side_clear(mid__side *side);

/* Loss of those at or above the threshold, or below it. */
double mid__side_from(const mid__side *side, double threshold);
double mid__side_under(const mid__side *side, double threshold);
/* Lowest threshold that keeps the rate of alarms on a safe side, +INFINITY included. false: none does. */
bool mid__side_lowest(const mid__side *safe, const mid__bound *bound, double rate, double *threshold);
/* Highest threshold that keeps the rate of misses on an unsafe side, finite. false: none does, but to alarm always. */
bool mid__side_highest(const mid__side *unsafe, const mid__bound *bound, double rate, double *threshold);

#endif
