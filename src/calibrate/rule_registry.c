/* The rules, and what they share: parameters, checking the calibration answers, numbering their prompts. A new rule
 * is its file, its functions in rule_fit.h, a line here and a test. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/rule_fit.h"

#include "base/ctx.h"

/* name, fit, does it read scores, parameters, summary, source */
#define RULES(X)                                                                                                       \
    X(best_f1, mid__fit_best_f1, false, NULL,                                                                          \
      "the threshold with the highest F1 on the calibration answers; promises nothing", "standard")                    \
    X(conformal, mid__fit_rates, false, mid__conformal_params,                                                         \
      "false alarms of new safe prompts at most alpha, on average over calibrations",                                  \
      "Papadopoulos et al. 2002; Vovk, Gammerman & Shafer 2005")                                                       \
    X(cost_optimal, mid__fit_cost_optimal, true, mid__cost_optimal_params,                                             \
      "the least declared cost on the calibration answers, among certified thresholds if rates are given", "standard") \
    X(crc, mid__fit_rates, false, mid__crc_params,                                                                     \
      "false alarms and misses at most so many, on average over calibrations",                                         \
      "conformal risk control, Angelopoulos et al. 2022 (arXiv 2208.02814)")                                           \
    X(e_process, mid__fit_e_process, false, mid__e_process_params,                                                     \
      "alarm when evidence reaches 1 / false_alarm: for exact likelihood ratios, at any length",                       \
      "Ville 1939; Ramdas et al. 2023 (arXiv 2210.01948)")                                                             \
    X(high_probability, mid__fit_rates, false, mid__high_probability_params,                                           \
      "false alarms and misses at most so many, with confidence",                                                      \
      "binomial tail, Clopper & Pearson 1934; Learn then Test, Angelopoulos et al. 2021 (arXiv 2110.01052)")           \
    X(hoeffding_bentkus, mid__fit_rates, false, mid__hoeffding_bentkus_params,                                         \
      "as high_probability, where a prompt's loss is its share of wrong answers",                                      \
      "Bates et al. 2021 (arXiv 2101.02703)")                                                                          \
    X(sprt, mid__fit_sprt, true, mid__sprt_params,                                                                     \
      "two lines for a log-likelihood walk: stop above, cleared below and begin again", "Wald 1945")                   \
    X(three_way, mid__fit_three_way, false, mid__three_way_params,                                                     \
      "allow, hold or stop: one line for false alarms, one for misses, with confidence",                               \
      "two binomial tails as in high_probability; Geifman & El-Yaniv 2017 (arXiv 1705.08500)")

static const mid_rule_info rules[] = {
#define X(name, fit, reads, params, summary, source) { #name, summary, source, params, reads },
    RULES(X)
#undef X
    { NULL, NULL, NULL, NULL, false }
};

static const struct { mid__ask_fn *ask; mid__fit_fn *fit; } does[] = {
#define X(name, fit, reads, params, summary, source) { mid__ask_##name, fit },
    RULES(X)
#undef X
};

enum { PARAM_MAX = 12 };

const mid_rule_info *mid_rule_list(void) { return rules; }

static mid_status find(mid_ctx *ctx, const char *name, size_t *i)
{
    for (*i = 0; rules[*i].name; ++*i)
        if (strcmp(rules[*i].name, name) == 0)
            return MID_OK;
    return mid__fail(ctx, MID_ENOTFOUND, "no rule '%s'", name);
}

static bool given_twice(const mid_param *given, const mid_param *p)
{
    for (; given < p; given++)
        if (strcmp(given->name, p->name) == 0)
            return true;
    return false;
}

/* The rule's parameters with the caller's numbers in place of the defaults. */
static mid_status set_params(mid_ctx *ctx, const mid_rule_info *info, const mid_param *given, mid_param *params)
{
    const mid_param *g;
    size_t n = 0, i;

    for (; info->params && info->params[n].name; n++)
        params[n] = info->params[n];
    params[n] = (mid_param){ .name = NULL };
    for (g = given; g && g->name; g++) {
        for (i = 0; i < n && strcmp(params[i].name, g->name) != 0; i++)
            ;
        if (i == n)
            return mid__fail(ctx, MID_EINVAL, "rule %s has no parameter '%s'", info->name, g->name);
        if (g->text)
            return mid__fail(ctx, MID_EINVAL, "rule %s: %s is '%s', want a number", info->name, g->name, g->text);
        if (given_twice(given, g))
            return mid__fail(ctx, MID_EINVAL, "rule %s: %s is given twice", info->name, g->name);
        params[i].number = g->number;
    }
    return MID_OK;
}

/* Which rule, its parameters in full, and what they ask for. */
static mid_status prepare(mid_ctx *ctx, const char *name, const mid_param *given, size_t *i, mid_param *params,
                          mid__ask *ask)
{
    mid_status status = find(ctx, name, i);

    *ask = (mid__ask){ .false_alarm = NAN, .miss = NAN, .confidence = NAN, .joint = 1 };
    if (status == MID_OK)
        status = set_params(ctx, &rules[*i], given, params);
    return status ? status : mid__within(ctx, does[*i].ask(ctx, params, ask), "%s", name);
}

