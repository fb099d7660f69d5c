/* Out-of-fold scores. For fold k of K there are two fits:
 *   rank   on all folds but k: scores fold k, for the threshold-free figures
 *   rule   on all folds but k and k+1: scores fold k+1 (calibration, to choose thresholds) and fold k (to judge them)
 * so that a threshold never meets an answer, nor a prompt, that the monitor or the threshold was fitted on. Weights and
 * scores are kept in the store under the hash of all they depend on. A monitor and its aggregated forms (forms.h) are
 * scored together: its fits are made once for all of them, and not at all while only its stored scores are asked for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/file.h"
#include "base/hash.h"
#include "bench/author.h"
#include "bench/forms.h"
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
    free(scores->cal);
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
    s->cal = calloc(s->n_tok + 1, sizeof *s->cal);
    s->cal_extreme = calloc(set->n + 1, sizeof *s->cal_extreme);
    if (!s->at || !s->rank || !s->rule || !s->cal || !s->cal_extreme)
        return mid__oom(ctx, "scores");
    return MID_OK;
}

/* Parameters by value; of a text that is a file's path, what the file says, not where it lies. */
static void params_hash(const mid_param *p, char hex[65])
{
    mid__sha256 s;
    char entry[200], file[65];

    mid__sha256_init(&s);
    for (; p && p->name; p++) {
        snprintf(entry, sizeof entry, "%.100s=%.17g/", p->name, p->number);
        mid__sha256_put(&s, entry, strlen(entry) + 1);
        if (!p->text)
            continue;
        if (p->text[0] && mid__file_hash(NULL, p->text, file) == MID_OK)
            mid__sha256_put(&s, file, 64);
        else
            mid__sha256_put(&s, p->text, strlen(p->text) + 1);
    }
    mid__sha256_hex(&s, hex);
}

/* Under what a monitor's scores are kept, with its aggregators or alone. */
static mid_key key_of(const mid__run *run, const mid__set *set, const mid_plan_monitor *m, bool alone)
{
    const mid_monitor_ops *ops = m->ops;
    char numbers[500], params[65], chain[MID_SPEC_BYTES + 40 * MID_AGGREGATE_MAX] = "";
    size_t i;

    params_hash(m->params, params);
    snprintf(numbers, sizeof numbers, "%u %d %d %llu%s%s", ops->version, run->plan->n_fold, run->plan->n_inner,
             (unsigned long long)run->plan->seed, ops->build ? ops->build : "", m->reads.members);
    if (!alone)
        mid__chain_text(&m->spec, chain);
    for (i = 0; !alone && i < m->spec.n_aggregate; i++)
        snprintf(chain + strlen(chain), sizeof chain - strlen(chain), " %u", m->spec.aggregate[i].ops->version);
    return mid_key_of("scores", "2", set->key.hex, m->name, params, numbers, chain, NULL);
}

mid_key mid__scores_key(const mid__run *run, const mid__set *set, const mid_plan_monitor *m)
{
    return key_of(run, set, m, false);
}

mid_key mid__family_key(const mid__run *run, const mid__set *set, const mid_plan_monitor *m)
{
    return key_of(run, set, m, true);
}

/* The store's form of scores: two costs, then rank, rule and cal as they lie in memory. */
static mid_status scores_put(mid__run *run, const mid_key *key, const mid__scores *s)
{
    const size_t n = 2 + 3 * s->n_tok;
    const mid__moment start = mid__moment_now();
    double *all = malloc(n * sizeof *all);
    mid_status status;

    if (!all)
        return mid__oom(run->ctx, "scores");
    all[0] = s->us_p50;
    all[1] = s->us_p95;
    memcpy(all + 2, s->rank, s->n_tok * sizeof *all);
    memcpy(all + 2 + s->n_tok, s->rule, s->n_tok * sizeof *all);
    memcpy(all + 2 + 2 * s->n_tok, s->cal, s->n_tok * sizeof *all);
    status = put_blob(run, "scores", key, all, n * sizeof *all);
    free(all);
    mid__spent_add(run->spent, MID__TASK_STORE, start);
    return status;
}

