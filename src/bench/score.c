/* Out-of-fold scores. For fold k of K there are two fits:
 *   rank   on all folds but k: scores fold k, for the threshold-free figures
 *   rule   on all folds but k and k+1: scores fold k+1 (calibration, to choose thresholds) and fold k (to judge them)
 * so that a threshold never meets an answer, nor a prompt, that the monitor or the threshold was fitted on. Weights and
 * scores are kept in the store under the hash of all they depend on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "bench/set.h"
#include "midstream/metric.h"

enum { ALL_FOLDS = -1 };

static mid_status put_blob(mid__run *run, const char *kind, const mid_key *key, const void *bytes, size_t n)
{
    mid_status status;

    pthread_mutex_lock(run->store_lock);
    status = mid_store_put_blob(run->ctx, run->store, kind, key, bytes, n);
    pthread_mutex_unlock(run->store_lock);
    return status;
}

static mid_status get_blob(mid__run *run, const char *kind, const mid_key *key, void **bytes, size_t *n)
{
    mid_status status;

    pthread_mutex_lock(run->store_lock);
    status = mid_store_get_blob(run->ctx, run->store, kind, key, bytes, n);
    pthread_mutex_unlock(run->store_lock);
    return status;
}

void mid__scores_clear(mid__scores *scores)
{
    free(scores->at);
    free(scores->rank);
    free(scores->rule);
    free(scores->cal_extreme);
    memset(scores, 0, sizeof *scores);
}

/* Room for a set's scores; undefined until filled. */
static mid_status scores_init(mid_ctx *ctx, const mid__set *set, mid__scores *s)
{
    size_t i;

    memset(s, 0, sizeof *s);
    s->n = set->n;
    s->at = calloc(set->n + 1, sizeof *s->at);
    for (i = 0; s->at && i < set->n; i++)
        s->at[i + 1] = s->at[i] + mid_trace_n_tok(set->answer[i].trace);
    s->n_tok = s->at ? s->at[set->n] : 0;
    s->rank = calloc(s->n_tok + 1, sizeof *s->rank);
    s->rule = calloc(s->n_tok + 1, sizeof *s->rule);
    s->cal_extreme = calloc(set->n + 1, sizeof *s->cal_extreme);
    if (!s->at || !s->rank || !s->rule || !s->cal_extreme)
        return mid__oom(ctx, "scores");
    return MID_OK;
}

static mid_key scores_key(mid__run *run, const mid__set *set, const mid_plan_monitor *m)
{
    const mid_monitor_ops *ops = mid_monitor_find(m->name);
    char numbers[120], params[1000] = "";
    const mid_param *p;
    size_t n = 0;

    for (p = m->params; p && p->name && n + 1 < sizeof params; p++)
        n += (size_t)snprintf(params + n, sizeof params - n, "%s=%.17g/%s ", p->name, p->number, p->text ? p->text : "");
    snprintf(numbers, sizeof numbers, "%u %d %d %llu", ops->version, run->plan->n_fold, run->plan->n_inner,
             (unsigned long long)run->plan->seed);
    return mid_key_of("scores", "1", set->key.hex, m->name, params, numbers, NULL);
}

/* The store's form of scores: two costs, then rank, rule and cal_extreme as they lie in memory. */
static mid_status scores_put(mid__run *run, const mid_key *key, const mid__scores *s)
{
    const size_t n = 2 + 2 * s->n_tok + s->n;
    double *all = malloc(n * sizeof *all);
    mid_status status;

    if (!all)
        return mid__oom(run->ctx, "scores");
    all[0] = s->us_p50;
    all[1] = s->us_p95;
    memcpy(all + 2, s->rank, s->n_tok * sizeof *all);
    memcpy(all + 2 + s->n_tok, s->rule, s->n_tok * sizeof *all);
    memcpy(all + 2 + 2 * s->n_tok, s->cal_extreme, s->n * sizeof *all);
    status = put_blob(run, "scores", key, all, n * sizeof *all);
    free(all);
    return status;
}

static mid_status scores_get(mid__run *run, const mid_key *key, mid__scores *s)
{
    void *bytes = NULL;
    const double *all;
    size_t n = 0;
    mid_status status = get_blob(run, "scores", key, &bytes, &n);

    if (status != MID_OK)
        return status;
    if (n != (2 + 2 * s->n_tok + s->n) * sizeof *all) {
        mid_free(bytes);
        return mid__fail(run->ctx, MID_EFORMAT, "the store's scores %.12s have %zu bytes, not those of this set", key->hex, n);
    }
    all = bytes;
    s->us_p50 = all[0];
    s->us_p95 = all[1];
    memcpy(s->rank, all + 2, s->n_tok * sizeof *all);
    memcpy(s->rule, all + 2 + s->n_tok, s->n_tok * sizeof *all);
    memcpy(s->cal_extreme, all + 2 + 2 * s->n_tok, s->n * sizeof *all);
    s->defined = true;
    mid_free(bytes);
    return MID_OK;
}

