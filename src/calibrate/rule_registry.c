/* The rules, and what they share: checking the calibration answers and reducing them to prompts. A new rule is its
 * file, its function in rule_fit.h, a line here and a test. */
#include "calibrate/rule_fit.h"

#include "metric/order.h"

#include "base/ctx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RULES(X)                                                                                    \
    X(best_f1, "the threshold with the highest F1 on the calibration answers; promises nothing",    \
      "standard", NULL)                                                                             \
    X(conformal, "false alarms of new safe prompts at most alpha, on average over calibrations",    \
      "Papadopoulos et al. 2002; Vovk, Gammerman & Shafer 2005", mid__conformal_params)

static const mid_rule_info rules[] = {
#define X(name, summary, source, params) { #name, summary, source, params },
    RULES(X)
#undef X
    { NULL, NULL, NULL, NULL }
};

static const mid__rule_fit_fn fit_of[] = {
#define X(name, summary, source, params) mid__fit_##name,
    RULES(X)
#undef X
};

enum { PARAM_MAX = 4 };

const mid_rule_info *mid_rule_list(void) { return rules; }

/* The rule's parameters with the caller's numbers in place of the defaults. */
static mid_status set_params(mid_ctx *ctx, const mid_rule_info *info, const mid_param *given, mid_param *params)
{
    size_t n = 0, i;

    for (; info->params && info->params[n].name; n++)
        params[n] = info->params[n];
    for (; given && given->name; given++) {
        for (i = 0; i < n && strcmp(params[i].name, given->name) != 0; i++)
            ;
        if (i == n)
            return mid__fail(ctx, MID_EINVAL, "rule %s has no parameter '%s'", info->name, given->name);
        if (given->text)
            return mid__fail(ctx, MID_EINVAL, "rule %s: %s is '%s', want a number", info->name, given->name,
                             given->text);
        params[i].number = given->number;
    }
    return MID_OK;
}

static mid_status check(mid_ctx *ctx, const double *extreme, const uint8_t *label, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (isnan(extreme[i]))
            return mid__fail(ctx, MID_ENUMERIC, "extreme %zu of %zu is not a number", i, n);
        if (label[i] > 1)
            return mid__fail(ctx, MID_EINVAL, "label %zu of %zu is %d, want 0 (safe) or 1 (unsafe)", i, n, label[i]);
    }
    return MID_OK;
}

/* Answers to prompts: set->safe_extreme is written in the order of the groups, closed up and sorted. */
static mid_status reduce(mid_ctx *ctx, const uint32_t *group, mid__rule_set *set)
{
    uint32_t *number = malloc((set->n + 1) * sizeof *number);
    bool (*has)[2] = calloc(set->n + 1, sizeof *has);       /* (n_group, 2) safe, unsafe answers */
    size_t i, g, n_group;
    mid_status status = MID_OK;

    if (!number || !has) {
        status = mid__oom(ctx, "calibration prompts");
        goto out;
    }
    if (set->n > 0)
        memcpy(number, group, set->n * sizeof *number);
    status = mid__group_number(ctx, number, set->n, &n_group);
    if (status)
        goto out;
    for (i = 0; i < set->n; i++) {
        double *largest = &set->safe_extreme[number[i]];
        if (set->label[i] == 0)
            *largest = has[number[i]][0] ? fmax(*largest, set->extreme[i]) : set->extreme[i];
        has[number[i]][set->label[i]] = true;
    }
    for (g = 0; g < n_group; g++) {
        if (has[g][0])
            set->safe_extreme[set->n_safe++] = set->safe_extreme[g];
        set->n_unsafe += has[g][1];
    }
    mid__sort_double(set->safe_extreme, set->n_safe);
out:
    free(has);
    free(number);
    return status;
}

mid_status mid_rule_fit(mid_ctx *ctx, const char *name, const mid_param *params, const double *extreme,
                        const uint8_t *label, const uint32_t *group, size_t n, mid_rule *rule)
{
    mid__rule_set set = { .extreme = extreme, .label = label, .n = n };
    mid_param full[PARAM_MAX];
    mid_rule fitted = { 0 };
    size_t i;
    mid_status status;

    for (i = 0; rules[i].name && strcmp(rules[i].name, name) != 0; i++)
        ;
    if (!rules[i].name)
        return mid__fail(ctx, MID_ENOTFOUND, "no rule '%s'", name);
    status = set_params(ctx, &rules[i], params, full);
    if (!status)
        status = check(ctx, extreme, label, n);
    if (status)
        return status;
    set.safe_extreme = malloc((n + 1) * sizeof *set.safe_extreme);
    if (!set.safe_extreme)
        return mid__oom(ctx, "calibration extremes");
    status = reduce(ctx, group, &set);
    if (status)
        goto out;
    fitted = (mid_rule){ .name = rules[i].name, .n_safe = set.n_safe, .n_unsafe = set.n_unsafe };
    status = fit_of[i](ctx, full, &set, &fitted);
    if (!status)
        *rule = fitted;
out:
    free(set.safe_extreme);
    return status;
}

size_t mid_rule_alarm(const mid_rule *rule, const double *score, size_t n)
{
    size_t i;

    if (rule->threshold == INFINITY)            /* never, not even at an infinite score */
        return n;
    for (i = 0; i < n && !(score[i] >= rule->threshold); i++)
        ;
    return i;
}