static mid_status scores_get(mid__run *run, const mid_key *key, mid__scores *s)
{
    const mid__moment start = mid__moment_now();
    void *bytes = NULL;
    const double *all;
    size_t n = 0;
    mid_status status = get_blob(run, "scores", key, &bytes, &n);

    mid__spent_add(run->spent, MID__TASK_STORE, start);
    if (status != MID_OK)
        return status;
    if (n != (2 + 3 * s->n_tok) * sizeof *all) {
        mid_free(bytes);
        return mid__fail(run->ctx, MID_EFORMAT, "the store's scores %.12s have %zu bytes, not those of this set", key->hex, n);
    }
    all = bytes;
    s->us_p50 = all[0];
    s->us_p95 = all[1];
    memcpy(s->rank, all + 2, s->n_tok * sizeof *all);
    memcpy(s->rule, all + 2 + s->n_tok, s->n_tok * sizeof *all);
    memcpy(s->cal, all + 2 + 2 * s->n_tok, s->n_tok * sizeof *all);
    s->defined = true;
    mid_free(bytes);
    return MID_OK;
}

/* What fits on the same answers share: blobs of the store, under the fit and a key. */
struct shared { mid__run *run; mid_key fit; };

static mid_key shared_key(const struct shared *s, const char *key) { return mid_key_of("memo", "1", s->fit.hex, key, NULL); }

static mid_status memo_get(void *user, const char *key, void **bytes, size_t *n)
{
    const struct shared *s = user;
    const mid_key k = shared_key(s, key);

    return get_blob(s->run, "memo", &k, bytes, n);
}

static mid_status memo_put(void *user, const char *key, const void *bytes, size_t n)
{
    const struct shared *s = user;
    const mid_key k = shared_key(s, key);

    return put_blob(s->run, "memo", &k, bytes, n);
}

static struct shared shared_of(mid__run *run, const mid__set *set, int fold_a, int fold_b)
{
    char numbers[100];

    snprintf(numbers, sizeof numbers, "%d %d %d %d %llu", fold_a, fold_b, run->plan->n_fold, run->plan->n_inner,
             (unsigned long long)run->plan->seed);
    return (struct shared){ run, mid_key_of("fit", "1", set->key.hex, numbers, NULL) };
}

/* Fit on every answer outside two folds (fold_b may be -1), or give no weights for a monitor with nothing to learn. */
static mid_status fit_outside(mid__run *run, const mid__set *set, const mid_plan_monitor *m, int fold_a, int fold_b,
                              mid_weights **out)
{
    const mid_monitor_ops *ops = m->ops;
    mid_fit_answer *list = malloc((set->n + 1) * sizeof *list);
    struct shared shared = shared_of(run, set, fold_a, fold_b);
    const mid_memo memo = { &shared, memo_get, memo_put };
    mid_fit_set fit = { .answer = list, .seed = run->plan->seed, .n_fold = run->plan->n_inner, .memo = &memo };
    mid_status status;
    size_t i;

    *out = NULL;
    if (!list)
        return mid__oom(run->ctx, "a fit set");
    for (i = 0; i < set->n; i++) {
        const mid__answer *a = &set->answer[i];
        if (a->fold != fold_a && a->fold != fold_b && !a->attack)
            list[fit.n++] = (mid_fit_answer){ a->trace, a->label.unsafe, a->group };
    }
    status = mid_monitor_fit(run->ctx, ops, m->params, &fit, out);
    free(list);
    return status;
}

