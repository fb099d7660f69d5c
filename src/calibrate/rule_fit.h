/* What a rule's fit gets and gives, and what the rules share; one file per rule, named in rule_registry.c. */
#ifndef MID_CALIBRATE_RULE_FIT_H
#define MID_CALIBRATE_RULE_FIT_H

#include "calibrate/side.h"
#include "midstream/rule.h"

/* What the parameters ask for. */
typedef struct mid__ask {
    double false_alarm, miss;       /* rates that calibration is to keep; NaN: not asked for */
    mid__bound bound;               /* of each: the confidence is shared already */
    double confidence, joint;       /* of all statements together, and how many there are */
    bool by_answer;                 /* a prompt's loss is its share of answers, not whether any of them is wrong */
    size_t least;                   /* prompts of each class without which the rule is undefined */
} mid__ask;

/* A rule's two functions. params are complete: the caller's numbers in place of the defaults.
 *  - ask: check them and say what they ask for; *ask arrives as one that asks for nothing.
 *  - fit: fill in the rule, which arrives with its counts, never alarming and promising nothing. */
typedef mid_status mid__ask_fn(mid_ctx *ctx, const mid_param *params, mid__ask *ask);
typedef mid_status mid__fit_fn(mid_ctx *ctx, const mid_param *params, const mid__ask *ask, const mid__rule_set *set,
                               mid_rule *rule);

mid__ask_fn mid__ask_best_f1, mid__ask_conformal, mid__ask_cost_optimal, mid__ask_crc, mid__ask_e_process,
    mid__ask_high_probability, mid__ask_hoeffding_bentkus, mid__ask_sprt, mid__ask_three_way;
mid__fit_fn mid__fit_best_f1, mid__fit_cost_optimal, mid__fit_e_process, mid__fit_sprt, mid__fit_three_way;
extern const mid_param mid__conformal_params[], mid__cost_optimal_params[], mid__crc_params[], mid__e_process_params[],
    mid__high_probability_params[], mid__hoeffding_bentkus_params[], mid__sprt_params[], mid__three_way_params[];

/* What a rule by name is asked for; fails as mid_rule_fit() does on parameters. */
mid_status mid__rule_ask(mid_ctx *ctx, const char *name, const mid_param *params, mid__ask *ask);
double mid__rule_param(const mid_param *params, const char *name);
/* MID_EINVAL unless it is above 0 and below 1; NaN (not asked for) passes. */
mid_status mid__rule_share(mid_ctx *ctx, const mid_param *params, const char *name, double *share);
/* false_alarm and miss; confidence and joint unless the method is MID__MEAN. Two rates share what may be wrong. */
mid_status mid__ask_rates(mid_ctx *ctx, const mid_param *params, mid__method method, mid__ask *ask);
/* A false alarm of .05 if nothing is asked for, so that the rule's bare name means something. */
void mid__ask_default(mid__ask *ask);

/* The fit of rules that keep what is asked for: of the thresholds that do, the lowest, which catches most; the
 * highest, which disturbs least, if only misses are promised. */
mid__fit_fn mid__fit_rates;
/* What that stands on: sets thresholds, promise and words, or why it is infeasible; from the set, or from its sides. */
mid_status mid__keep_rates(mid_ctx *ctx, const mid__ask *ask, const mid__rule_set *set, mid_rule *rule);
void mid__promise_rates(const mid__ask *ask, const mid__side *safe, const mid__side *unsafe, mid_rule *rule);
/* Append to a rule's words. */
void mid__promise_say(mid_rule *rule, const char *fmt, ...) MID_PRINTF(2, 3);

#endif
