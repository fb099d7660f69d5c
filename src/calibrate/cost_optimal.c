/* Cost-optimal: the threshold whose declared costs on the calibration answers are least, the highest among equals:
 *     (1 - pi) cost_false_alarm P(alarm | safe)
 *   + pi (cost_miss P(no alarm | unsafe) + cost_exposed_tok E[unsafe tokens shown]
 *         + cost_delay_tok E[tokens before the alarm])
 * with pi the prevalence of unsafe prompts. Tokens before the alarm are shown, the one that raises it is not; a miss
 * shows all. Of several answers to a prompt the mean counts. As the threshold falls, an answer's cost only changes
 * where it meets a new maximum of the scores so far, so all thresholds are tried by sorting those. A least cost on a
 * finite set promises nothing; where rates are asked for as well, the choice is among the thresholds that
 * high_probability certifies. Where no alarm at all costs least there is no rule, and that is said. */
#include "calibrate/rule_fit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"

const mid_param mid__cost_optimal_params[] = {
    { "cost_false_alarm", 1, NULL, "of an alarm on a safe answer" },
    { "cost_miss", 1, NULL, "of no alarm on an unsafe answer" },
    { "cost_exposed_tok", 0, NULL, "of each token of an unsafe answer shown from its onset on" },
    { "cost_delay_tok", 0, NULL, "of each token of an unsafe answer before the alarm" },
    { "prevalence", NAN, NULL, "share of unsafe prompts where it will run; else that of the calibration set" },
    { "false_alarm", NAN, NULL, "choose only among thresholds that keep this share of new safe prompts" },
    { "miss", NAN, NULL, "and this share of new unsafe prompts" },
    { "confidence", 0.9, NULL, "share of calibration sets that keep all that is promised" },
    { "joint", 1, NULL, "statements that hold together, such as one per group: each gets its part of 1 - confidence" },
    { NULL, 0, NULL, NULL }
};

mid_status mid__ask_cost_optimal(mid_ctx *ctx, const mid_param *params, mid__ask *ask)
{
    static const char *const cost[] = { "cost_false_alarm", "cost_miss", "cost_exposed_tok", "cost_delay_tok" };
    double prevalence;
    size_t i;
    mid_status status = mid__rule_share(ctx, params, "prevalence", &prevalence);

    for (i = 0; i < 4 && status == MID_OK; i++)
        if (!(mid__rule_param(params, cost[i]) >= 0 && mid__rule_param(params, cost[i]) <= 1e9))
            return mid__fail(ctx, MID_EINVAL, "%s is %g, want 0 to 1e9", cost[i], mid__rule_param(params, cost[i]));
    ask->least = 1;
    return status ? status : mid__ask_rates(ctx, params, MID__EXACT, ask);
}

/* Where the cost changes as the threshold falls to `at`, and by how much. */
typedef struct steps { double *at, *change; size_t n; double start; } steps;

typedef struct pricing {
    const mid__rule_set *set;
    double alarm, miss, exposed, delay;     /* weighted by prevalence, per prompt of its class */
    const uint32_t *n_answer[2];            /* (n_prompt) by class */
} pricing;

static size_t n_record(const mid__rule_set *set, bool tokens_cost)
{
    size_t n = 0, i;

    for (i = 0; i < set->given->n; i++)
        n += tokens_cost && set->given->label[i] ? set->given->score[i].n : 1;
    return n;
}

/* What an unsafe answer costs in tokens if it is stopped before token t. */
static double shown(const pricing *p, size_t i, size_t t)
{
    const int32_t *onset = p->set->given->onset_tok;
    const double from = onset && onset[i] > 0 ? onset[i] : 0;

    return p->exposed * fmax(0, (double)t - from) + p->delay * (double)t;
}

static void add_step(steps *s, double at, double change)
{
    if (at > -INFINITY && change != 0) {
        s->at[s->n] = fmin(at, DBL_MAX);    /* a line of +INFINITY never alarms */
        s->change[s->n++] = change;
    }
}

/* Backwards: the last new maximum is met by the highest threshold. */
static void add_unsafe(const pricing *p, size_t i, steps *s)
{
    const double share = 1.0 / p->n_answer[1][p->set->number[i]];
    const mid_scored_answer *a = p->exposed + p->delay > 0 ? &p->set->given->score[i] : NULL;
    double before, best = -INFINITY;
    size_t t, first = s->n;

    if (!a) {
        s->start += share * p->miss;
        add_step(s, p->set->extreme[i], -share * p->miss);
        return;
    }
    before = p->miss + shown(p, i, a->n);
    s->start += share * before;
    for (t = 0; t < a->n; t++)
        if (a->score[t] > best) {
            best = a->score[t];
            s->at[s->n] = fmin(best, DBL_MAX);
            s->change[s->n++] = share * shown(p, i, t);    /* the cost there; made a change below */
        }
    for (t = s->n; t-- > first; ) {
        const double here = s->change[t];
        s->change[t] = here - share * before;
        before = here / share;
    }
}

