/* Running a plan: for each data entry capture, judge, then fit, score and measure every monitor; at last the report.
 * Each step finds in the store what is there already, so a run that was killed goes on where it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/file.h"
#include "bench/crew.h"
#include "bench/json.h"
#include "bench/pool.h"
#include "bench/results.h"
#include "midstream/report.h"
#include "source/engine.h"

mid_run_opts mid_run_opts_default(void) { return (mid_run_opts){ .size = sizeof(mid_run_opts) }; }

static mid_status keep(mid__run *run, const mid_key *key, const char *cells, const char *curves)
{
    const mid__moment start = mid__moment_now();
    mid_status status = mid_store_begin(run->ctx, run->store);

    if (status == MID_OK)
        status = mid_store_put_blob(run->ctx, run->store, "cells", key, cells, strlen(cells) + 1);
    if (status == MID_OK)
        status = mid_store_put_blob(run->ctx, run->store, "curves", key, curves, strlen(curves) + 1);
    if (status == MID_OK)
        status = mid_store_commit(run->ctx, run->store);
    if (status != MID_OK)
        mid_store_rollback(run->store);
    mid__spent_add(run->spent, MID__TASK_STORE, start);
    return status;
}

static bool is_baseline(const mid_plan *plan, const mid_plan_monitor *m)
{
    return plan->baseline && strcmp(mid__monitor_label(m), plan->baseline) == 0;
}

/* What a set's monitors are compared with: the plan's baseline, NULL where there is none, and the controls. The key is
 * of all their scores. */
struct beside {
    const mid_plan_monitor *m;
    const mid__scores *scores;
    mid__control *control;          /* (n_control) */
    size_t n_control;
    mid_key key;
};

/* Figures from one seed's scores or several's. */
static mid_status measure(mid__run *run, const mid__set *set, const mid_plan_monitor *m, const mid__scores *scores,
                          const struct beside *beside, size_t n_repeat, char **cells, char **curves)
{
    const mid__moment start = mid__moment_now();
    const mid_status status = mid__measure(run, set, m, scores, beside->m == m ? NULL : beside->scores,
                                           beside->control, beside->n_control, n_repeat, cells, curves);

    mid__spent_add(run->spent, MID__TASK_MEASURE, start);
    return status;
}

static mid_status find_beside(const mid__run *run, const mid__set *set, const mid__scores *scores, struct beside *b)
{
    const mid_plan *plan = run->plan;
    size_t k;

    *b = (struct beside){ .control = calloc(plan->n_monitor + 1, sizeof *b->control) };
    if (!b->control)
        return mid__oom(run->ctx, "controls");
    for (k = 0; k < plan->n_monitor; k++) {
        const mid_plan_monitor *m = &plan->monitor[k];
        const bool control = m->reads.box == MID_BOX_CONTROL, baseline = is_baseline(plan, m);
        if (!scores[k].defined || (!control && !baseline))
            continue;
        b->key = mid_key_of("beside", b->key.hex, mid__scores_key(run, set, m).hex, NULL);
        if (control)
            b->control[b->n_control++] = (mid__control){ m, &scores[k] };
        if (baseline) {
            b->m = m;
            b->scores = &scores[k];
        }
    }
    return MID_OK;
}

/* Cells and curves of one monitor, from the store or measured now. What could not be scored is not kept: it may be
 * another time. */
static mid_status measured(mid__run *run, mid__results *results, const mid__set *set, const mid_plan_monitor *m,
                           const mid__scores *scores, const struct beside *beside, const char *plan_json)
{
    const mid_key of_scores = mid__scores_key(run, set, m);
    const mid_key key = mid_key_of("cells", set->is_self_judged ? "8 self-judged" : "8", of_scores.hex, set->sentences.hex, beside->key.hex, set->name,
                                   mid__monitor_label(m), plan_json, NULL);
    const mid__moment start = mid__moment_now();
    char *cells = NULL, *curves = NULL;
    size_t n;
    mid_status status = mid_store_get_blob(run->ctx, run->store, "cells", &key, (void **)&cells, &n);

    if (status == MID_OK)
        status = mid_store_get_blob(run->ctx, run->store, "curves", &key, (void **)&curves, &n);
    mid__spent_add(run->spent, MID__TASK_STORE, start);
    if (status != MID_OK) {
        mid_free(cells);
        cells = curves = NULL;
        status = measure(run, set, m, scores, beside, 1, &cells, &curves);
        if (status == MID_OK && scores->defined)
            status = keep(run, &key, cells, curves);
    }
    if (status == MID_OK)
        mid__results_cells(results, cells, curves);
    mid_free(cells);
    mid_free(curves);
    return status;
}