/* Score the answers of one fold into `into` (at each answer's place), keeping costs where asked. */
static mid_status score_fold(mid__run *run, const mid__set *set, const mid_monitor *monitor, int fold, const size_t *at,
                             double *into, double *cost, size_t *n_cost, mid__consulted *consulted)
{
    const mid__moment start = mid__moment_now();
    mid_stream *stream = NULL;
    float *us = malloc((at[set->n] + 1) * sizeof *us);
    mid_status status = us ? mid_stream_open(run->ctx, monitor, &stream) : mid__oom(run->ctx, "scores");
    size_t i, t;

    for (i = 0; status == MID_OK && i < set->n; i++) {
        if (set->answer[i].fold != fold)
            continue;
        status = mid__consulted_score(run->ctx, stream, mid_monitor_info(monitor), set->answer[i].trace, into + at[i],
                                      cost ? us : NULL, consulted);
        if (status != MID_OK)
            status = mid__within(run->ctx, status, "%s", set->answer[i].sample->id);
        for (t = 0; status == MID_OK && cost && t < at[i + 1] - at[i]; t++)
            cost[(*n_cost)++] = (double)us[t];
    }
    mid_stream_close(stream);
    free(us);
    mid__spent_add(run->spent, MID__TASK_SCORE, start);
    return status;
}

/* The rule model of fold 0 is kept: it is the one to hand on, because its threshold was calibrated on prompts it never saw. */
mid_status mid__weights_keep(mid__run *run, const mid_key *key, const mid_weights *w)
{
    void *bytes = NULL;
    size_t n = 0;
    mid_status status = mid_weights_pack(run->ctx, w, &bytes, &n);

    if (status == MID_OK)
        status = put_blob(run, "weights", key, bytes, n);
    mid_free(bytes);
    return status;
}

/* A monitor being scored, with those of its forms that the plan asks for. */
struct family {
    const mid_plan_monitor *m;      /* read for its monitor and parameters only */
    mid_key key;                    /* of the monitor alone */
    mid__scores base;               /* its scores */
    mid__form *form;                /* (n) */
    size_t n;
    double *cost;                   /* (n_tok) */
    size_t n_cost;
};

/* The fit on all answers outside these folds, its monitor opened. weights NULL: there was nothing to learn. */
static mid_status fit_and_open(mid__run *run, const mid__set *set, const struct family *f, mid__fit_id fit,
                               mid_weights **w, mid_monitor **monitor)
{
    const mid__moment start = mid__moment_now();
    mid_status status = fit_outside(run, set, f->m, fit.fold, fit.cal, w);

    if (status == MID_OK)
        status = mid_monitor_open(run->ctx, f->m->ops, f->m->params, *w, &set->signals, monitor);
    mid__spent_add(run->spent, MID__TASK_FIT, start);
    return status;
}

/* The scores of one fold, or of its calibration fold, through the chains that learned last. */
static mid_status apply_learned(mid__run *run, const mid__set *set, struct family *f, int fold, size_t at_scores)
{
    const double *from = *(double **)(void *)((char *)&f->base + at_scores);
    const mid__moment start = mid__moment_now();
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; status == MID_OK && i < f->n; i++)
        if (f->form[i].pending && f->form[i].learns)
            status = mid__form_apply(run, set, &f->form[i], fold, from,
                                     *(double **)(void *)((char *)f->form[i].out + at_scores));
    mid__spent_add(run->spent, MID__TASK_SCORE, start);
    return status;
}

/* Let the forms that learn do so beside this fit. */
static mid_status learn_forms(mid__run *run, const mid__set *set, const struct family *f, const mid_monitor *monitor,
                              const mid_weights *w, mid__fit_id fit, bool hand_on)
{
    const mid__moment start = mid__moment_now();
    const mid_status status = mid__forms_learn(run, set, f->form, f->n, monitor, w, fit, hand_on);

    mid__spent_add(run->spent, MID__TASK_FIT, start);
    return status;
}

static mid_status keep_weights(mid__run *run, const struct family *f, const mid_weights *w)
{
    const mid__moment start = mid__moment_now();
    const mid_status status = mid__weights_keep(run, &f->key, w);

    mid__spent_add(run->spent, MID__TASK_STORE, start);
    return status;
}