static mid_status check(mid_ctx *ctx, const mid_rule_set *set)
{
    size_t i, t;

    if (set->n > INT32_MAX)
        return mid__fail(ctx, MID_ELIMIT, "%zu calibration answers, at most %d", set->n, INT32_MAX);
    for (i = 0; i < set->n; i++) {
        if (isnan(set->extreme[i]))
            return mid__fail(ctx, MID_ENUMERIC, "extreme %zu of %zu is not a number", i, set->n);
        if (set->label[i] > 1)
            return mid__fail(ctx, MID_EINVAL, "label %zu of %zu is %d, want 0 (safe) or 1 (unsafe)", i, set->n,
                             set->label[i]);
        for (t = 0; set->score && t < set->score[i].n; t++)
            if (isnan(set->score[i].score[t]))
                return mid__fail(ctx, MID_ENUMERIC, "score %zu of answer %zu is not a number", t, i);
    }
    return MID_OK;
}

/* Prompts with safe answers, with unsafe ones. */
static mid_status count_prompts(mid_ctx *ctx, mid__rule_set *set)
{
    bool (*has)[2] = calloc(set->n_prompt + 1, sizeof *has);
    size_t i;

    if (!has)
        return mid__oom(ctx, "calibration prompts");
    for (i = 0; i < set->given->n; i++)
        has[set->number[i]][set->given->label[i]] = true;
    for (i = 0; i < set->n_prompt; i++) {
        set->n_safe += has[i][0];
        set->n_unsafe += has[i][1];
    }
    free(has);
    return MID_OK;
}

/* The line lies above all scores: safe answers with infinite scores, or costs that no alarm is worth. */
static void never_alarms(mid_rule *rule)
{
    rule->feasible = false;
    rule->lowest = rule->highest = NAN;
    rule->promise[0] = 0;
    mid__promise_say(rule, "none, never alarms: no score is high enough for what was asked for");
}

mid_status mid_rule_fit(mid_ctx *ctx, const char *name, const mid_param *params, const mid_rule_set *given,
                        mid_rule *rule)
{
    mid__rule_set set = { .given = given, .extreme = given->extreme };
    uint32_t *number = NULL;
    mid_param full[PARAM_MAX];
    mid_rule fitted;
    mid__ask ask;
    size_t i;
    mid_status status = prepare(ctx, name, params, &i, full, &ask);

    if (status == MID_OK)
        status = check(ctx, given);
    if (status != MID_OK)
        return status;
    number = malloc((given->n + 1) * sizeof *number);
    if (!number)
        return mid__oom(ctx, "calibration prompts");
    set.number = number;
    status = mid__prompt_number(ctx, given->group, given->n, number, &set.n_prompt);
    if (status == MID_OK)
        status = count_prompts(ctx, &set);
    if (status == MID_OK && (set.n_safe < ask.least || set.n_unsafe < ask.least))
        status = mid__fail(ctx, MID_EUNDEFINED, "%s needs both classes: there are %zu safe and %zu unsafe prompts",
                           name, set.n_safe, set.n_unsafe);
    fitted = (mid_rule){ .name = rules[i].name, .threshold = INFINITY, .hold = INFINITY, .lowest = NAN, .highest = NAN,
                         .false_alarm = NAN, .miss = NAN, .confidence = NAN, .nearest_false_alarm = NAN,
                         .nearest_miss = NAN,
                         .n_safe = set.n_safe, .n_unsafe = set.n_unsafe, .max_tok = given->max_tok };
    if (status == MID_OK)
        status = does[i].fit(ctx, full, &ask, &set, &fitted);
    if (status == MID_OK && fitted.feasible && fitted.threshold == INFINITY && !fitted.can_hold)
        never_alarms(&fitted);
    if (status == MID_OK)
        *rule = fitted;
    free(number);
    return status;
}

mid_status mid__rule_ask(mid_ctx *ctx, const char *name, const mid_param *params, mid__ask *ask)
{
    mid_param full[PARAM_MAX];
    size_t i;

    return prepare(ctx, name, params, &i, full, ask);
}

mid_status mid_rule_needs(mid_ctx *ctx, const char *name, const mid_param *params, size_t *n_safe, size_t *n_unsafe)
{
    mid__ask ask;
    size_t need_safe, need_unsafe;
    mid_status status = mid__rule_ask(ctx, name, params, &ask);

    if (status != MID_OK)
        return status;
    need_safe = isnan(ask.false_alarm) ? 0 : mid__bound_needs(&ask.bound, ask.false_alarm);
    need_unsafe = isnan(ask.miss) ? 0 : mid__bound_needs(&ask.bound, ask.miss);
    *n_safe = need_safe > ask.least ? need_safe : ask.least;
    *n_unsafe = need_unsafe > ask.least ? need_unsafe : ask.least;
    return MID_OK;
}