/* out/fitted/<data>.<monitor>.safetensors, for `watch`, `score` and C programs. */
static mid_status save_fitted(mid__run *run, const mid__set *set, const mid_plan_monitor *m, const mid__scores *scores)
{
    const mid__moment start = mid__moment_now();
    mid_weights *w = NULL;
    mid__buf path = { 0 };
    mid_status status = mid__fitted_of(run, set, m, scores, &w);

    if (status == MID_ENOTFOUND)
        return MID_OK;
    mid__buf_fmt(&path, "%s/fitted", run->opts->out_dir);
    if (status == MID_OK)
        status = mid__file_mkdir(run->ctx, path.at);
    mid__buf_fmt(&path, "/%s.%s.safetensors", set->name, mid__monitor_label(m));
    if (status == MID_OK)
        status = path.failed ? mid__oom(run->ctx, "a path") : mid_weights_save(run->ctx, w, path.at);
    mid__buf_clear(&path);
    mid_weights_close(w);
    mid__spent_add(run->spent, MID__TASK_REPORT, start);
    return status;
}

/* Why a monitor is left out on a set, known before any work; "": it is not. */
static void left_out(const mid_plan_monitor *m, const mid__set *set, char why[200])
{
    why[0] = 0;
    if (mid__monitor_runs_on(m, set) && mid__lacks_judge(m, set))
        snprintf(why, 200, "it looks at a judge's verdicts; give data '%.80s' (line %d) a 'judge'", set->name,
                 set->data->line);
}

static void tell_left_out(mid__run *run, const mid__set *set)
{
    const mid_plan *plan = run->plan;
    char why[200];
    size_t k;

    for (k = 0; k < plan->n_monitor; k++) {
        left_out(&plan->monitor[k], set, why);
        if (why[0])
            mid__log(run->ctx, MID_LOG_WARN, "%s:%d: %s is left out on %s: %s", plan->file, plan->monitor[k].line,
                     mid__monitor_label(&plan->monitor[k]), set->name, why);
    }
}

/* Work is shared out by families: entries of one monitor with the same parameters are fitted once. */
struct fitting {
    mid__run *run;
    const mid__set *set;
    mid__scores *scores;            /* (plan->n_monitor) */
    size_t *family, *first;         /* (plan->n_monitor) which one an entry is of; (n_family) its first entry */
    size_t n_family;
};

static mid_status find_families(struct fitting *f)
{
    const mid_plan *plan = f->run->plan;
    mid_key *key = malloc((plan->n_monitor + 1) * sizeof *key);
    size_t k, i;

    f->family = malloc((plan->n_monitor + 1) * sizeof *f->family);
    f->first = malloc((plan->n_monitor + 1) * sizeof *f->first);
    if (!key || !f->family || !f->first) {
        free(key);
        return mid__oom(f->run->ctx, "monitors");
    }
    for (k = 0; k < plan->n_monitor; k++) {
        f->family[k] = SIZE_MAX;
        if (!mid__monitor_runs_on(&plan->monitor[k], f->set) || f->scores[k].why[0])
            continue;
        key[k] = mid__family_key(f->run, f->set, &plan->monitor[k]);
        for (i = 0; i < f->n_family && strcmp(key[f->first[i]].hex, key[k].hex) != 0; i++)
            ;
        f->family[k] = i;
        if (i == f->n_family)
            f->first[f->n_family++] = k;
    }
    free(key);
    return MID_OK;
}