static mid_status one_fold(mid__run *run, const mid__set *set, struct family *f, int fold)
{
    const mid__fit_id rank = { fold, -1 }, rule = { fold, (fold + 1) % run->plan->n_fold };
    mid__scores *s = &f->base;
    mid_weights *w = NULL;
    mid_monitor *monitor = NULL;
    mid_status status = fit_and_open(run, set, f, rank, &w, &monitor);

    if (status == MID_OK)
        status = score_fold(run, set, monitor, fold, s->at, s->rank, f->cost, &f->n_cost, &s->consulted);
    if (status == MID_OK)
        status = learn_forms(run, set, f, monitor, w, rank, false);
    if (status == MID_OK)
        status = apply_learned(run, set, f, fold, offsetof(mid__scores, rank));
    if (status == MID_OK && w) {
        mid_monitor_close(monitor);
        mid_weights_close(w);
        monitor = NULL;
        w = NULL;
        status = fit_and_open(run, set, f, rule, &w, &monitor);
        if (status == MID_OK && fold == 0)
            status = keep_weights(run, f, w);
    }
    if (status == MID_OK)
        status = score_fold(run, set, monitor, rule.fold, s->at, s->rule, NULL, NULL, NULL);
    if (status == MID_OK)
        status = score_fold(run, set, monitor, rule.cal, s->at, s->cal, NULL, NULL, NULL);
    if (status == MID_OK)
        status = learn_forms(run, set, f, monitor, w, rule, fold == 0);
    if (status == MID_OK)
        status = apply_learned(run, set, f, rule.fold, offsetof(mid__scores, rule));
    if (status == MID_OK)
        status = apply_learned(run, set, f, rule.cal, offsetof(mid__scores, cal));
    mid_monitor_close(monitor);
    mid_weights_close(w);
    return status;
}

/* The monitor's own scores: from the store, unless a form has to learn beside its fits. */
static mid_status score_base(mid__run *run, const mid__set *set, struct family *f)
{
    mid__scores *s = &f->base;
    bool learns = false, is_kept;
    mid_status status = MID_OK;
    size_t i;
    int fold;

    for (i = 0; i < f->n; i++)
        learns |= f->form[i].pending && f->form[i].learns;
    is_kept = scores_get(run, &f->key, s) == MID_OK;
    if (is_kept && !learns)
        return MID_OK;
    if (f->m->ops == &mid__author) {
        status = mid__author_scores(run->ctx, set, run->plan->n_fold, s);
        return status == MID_OK ? scores_put(run, &f->key, s) : status;
    }
    f->cost = malloc((s->n_tok + 1) * sizeof *f->cost);
    if (!f->cost)
        return mid__oom(run->ctx, "costs");
    for (fold = 0; status == MID_OK && fold < run->plan->n_fold; fold++)
        status = one_fold(run, set, f, fold);
    if (status != MID_OK || is_kept)
        return status;
    s->us_p50 = mid_quantile(f->cost, f->n_cost, 0.5);
    s->us_p95 = mid_quantile(f->cost, f->n_cost, 0.95);
    s->defined = true;
    status = scores_put(run, &f->key, s);
    if (status == MID_OK && s->consulted.n_tok > 0)
        status = put_blob(run, "consulted", &f->key, &s->consulted, sizeof s->consulted);
    return status;
}

/* How often the members were consulted when these scores were made, if that was counted. */
static void consulted_get(mid__run *run, const mid_key *key, mid__scores *s)
{
    void *bytes = NULL;
    size_t n = 0;

    if (get_blob(run, "consulted", key, &bytes, &n) == MID_OK && n == sizeof s->consulted)
        memcpy(&s->consulted, bytes, n);
    mid_free(bytes);
}

/* Finish a form: what did not learn is made from the monitor's scores now. A push costs what the monitor's does, and what
 * its aggregators add. */