/* Fit on every answer outside two folds (fold_b may be -1), or give no weights for a monitor with nothing to learn. */
static mid_status fit_outside(mid__run *run, const mid__set *set, const mid_plan_monitor *m, int fold_a, int fold_b,
                              mid_weights **out)
{
    const mid_monitor_ops *ops = mid_monitor_find(m->name);
    mid_fit_answer *list = malloc((set->n + 1) * sizeof *list);
    mid_fit_set fit = { .answer = list, .seed = run->plan->seed, .n_fold = run->plan->n_inner };
    mid_status status;
    size_t i;

    *out = NULL;
    if (!list)
        return mid__oom(run->ctx, "a fit set");
    for (i = 0; i < set->n; i++) {
        const mid__answer *a = &set->answer[i];
        if (a->fold != fold_a && a->fold != fold_b)
            list[fit.n++] = (mid_fit_answer){ a->trace, a->label.unsafe, a->group };
    }
    status = mid_monitor_fit(run->ctx, ops, m->params, &fit, out);
    free(list);
    return status;
}

/* Score the answers of one fold into `into` (at each answer's place), keeping extremes and costs where asked. */
static mid_status score_fold(mid__run *run, const mid__set *set, const mid_monitor *monitor, int fold, const mid__scores *s,
                             double *into, double *extreme, double *cost, size_t *n_cost)
{
    mid_stream *stream = NULL;
    float *us = malloc((s->n_tok + 1) * sizeof *us);
    double *score = malloc((s->n_tok + 1) * sizeof *score);
    mid_status status = us && score ? mid_stream_open(run->ctx, monitor, &stream) : mid__oom(run->ctx, "scores");
    size_t i, t;

    for (i = 0; status == MID_OK && i < set->n; i++) {
        const size_t n = s->at[i + 1] - s->at[i];
        if (set->answer[i].fold != fold)
            continue;
        status = mid_stream_score(run->ctx, stream, set->answer[i].trace, score, cost ? us : NULL);
        if (status != MID_OK)
            status = mid__within(run->ctx, status, "%s", set->answer[i].sample->id);
        for (t = 0; status == MID_OK && t < n; t++) {
            if (into)
                into[s->at[i] + t] = score[t];
            if (extreme)
                extreme[i] = t == 0 || score[t] > extreme[i] ? score[t] : extreme[i];
            if (cost)
                cost[(*n_cost)++] = (double)us[t];
        }
    }
    mid_stream_close(stream);
    free(us);
    free(score);
    return status;
}

static mid_status open_monitor(mid__run *run, const mid__set *set, const mid_plan_monitor *m, const mid_weights *w,
                               mid_monitor **out)
{
    return mid_monitor_open(run->ctx, mid_monitor_find(m->name), m->params, w, &set->signals, out);
}

/* The rule model of fold 0 is kept: it is the one to hand on, because its threshold was calibrated on prompts it never saw. */
static mid_status keep_weights(mid__run *run, const mid_key *key, const mid_weights *w)
{
    void *bytes = NULL;
    size_t n = 0;
    mid_status status = mid_weights_pack(run->ctx, w, &bytes, &n);

    if (status == MID_OK)
        status = put_blob(run, "weights", key, bytes, n);
    mid_free(bytes);
    return status;
}

static mid_status one_fold(mid__run *run, const mid__set *set, const mid_plan_monitor *m, const mid_key *key, int fold,
                           mid__scores *s, double *cost, size_t *n_cost)
{
    const int cal = (fold + 1) % run->plan->n_fold;
    mid_weights *w = NULL;
    mid_monitor *monitor = NULL;
    mid_status status = fit_outside(run, set, m, fold, -1, &w);

    if (status == MID_OK)
        status = open_monitor(run, set, m, w, &monitor);
    if (status == MID_OK)
        status = score_fold(run, set, monitor, fold, s, s->rank, NULL, cost, n_cost);
    if (status == MID_OK && w) {
        mid_monitor_close(monitor);
        mid_weights_close(w);
        monitor = NULL;
        w = NULL;
        status = fit_outside(run, set, m, fold, cal, &w);
        if (status == MID_OK && fold == 0)
            status = keep_weights(run, key, w);
        if (status == MID_OK)
            status = open_monitor(run, set, m, w, &monitor);
    }
    if (status == MID_OK)
        status = score_fold(run, set, monitor, fold, s, s->rule, NULL, NULL, NULL);
    if (status == MID_OK)
        status = score_fold(run, set, monitor, cal, s, NULL, s->cal_extreme, NULL, NULL);
    mid_monitor_close(monitor);
    mid_weights_close(w);
    return status;
}