static mid_status score_one(void *user, mid_ctx *ctx, int i_worker, size_t i_family)
{
    const struct fitting *f = user;
    const mid_plan *plan = f->run->plan;
    const mid_plan_monitor **m = malloc((plan->n_monitor + 1) * sizeof *m);
    mid__scores **scores = malloc((plan->n_monitor + 1) * sizeof *scores);
    mid__run mine = *f->run;
    mid_status status = m && scores ? MID_OK : mid__oom(ctx, "monitors");
    size_t k, n = 0;

    (void)i_worker;
    mine.ctx = ctx;
    for (k = 0; status == MID_OK && k < plan->n_monitor; k++)
        if (f->family[k] == i_family) {
            m[n] = &plan->monitor[k];
            scores[n++] = &f->scores[k];
        }
    if (status == MID_OK)
        status = mid__scores_of_family(&mine, f->set, m, n, scores);
    if (status != MID_OK)
        status = mid__within(ctx, status, "%s:%d", plan->file, plan->monitor[f->first[i_family]].line);
    free(m);
    free(scores);
    return status;
}

static mid_status score_all(mid__run *run, const mid__set *set, mid__scores *scores)
{
    const mid_plan *plan = run->plan;
    struct fitting f = { .run = run, .set = set, .scores = scores };
    mid__stage stage;
    mid_status status;
    size_t k;

    for (k = 0; k < plan->n_monitor; k++)
        left_out(&plan->monitor[k], set, scores[k].why);
    status = find_families(&f);
    mid__stage_begin(&stage, run->ctx, f.n_family, "monitors", "fitting and scoring on %s", set->name);
    if (status == MID_OK)
        status = mid__pool_run(run->ctx, mid__pool_size(run->opts->n_threads, f.n_family), f.n_family, score_one, &f,
                               &stage, 1, run->spent);
    for (k = 0; status == MID_OK && k < plan->n_monitor; k++) {
        const mid_plan_monitor *m = &plan->monitor[k];
        if (scores[k].why[0] && f.family[k] != SIZE_MAX)
            mid__log(run->ctx, MID_LOG_WARN, "%s:%d: %s cannot be scored on %s: %s", plan->file, m->line,
                     mid__monitor_label(m), set->name, scores[k].why);
        if ((m->reads.needs | m->reads.fit_needs) & MID_SIG_JUDGE) {     /* a verdict's time, spread over the tokens it stands for */
            scores[k].us_p50 += set->judge_us;
            scores[k].us_p95 += set->judge_us;
        }
    }
    free(f.family);
    free(f.first);
    return status;
}

/* Figures, and what else others take from a run: fitted files and a few answers with their scores. */
static mid_status measure_all(mid__run *run, mid__results *results, const mid__set *set, const mid__scores *scores,
                              const char *plan_json)
{
    const mid_plan *plan = run->plan;
    struct beside beside;
    mid__stage stage;
    mid__moment start;
    mid_status status = find_beside(run, set, scores, &beside);
    size_t k;

    mid__stage_begin(&stage, run->ctx, plan->n_monitor, "monitors", "measuring on %s", set->name);
    for (k = 0; status == MID_OK && k < plan->n_monitor; k++) {
        if (mid__monitor_runs_on(&plan->monitor[k], set))
            status = measured(run, results, set, &plan->monitor[k], &scores[k], &beside, plan_json);
        if (status == MID_OK && scores[k].defined && !plan->monitor[k].as)
            status = save_fitted(run, set, &plan->monitor[k], &scores[k]);
        if (status == MID_OK)
            status = mid__stage_step(&stage, 1);
    }
    free(beside.control);
    if (status != MID_OK)
        return status;
    start = mid__moment_now();
    mid__results_index(results, set, scores);
    status = mid__results_answers(results, set, scores);
    mid__spent_add(run->spent, MID__TASK_REPORT, start);
    return status;
}

/* Fit and score all monitors of a set, and unless plan_json is NULL measure them. */
static mid_status monitors_of(mid__run *run, mid__results *results, const mid__set *set, const char *plan_json)
{
    const size_t n = run->plan->n_monitor;
    mid__scores *scores = calloc(n + 1, sizeof *scores);
    double start_s = mid__now_s();
    mid_status status = scores ? score_all(run, set, scores) : mid__oom(run->ctx, "scores");
    size_t k;

    mid__results_stage(results, set->name, "fit and score", mid__now_s() - start_s);
    start_s = mid__now_s();
    if (status == MID_OK && plan_json) {
        status = measure_all(run, results, set, scores, plan_json);
        mid__results_stage(results, set->name, "measure", mid__now_s() - start_s);
    }
    for (k = 0; scores && k < n; k++)
        mid__scores_clear(&scores[k]);
    free(scores);
    return status;
}