static mid_status finish(mid__run *run, const mid__set *set, const mid__scores *base, mid__form *form)
{
    const mid__moment start = mid__moment_now();
    mid__scores *s = form->out;
    mid_status status = MID_OK;

    if (!form->learns) {
        status = mid__chain_open(run->ctx, &form->m->spec, NULL, &form->chain);
        if (status == MID_OK)
            status = mid__form_apply(run, set, form, ALL_FOLDS, base->rank, s->rank);
        if (status == MID_OK)
            status = mid__form_apply(run, set, form, ALL_FOLDS, base->rule, s->rule);
        if (status == MID_OK)
            status = mid__form_apply(run, set, form, ALL_FOLDS, base->cal, s->cal);
    }
    s->us_p50 = base->us_p50;
    s->us_p95 = base->us_p95;
    if (form->m->spec.n_aggregate && form->n_us) {
        s->us_p50 += mid_quantile(form->us, form->n_us, 0.5);
        s->us_p95 += mid_quantile(form->us, form->n_us, 0.95);
    }
    s->defined = status == MID_OK;
    mid__spent_add(run->spent, MID__TASK_SCORE, start);
    if (status == MID_OK && form->m->spec.n_aggregate)
        status = scores_put(run, &form->key, s);
    return status;
}

/* Does a rule of the plan read whole answers? */
static bool rules_read_scores(const mid_plan *plan)
{
    const mid_rule_info *info;
    size_t k;

    for (k = 0; k < plan->n_rule; k++)
        for (info = mid_rule_list(); info->name; info++)
            if (info->reads_scores && strcmp(info->name, plan->rule[k].name) == 0)
                return true;
    return false;
}

/* Mostly only the calibration extremes are needed from here on. */
static void settle(mid__scores *s, bool keep)
{
    size_t i, t;

    for (i = 0; s->defined && i < s->n; i++) {
        s->cal_extreme[i] = -INFINITY;
        for (t = s->at[i]; t < s->at[i + 1]; t++)
            s->cal_extreme[i] = s->cal[t] > s->cal_extreme[i] ? s->cal[t] : s->cal_extreme[i];
    }
    if (keep)
        return;
    free(s->cal);
    s->cal = NULL;
}

static mid_status score_family(mid__run *run, const mid__set *set, struct family *f)
{
    mid_status status = score_base(run, set, f);
    size_t i;

    for (i = 0; i < f->n && mid__about_data(status); i++)
        if (f->form[i].pending)
            snprintf(f->form[i].out->why, sizeof f->form[i].out->why, "%s", mid_ctx_message(run->ctx));
    if (mid__about_data(status))
        return MID_OK;
    for (i = 0; status == MID_OK && i < f->n; i++)
        if (f->form[i].pending)
            status = finish(run, set, &f->base, &f->form[i]);
    return status;
}

mid_status mid__scores_of_family(mid__run *run, const mid__set *set, const mid_plan_monitor *const *m, size_t n,
                                 mid__scores *const *out)
{
    struct family f = { .m = m[0], .key = mid__family_key(run, set, m[0]), .n = n };
    bool any = false;
    size_t i;
    mid_status status = scores_init(run->ctx, set, &f.base);

    f.form = calloc(n, sizeof *f.form);
    if (status == MID_OK && !f.form)
        status = mid__oom(run->ctx, "scores");
    for (i = 0; i < n; i++)
        memset(out[i], 0, sizeof *out[i]);
    for (i = 0; status == MID_OK && i < n; i++) {
        f.form[i] = (mid__form){ .m = m[i], .key = mid__scores_key(run, set, m[i]), .out = out[i],
                                 .learns = mid__chain_learns(&m[i]->spec),
                                 .us = malloc((set->n + 1) * sizeof(double)) };
        status = f.form[i].us ? scores_init(run->ctx, set, out[i]) : mid__oom(run->ctx, "costs");
        f.form[i].pending = status == MID_OK && scores_get(run, &f.form[i].key, out[i]) != MID_OK;
        any |= f.form[i].pending;
    }
    if (status == MID_OK && any)
        status = score_family(run, set, &f);
    for (i = 0; f.form && i < n; i++) {
        mid__chain_close(&f.form[i].chain);
        free(f.form[i].us);
        if (status == MID_OK && m[i]->ops->calls)
            consulted_get(run, &f.key, out[i]);
        settle(out[i], rules_read_scores(run->plan));
    }
    mid__scores_clear(&f.base);
    free(f.form);
    free(f.cost);
    return status;
}