static mid_status price(mid_ctx *ctx, const pricing *p, steps *s)
{
    const size_t room = n_record(p->set, p->exposed + p->delay > 0) + 1;
    size_t i;

    s->at = malloc(room * sizeof *s->at);
    s->change = malloc(room * sizeof *s->change);
    if (!s->at || !s->change)
        return mid__oom(ctx, "costs");
    for (i = 0; i < p->set->given->n; i++)
        if (p->set->given->label[i])
            add_unsafe(p, i, s);
        else
            add_step(s, p->set->extreme[i], p->alarm / p->n_answer[0][p->set->number[i]]);
    return MID_OK;
}

/* From the top down: between two steps the cost is the same, and the highest threshold there stands for all.
 * @param[in,out] threshold  highest that may be taken; the choice
 * @param[out] least  its cost; INFINITY: there is none */
static mid_status choose(mid_ctx *ctx, const steps *s, double lowest, double *threshold, double *least)
{
    const double highest = *threshold, least_gain = 1e-12 * s->start;      /* below that is rounding */
    uint32_t *order = malloc((s->n + 1) * sizeof *order);
    double cost = s->start, at = highest;
    size_t i;
    mid_status status = order ? MID_OK : mid__oom(ctx, "costs");

    *least = INFINITY;
    for (i = 0; status == MID_OK && i < s->n; i++)
        order[i] = (uint32_t)i;
    if (status == MID_OK)
        status = mid__rise(ctx, s->at, order, s->n);
    for (i = s->n; status == MID_OK; i--) {
        const double below = i > 0 ? s->at[i - 1] : -INFINITY;
        if (i < s->n) {
            cost += s->change[order[i]];
            at = fmin(s->at[i], highest);
        }
        if (at > below && at >= lowest && cost < *least - least_gain) {
            *least = cost > least_gain ? cost : 0;
            *threshold = at;
        }
        if (i == 0)
            break;
    }
    free(order);
    return status;
}

static mid_status count_answers(mid_ctx *ctx, const mid__rule_set *set, uint32_t **n_answer)
{
    size_t i;

    *n_answer = calloc(2 * set->n_prompt + 1, sizeof **n_answer);
    if (!*n_answer)
        return mid__oom(ctx, "prompts");
    for (i = 0; i < set->given->n; i++)
        (*n_answer)[set->given->label[i] * set->n_prompt + set->number[i]]++;
    return MID_OK;
}

static pricing prices(const mid_param *params, const mid__rule_set *set)
{
    const double n_safe = (double)set->n_safe, n_unsafe = (double)set->n_unsafe;
    double pi = mid__rule_param(params, "prevalence");

    if (isnan(pi))
        pi = n_unsafe / (n_safe + n_unsafe);
    return (pricing){ .set = set, .alarm = (1 - pi) / n_safe * mid__rule_param(params, "cost_false_alarm"),
                      .miss = pi / n_unsafe * mid__rule_param(params, "cost_miss"),
                      .exposed = pi / n_unsafe * mid__rule_param(params, "cost_exposed_tok"),
                      .delay = pi / n_unsafe * mid__rule_param(params, "cost_delay_tok") };
}

mid_status mid__fit_cost_optimal(mid_ctx *ctx, const mid_param *params, const mid__ask *ask, const mid__rule_set *set,
                                 mid_rule *rule)
{
    const bool promises = !isnan(ask->false_alarm) || !isnan(ask->miss);
    double lowest = -INFINITY, threshold = INFINITY, least = INFINITY;
    pricing p = prices(params, set);
    steps s = { 0 };
    uint32_t *n_answer = NULL;
    mid_status status = MID_OK;

    if (p.exposed + p.delay > 0 && !set->given->score)
        return mid__fail(ctx, MID_EUNDEFINED, "cost_optimal: a cost per token needs all scores of each answer");
    if (promises)
        status = mid__keep_rates(ctx, ask, set, rule);
    if (status != MID_OK || (promises && !rule->feasible))
        return status;
    if (promises) {
        lowest = rule->lowest;
        threshold = rule->highest;
    }
    status = count_answers(ctx, set, &n_answer);
    p.n_answer[0] = n_answer;
    p.n_answer[1] = n_answer ? n_answer + set->n_prompt : NULL;
    if (status == MID_OK)
        status = price(ctx, &p, &s);
    if (status == MID_OK)
        status = choose(ctx, &s, lowest, &threshold, &least);
    if (status == MID_OK) {
        rule->feasible = true;
        rule->threshold = threshold;
    }
    if (status == MID_OK && threshold == INFINITY) {
        rule->feasible = false;
        rule->lowest = rule->highest = NAN;
        rule->promise[0] = 0;
        mid__promise_say(rule, "none, never alarms: no alarm at all costs least on the calibration answers (%.4g per "
                               "prompt)", least);
    } else if (status == MID_OK) {
        mid__promise_say(rule, promises ? "; of those the one of least declared cost, %.4g per calibration prompt"
                         : "none: the least declared cost on the calibration answers (%.4g per prompt) says nothing "
                         "about new ones", least);
    }
    free(n_answer);
    free(s.at);
    free(s.change);
    return status;
}