/* ---- several seeds ----------------------------------------------------------------------------------------------- */

/* The run of one seed of several: its plan is the plan with that seed, its folds are cut by it. */
static mid__run of_seed(const mid__run *run, size_t i_seed, mid_plan *plan, mid__set *set)
{
    mid__run mine = *run;

    *plan = *run->plan;
    plan->seed = plan->seeds[i_seed];
    mine.plan = plan;
    mid__set_cut(set, plan);
    mid__set_key(set);
    return mine;
}

/* A monitor's scores of every seed, which the store has by now. *defined: it has some under each. */
static mid_status scores_of_seeds(mid__run *run, mid__set *set, const mid_plan_monitor *m, mid__scores *scores,
                                  bool *defined)
{
    mid_status status = MID_OK;
    size_t i;

    *defined = true;
    for (i = 0; status == MID_OK && i < run->plan->n_seed; i++) {
        mid_plan plan;
        mid__run mine = of_seed(run, i, &plan, set);
        status = mid__scores_of(&mine, set, m, &scores[i]);
        *defined &= scores[i].defined;
    }
    return status;
}

/* Every monitor that others are compared with, with its scores of every seed; of the controls those that have some
 * under each. owned (n_monitor, n_seed) is the caller's to clear. */
static mid_status find_beside_of_seeds(mid__run *run, mid__set *set, mid__scores *owned, struct beside *b)
{
    const mid_plan *plan = run->plan;
    mid_status status = MID_OK;
    size_t k;

    for (k = 0; status == MID_OK && k < plan->n_monitor; k++) {
        const mid_plan_monitor *m = &plan->monitor[k];
        mid__scores *scores = owned + k * plan->n_seed;
        const bool control = m->reads.box == MID_BOX_CONTROL, baseline = is_baseline(plan, m);
        bool defined;
        if ((!control && !baseline) || !mid__monitor_runs_on(m, set) || mid__lacks_judge(m, set))
            continue;
        status = scores_of_seeds(run, set, m, scores, &defined);
        if (status != MID_OK || !defined)
            continue;
        if (control)
            b->control[b->n_control++] = (mid__control){ m, scores };
        if (baseline) {
            b->m = m;
            b->scores = scores;
        }
    }
    return status;
}

static void clear_scores(mid__scores *scores, size_t n)
{
    size_t i;

    for (i = 0; scores && i < n; i++)
        mid__scores_clear(&scores[i]);
    free(scores);
}

/* The figures of all seeds together. */
static mid_status summarise(mid__run *run, mid__results *results, mid__set *set)
{
    const mid_plan *plan = run->plan;
    mid__scores *scores = calloc(plan->n_seed, sizeof *scores);
    mid__scores *of_beside = calloc(plan->n_monitor * plan->n_seed, sizeof *of_beside);
    struct beside beside = { .control = calloc(plan->n_monitor + 1, sizeof *beside.control) };
    bool defined;
    mid_status status = scores && of_beside && beside.control ? MID_OK : mid__oom(run->ctx, "scores");
    size_t k, i;

    if (status == MID_OK)
        status = find_beside_of_seeds(run, set, of_beside, &beside);
    for (k = 0; status == MID_OK && k < plan->n_monitor; k++) {
        const mid_plan_monitor *m = &plan->monitor[k];
        char *cells = NULL, *curves = NULL;
        if (!mid__monitor_runs_on(m, set) || mid__lacks_judge(m, set))
            continue;
        status = scores_of_seeds(run, set, m, scores, &defined);
        if (status == MID_OK)
            status = measure(run, set, m, scores, &beside, plan->n_seed, &cells, &curves);
        if (status == MID_OK)
            mid__results_cells(results, cells, curves);
        mid_free(cells);
        mid_free(curves);
        for (i = 0; i < plan->n_seed; i++)
            mid__scores_clear(&scores[i]);
    }
    clear_scores(scores, plan->n_seed);
    clear_scores(of_beside, plan->n_monitor * plan->n_seed);
    free(beside.control);
    return status;
}

/* Everything behind the answers, once or once for each seed. Fits, and figures of one seed, are those of the first: of
 * the others only what all have together is told, or results would be as many times as large. */