/* What keeps one monitor from a set but not the run from going on: a fold with one class, a missing signal. */
static bool is_about_data(mid_status status)
{
    return status == MID_EUNDEFINED || status == MID_ESIGNAL || status == MID_ENUMERIC;
}

mid_status mid__scores_of(mid__run *run, const mid__set *set, const mid_plan_monitor *m, mid__scores *out)
{
    const mid_key key = scores_key(run, set, m);
    double *cost = NULL;
    size_t n_cost = 0;
    int fold;
    mid_status status = scores_init(run->ctx, set, out);

    if (status == MID_OK && scores_get(run, &key, out) == MID_OK)
        return MID_OK;
    if (status == MID_OK && !(cost = malloc((out->n_tok + 1) * sizeof *cost)))
        status = mid__oom(run->ctx, "costs");
    for (fold = 0; status == MID_OK && fold < run->plan->n_fold; fold++)
        status = one_fold(run, set, m, &key, fold, out, cost, &n_cost);
    if (status == MID_OK) {
        out->us_p50 = mid_quantile(cost, n_cost, 0.5);
        out->us_p95 = mid_quantile(cost, n_cost, 0.95);
        out->defined = true;
        status = scores_put(run, &key, out);
    } else if (is_about_data(status)) {
        snprintf(out->why, sizeof out->why, "%s", mid_ctx_message(run->ctx));
        status = MID_OK;
    }
    free(cost);
    return status;
}

mid_status mid__fold_rule(mid__run *run, const mid__set *set, const mid__scores *scores, const mid_plan_rule *rule, int fold,
                          mid_rule *out)
{
    double *extreme = malloc((set->n + 1) * sizeof *extreme);
    uint8_t *label = malloc(set->n + 1);
    uint32_t *group = malloc((set->n + 1) * sizeof *group);
    size_t i, n = 0;
    mid_status status = MID_OK;

    if (!extreme || !label || !group)
        status = mid__oom(run->ctx, "a rule");
    for (i = 0; status == MID_OK && i < set->n; i++)
        if (fold == ALL_FOLDS || mid__rule_fold(set->answer[i].fold, run->plan->n_fold) == fold) {
            extreme[n] = scores->cal_extreme[i];
            label[n] = (uint8_t)set->answer[i].label.unsafe;
            group[n++] = set->answer[i].group;
        }
    if (status == MID_OK)
        status = mid_rule_fit(run->ctx, rule->name, rule->params, extreme, label, group, n, out);
    free(extreme);
    free(label);
    free(group);
    return status;
}

/* The first of the plan's rules that keeps a promise on fold 0's calibration answers. Where none can, the first rule on all
 * folds' calibration scores together: more answers, but from several fits, so it promises nothing. */
static mid_status rule_to_hand_on(mid__run *run, const mid__set *set, const mid__scores *scores, mid_rule *rule)
{
    const mid_plan *plan = run->plan;
    mid_status status;
    size_t k;

    for (k = 0; k < plan->n_rule; k++) {
        status = mid__fold_rule(run, set, scores, &plan->rule[k], 0, rule);
        if (status == MID_OK && rule->feasible && !isnan(rule->alpha))
            return MID_OK;
        if (status != MID_OK && status != MID_EUNDEFINED)
            return status;
    }
    return mid__fold_rule(run, set, scores, &plan->rule[0], ALL_FOLDS, rule);
}

mid_status mid__fitted_of(mid__run *run, const mid__set *set, const mid_plan_monitor *m, const mid__scores *scores,
                          mid_weights **out)
{
    const mid_key key = scores_key(run, set, m);
    mid_weights *w = NULL;
    mid_rule rule;
    void *bytes = NULL;
    size_t n = 0;
    mid_status status = get_blob(run, "weights", &key, &bytes, &n);

    if (status != MID_OK)
        return status;
    status = mid_weights_unpack(run->ctx, bytes, n, &w);
    if (status == MID_OK)
        status = mid_weights_set_text(run->ctx, w, "fitted_on", set->key.hex);
    if (status == MID_OK && run->plan->n_rule) {
        status = rule_to_hand_on(run, set, scores, &rule);
        if (status == MID_OK)
            status = mid_weights_set_number(run->ctx, w, "threshold", rule.threshold);
        if (status == MID_OK)
            status = mid_weights_set_text(run->ctx, w, "rule", rule.name);
        if (status == MID_OK)
            status = mid_weights_set_text(run->ctx, w, "promise", rule.promise);
        if (status == MID_EUNDEFINED)
            status = MID_OK;            /* weights without a threshold are still weights */
    }
    mid_free(bytes);
    if (status == MID_OK)
        *out = w;
    else
        mid_weights_close(w);
    return status;
}