mid_status mid__scores_of(mid__run *run, const mid__set *set, const mid_plan_monitor *m, mid__scores *out)
{
    return mid__scores_of_family(run, set, &m, 1, &out);
}

mid_status mid__fold_rule(mid__run *run, const mid__set *set, const mid__scores *scores, const mid_plan_rule *rule, int fold,
                          mid_rule *out)
{
    double *extreme = malloc((set->n + 1) * sizeof *extreme);
    uint8_t *label = malloc(set->n + 1);
    uint32_t *group = malloc((set->n + 1) * sizeof *group);
    int32_t *onset_tok = malloc((set->n + 1) * sizeof *onset_tok);
    mid_scored_answer *score = malloc((set->n + 1) * sizeof *score);
    size_t i, n = 0;
    mid_status status = MID_OK;

    if (!extreme || !label || !group || !onset_tok || !score)
        status = mid__oom(run->ctx, "a rule");
    for (i = 0; status == MID_OK && i < set->n; i++)
        if (!set->answer[i].attack &&
            (fold == ALL_FOLDS || mid__rule_fold(set->answer[i].fold, run->plan->n_fold) == fold)) {
            extreme[n] = scores->cal_extreme[i];
            label[n] = (uint8_t)set->answer[i].label.unsafe;
            group[n] = set->answer[i].group;
            onset_tok[n] = set->answer[i].onset_tok;
            if (scores->cal)
                score[n] = (mid_scored_answer){ .score = scores->cal + scores->at[i], .n = scores->at[i + 1] - scores->at[i] };
            n += 1;
        }
    if (status == MID_OK) {
        const mid_rule_set answers = { n, extreme, label, group, scores->cal ? score : NULL, onset_tok, set->data->max_tok };
        status = mid_rule_fit(run->ctx, rule->name, rule->params, &answers, out);
    }
    free(extreme);
    free(label);
    free(group);
    free(onset_tok);
    free(score);
    return status;
}

/* A fitted file holds one threshold, no second line. */
static bool is_one_threshold(const mid_rule *rule) { return rule->clear == 0 && !rule->can_hold; }

/* The first of the plan's rules that keeps a promise on fold 0's calibration answers. Where none can, the first rule on all
 * folds' calibration scores together: more answers, but from several fits, so it promises nothing. */
static mid_status rule_to_hand_on(mid__run *run, const mid__set *set, const mid__scores *scores, mid_rule *rule)
{
    const mid_plan *plan = run->plan;
    mid_status status;
    size_t k;

    for (k = 0; k < plan->n_rule; k++) {
        status = mid__fold_rule(run, set, scores, &plan->rule[k], 0, rule);
        if (status == MID_OK && rule->feasible && rule->kind > MID_PROMISE_ASSUMED && is_one_threshold(rule))
            return MID_OK;
        if (status != MID_OK && status != MID_EUNDEFINED)
            return status;
    }
    status = mid__fold_rule(run, set, scores, &plan->rule[0], ALL_FOLDS, rule);
    if (status == MID_OK) {
        rule->kind = MID_PROMISE_NONE;
        snprintf(rule->promise, sizeof rule->promise, "none: the threshold rests on all folds' scores together, which come from "
                 "several fits (%zu safe prompts)", rule->n_safe);
    }
    return status;
}

mid_status mid__fitted_of(mid__run *run, const mid__set *set, const mid_plan_monitor *m, const mid__scores *scores,
                          mid_weights **out)
{
    const bool learns = mid__chain_learns(&m->spec);
    const mid_key key = learns ? mid__scores_key(run, set, m) : mid__family_key(run, set, m);
    mid_weights *w = NULL;
    mid_rule rule;
    void *bytes = NULL;
    size_t n = 0;
    mid_status status = get_blob(run, "weights", &key, &bytes, &n);

    if (status != MID_OK)
        return status;
    status = mid_weights_unpack(run->ctx, bytes, n, &w);
    if (status == MID_OK && m->spec.n_aggregate && !learns)
        status = mid__chain_fit(run->ctx, &m->spec, NULL, w);
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