static mid_status all_seeds(mid__run *run, mid__results *results, mid__set *set, const char *plan_json)
{
    const double start_s = mid__now_s();
    mid_status status = MID_OK;
    size_t i;

    if (!run->plan->n_seed)
        return monitors_of(run, results, set, plan_json);
    for (i = 0; status == MID_OK && i < run->plan->n_seed; i++) {
        mid_plan plan;
        mid__run mine = of_seed(run, i, &plan, set);
        mid__log(run->ctx, MID_LOG_INFO, "%s: seed %llu, %zu of %zu", set->name, (unsigned long long)plan.seed, i + 1,
                 plan.n_seed);
        status = monitors_of(&mine, results, set, i == 0 ? plan_json : NULL);
    }
    if (status == MID_OK)
        status = summarise(run, results, set);
    mid__results_stage(results, set->name, "all seeds", mid__now_s() - start_s);
    return status;
}

/* The judge's part in a capture, with what it was asked, whichever run asked it. */
static void judge_stage(mid__results *results, const mid__set *set)
{
    const mid__judged *j = &set->judged;
    mid__buf *b = &results->stages;
    char name[200];

    snprintf(name, sizeof name, "%s: judge", set->name);
    mid__buf_text(b, b->n ? ",\n{\"name\":" : "{\"name\":");
    mid__json_text(b, name);
    mid__buf_fmt(b, ",\"seconds\":%.2f,\"judge\":\"%s\",\"n_verdict\":%.0f,\"n_missing\":%.0f,\"n_call\":%.0f,"
                 "\"n_retry\":%.0f}", j->time_s, set->judge_id, j->n_verdict, j->n_missing, j->n_call, j->n_retry);
}

/* Groups are cut so that none is in two folds; like prompts under different groups may be. */
static mid_status check_leaks(mid__run *run, mid__set *set)
{
    const mid__moment start = mid__moment_now();
    const char **prompt = malloc((set->n + 1) * sizeof *prompt);
    uint32_t *group = malloc((set->n + 1) * sizeof *group);
    int *fold = malloc((set->n + 1) * sizeof *fold);
    mid_status status = prompt && group && fold ? MID_OK : mid__oom(run->ctx, "prompts");
    size_t i;

    for (i = 0; status == MID_OK && i < set->n; i++) {
        prompt[i] = set->answer[i].sample->prompt;
        group[i] = set->answer[i].group;
        fold[i] = set->answer[i].fold;
    }
    if (status == MID_OK)
        status = mid__leak_of(run->ctx, prompt, group, fold, set->n, &set->leak);
    if (status == MID_OK && set->leak.n_near)
        mid__log(run->ctx, MID_LOG_WARN, "%s:%d: %zu of %zu prompts of %s have a near duplicate in another fold; "
                 "'group' can keep them together", run->plan->file, set->data->line, set->leak.n_near, set->leak.n_prompt, set->name);
    free(prompt);
    free(group);
    free(fold);
    mid__spent_add(run->spent, MID__TASK_DATA, start);
    return status;
}

static bool is_capture_only(const mid__run *run) { return run->opts->estimate_only || run->opts->n_shard; }

/* Answers of another wording, engine or version of the data do not belong into one store: mid_run_merge() compares. */
static mid_status put_data_fact(mid__run *run, const mid__set *set)
{
    char fact[160];

    snprintf(fact, sizeof fact, "data.%.100s", set->name);
    return mid_store_put_fact(run->ctx, run->store, fact, mid_dataset_hash(set->dataset));
}

static mid_status put_run_facts(mid__run *run, const char *plan_json)
{
    mid_status status = mid_store_put_fact(run->ctx, run->store, "plan", plan_json);

    return status == MID_OK ? mid_store_put_fact(run->ctx, run->store, "engine", run->engine) : status;
}

/* One data entry. One with a single class is carried through (its figures say why they are empty) and told at the end. */
static mid_status one_set(mid__run *run, mid__results *results, const mid_plan_data *data, const char *plan_json,
                          mid__set *set, bool *one_class)
{
    const mid__moment start = mid__moment_now();
    mid_status status = mid__set_open(run, data, set);

    mid__spent_add(run->spent, MID__TASK_DATA, start);
    *one_class = false;
    if (status == MID_OK && !set->skipped) {
        tell_left_out(run, set);
        status = put_data_fact(run, set);
    }
    if (status == MID_OK && !set->skipped && !is_capture_only(run))
        status = mid__set_labelers(run, set);
    if (status == MID_OK && !set->skipped)
        status = mid__set_capture(run, set);
    if (status != MID_OK || is_capture_only(run))
        return status;
    mid__results_stage(results, set->name, "capture", mid__now_s() - start.wall_s);
    if (set->judge_id[0])
        judge_stage(results, set);
    if (!set->skipped)
        status = mid__set_judge(run, set);
    if (status == MID_OK && !set->skipped)
        status = check_leaks(run, set);
    if (status == MID_OK)
        status = mid__results_set(results, set);
    if (status != MID_OK || set->skipped) {
        *one_class = set->dataset && set->n == 0;
        return status;
    }
    *one_class = set->n_unsafe == 0 || set->n_unsafe == set->n - set->n_attacked;
    return all_seeds(run, results, set, plan_json);
}

static mid_status open_store(mid__run *run)
{
    const bool stored_only = run->opts->stored_only;
    mid__buf path = { 0 };
    mid_status status = stored_only ? MID_OK : mid__file_mkdir(run->ctx, run->opts->out_dir);

    mid__buf_fmt(&path, "%s/run.db", run->opts->out_dir);
    if (path.failed)
        status = mid__oom(run->ctx, "a path");
    else if (stored_only && access(path.at, R_OK) != 0)
        status = mid__fail(run->ctx, MID_ENOTFOUND, "%s: no such store: a run with stored answers needs one there, as "
                           "another run made it", path.at);
    if (status == MID_OK)
        status = mid_store_open(run->ctx, path.at, &run->store);
    mid__buf_clear(&path);
    return status;
}

/* The engine of this program, or that which a store's answers were made with. *kept is owned. */
static mid_status find_engine(mid__run *run, char **kept)
{
    mid_status status = MID_OK;

    if (run->opts->stored_only)
        status = mid_store_get_fact(run->ctx, run->store, "engine", kept);
    run->engine = *kept ? *kept : mid__engine_version();
    return status;
}

/* Keys are secrets: the caller brings them, and none is looked for. */
static mid_status check_keys(mid_ctx *ctx, const mid_plan *plan)
{
    size_t i, k;

    for (i = 0; i < plan->n_data; i++) {
        const mid_plan_judge *j = plan->data[i].judge;
        if (j && j->key_env && !j->key)
            return mid__fail(ctx, MID_EINVAL, "%s:%d: the judge's key, key_env '%.60s', was not given to this run",
                             plan->file, j->line, j->key_env);
        for (k = 0; k <= plan->data[i].n_other_labeler; k++) {
            const mid_plan_labeler *l = mid__plan_labeler(&plan->data[i], k);
            if (l && l->key_env && !l->key)
                return mid__fail(ctx, MID_EINVAL, "%s:%d: the key of labeler %s, key_env '%.60s', was not given to this run",
                                 plan->file, l->line, l->name, l->key_env);
        }
    }
    for (i = 0; i < plan->n_model; i++) {
        const mid_plan_model *m = &plan->model[i];
        if (m->key_env && !m->key)
            return mid__fail(ctx, MID_EINVAL, "%s:%d: the key of model '%.60s', key_env '%.60s', was not given to this run",
                             plan->file, m->line, m->name, m->key_env);
    }
    return MID_OK;
}

static mid_status check_opts(mid_ctx *ctx, const mid_plan *plan, const mid_run_opts *opts)
{
    const bool is_hand = opts && opts->crew && opts->crew->rank > 0;

    if (!opts || (!opts->out_dir && !is_hand))
        return mid__fail(ctx, MID_EINVAL, "a run needs an output folder");
    if (opts->stored_only && (opts->estimate_only || opts->n_shard || (opts->crew && opts->crew->n_rank > 1)))
        return mid__fail(ctx, MID_EINVAL, "a run with stored answers makes none: it has no estimate, shards or ranks");
    if (opts->n_shard < 0 || opts->i_shard < 0 || (opts->n_shard && opts->i_shard >= opts->n_shard))
        return mid__fail(ctx, MID_EINVAL, "shard %d of %d: shards are numbered from 0 and below their number",
                         opts->i_shard, opts->n_shard);
    if (opts->crew && (opts->crew->n_rank < 1 || opts->crew->n_rank > MID__WORKER_MAX || opts->crew->rank < 0 ||
                       opts->crew->rank >= opts->crew->n_rank))
        return mid__fail(ctx, MID_EINVAL, "rank %d of %d: a run has at most %d, numbered from 0; more machines can make "
                         "shards", opts->crew->rank, opts->crew->n_rank, MID__WORKER_MAX);
    if (plan->n_fold < 3)
        return mid__fail(ctx, MID_EINVAL, "%s: folds %d: at least 3 are needed (fit, calibrate, test)", plan->file,
                         plan->n_fold);
    return check_keys(ctx, plan);
}

/* A rank above 0 goes through the plan's entries as rank 0 does and makes what it is handed. */
static mid_status run_as_hand(mid_ctx *ctx, const mid_plan *plan, const mid_run_opts *opts)
{
    mid__order order = { 0 };
    mid__run run = { .ctx = ctx, .plan = plan, .opts = opts, .order = &order, .engine = mid__engine_version() };
    mid_status status = check_opts(ctx, plan, opts);
    size_t i;

    for (i = 0; status == MID_OK && i < plan->n_data; i++) {
        mid__set set;
        status = mid__set_open(&run, &plan->data[i], &set);
        if (status == MID_OK && !set.skipped)
            status = mid__set_capture(&run, &set);
        mid__set_close(&set);
    }
    if (status != MID_OK)
        mid__crew_fail(ctx, opts->crew, status);
    mid__order_clear(&order);
    return status;
}

static mid_status write_all(mid__run *run, mid__results *results)
{
    mid_status status = mid__results_write(results);
    const mid__moment start = mid__moment_now();

    if (status == MID_OK)
        status = mid_report_write(run->ctx, run->opts->out_dir);
    mid__spent_add(run->spent, MID__TASK_REPORT, start);
    return status;
}

mid_status mid_run(mid_ctx *ctx, const mid_plan *plan, const mid_run_opts *opts)
{
    pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
    mid__spent spent;
    mid__run run = { .ctx = ctx, .plan = plan, .opts = opts, .store_lock = &store_lock, .spent = &spent };
    mid__results results;
    char *plan_json = NULL, *engine = NULL, trouble[800] = "";
    mid_status status;
    size_t i;

    if (opts && mid__crew_is_hand(&run))
        return run_as_hand(ctx, plan, opts);
    mid__spent_init(&spent);
    status = check_opts(ctx, plan, opts);
    if (status == MID_OK)
        status = mid_plan_json(ctx, plan, &plan_json);
    if (status == MID_OK)
        status = open_store(&run);
    if (status == MID_OK)
        status = find_engine(&run, &engine);
    if (status == MID_OK)
        status = put_run_facts(&run, plan_json);
    mid__results_init(&results, &run);
    for (i = 0; status == MID_OK && i < plan->n_data; i++) {
        mid__set set;
        bool one_class;
        status = one_set(&run, &results, &plan->data[i], plan_json, &set, &one_class);
        if (status == MID_OK && one_class && set.skipped)
            snprintf(trouble, sizeof trouble, "%s:%d: data '%s': %s", plan->file, plan->data[i].line, set.name, set.why);
        else if (status == MID_OK && one_class)
            snprintf(trouble, sizeof trouble, "%s:%d: data '%s' has %zu answers, %zu of them unsafe: nothing can be told apart; "
                     "use more data or another labeler", plan->file, plan->data[i].line, set.name, set.n, set.n_unsafe);
        mid__set_close(&set);
    }
    if (opts && mid__crew_works(&run))
        mid__crew_dismiss(opts->crew);
    if (status == MID_OK && !is_capture_only(&run))
        status = write_all(&run, &results);
    mid__results_clear(&results);
    mid_store_close(run.store);
    mid_free(engine);
    mid_free(plan_json);
    if (status == MID_OK && !opts->estimate_only)
        mid__spent_tell(&spent, ctx);
    mid__spent_clear(&spent);
    if (status == MID_OK && trouble[0])
        status = mid__fail(ctx, MID_EUNDEFINED, "%s (everything else was done and reported)", trouble);
    return status;
}
