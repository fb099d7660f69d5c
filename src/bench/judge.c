/* Labels for a set's answers. Each run judges anew: that costs little, and a label depends on more than its trace's key
 * tells, on references and word lists. Only a model's or a service's verdicts, which are dear, are kept as they come
 * and not asked for again. The store has all labels, for other programs to read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "bench/agreement.h"
#include "bench/pool.h"
#include "bench/set.h"

/* ---- who labels ---- */

static const char *labeler_of(const mid__set *set)
{
    const bool generated = strcmp(set->data->source, "recorded") != 0;
    const char *task = set->answer[0].sample->task;
    const mid_task_info *t;

    if (set->data->labeler)
        return set->data->labeler;
    for (t = mid_task_list(); t->name; t++)
        if (strcmp(t->name, task) == 0)
            return generated && t->generated_labeler ? t->generated_labeler : t->default_labeler;
    return "data";
}

static const char *path_of(const mid_plan *plan, const char *model)
{
    const mid_plan_model *m = plan->model;

    while (strcmp(m->name, model) != 0)     /* the plan loader has seen to it that it is there */
        m++;
    return m->path;
}

enum { BROUGHT_MAX = 4 };           /* beside what the plan sets: whom to ask, key, cache, threads */

/* What the plan sets and what the run brings, as far as this labeler has it. A service has its 'url'; what a judge calls
 * 'model' is a file or a URL. @param[out] out owned. */
static mid_status params_of(const mid__run *run, const mid_plan_labeler *by, const char *name, mid_param **out)
{
    const mid_labeler_info *const *info = mid_labeler_list();
    const mid_param brought[BROUGHT_MAX] = {
        by && by->model ? (mid_param){ .name = "model", .text = path_of(run->plan, by->model) }
                        : (mid_param){ .name = strcmp(name, "judge") == 0 ? "model" : "url", .text = by ? by->url : NULL },
        { .name = "key", .text = by ? by->key : NULL },
        { .name = "cache", .text = run->opts->cache_dir },
        { .name = "threads", .number = 1 },
    };
    const mid_param *p;
    size_t n = 0, i;

    while (*info && strcmp((*info)->name, name) != 0)
        info++;
    for (p = by ? by->params : NULL; p && p->name; p++)
        n++;
    *out = calloc(n + BROUGHT_MAX + 1, sizeof **out);
    if (!*out)
        return mid__oom(run->ctx, "a labeler's parameters");
    if (n)
        memcpy(*out, by->params, n * sizeof **out);
    for (i = 0; i < BROUGHT_MAX; i++)
        for (p = *info ? (*info)->params : NULL; p && p->name; p++)
            if (strcmp(p->name, brought[i].name) == 0 && (!p->text || brought[i].text))
                (*out)[n++] = brought[i];
    return MID_OK;
}

/* Its word lists lie in the first data folder that has any. */
static mid_status open_labeler(mid__run *run, const mid__set *set, size_t k, mid_labeler **out)
{
    const mid_plan_labeler *by = mid__plan_labeler(set->data, k);
    const char *name = by ? by->name : set->labeler;
    mid_param *params = NULL;
    mid_status status = params_of(run, by, name, &params);
    size_t i;

    if (status == MID_OK)
        status = MID_ENOTFOUND;
    for (i = 0; status == MID_ENOTFOUND && i <= run->opts->n_data_dir; i++)
        status = mid_labeler_open(run->ctx, name, params, i < run->opts->n_data_dir ? run->opts->data_dir[i] : NULL,
                                  out);
    free(params);
    return status == MID_OK ? status : mid__within(run->ctx, status, "%s:%d: labeler '%s'", run->plan->file,
                                                   by ? by->line : set->data->line, name);
}

/* The file of a judge in process, which may do nothing else in this plan, for provenance. */
static mid_status note_model(mid__run *run, const mid_plan_labeler *by, const mid_labeler *labeler)
{
    const char *hash = mid__labeler_asks(labeler);
    char fact[160], value[100], *known = NULL;
    mid_status status;

    snprintf(fact, sizeof fact, "model.%.100s", by->model);
    snprintf(value, sizeof value, "%s\na judge", hash);
    status = mid_store_get_fact(run->ctx, run->store, fact, &known);
    if (status != MID_OK || strncmp(known, hash, strlen(hash)) != 0)
        status = mid_store_put_fact(run->ctx, run->store, fact, value);
    mid_free(known);
    return status;
}

mid_status mid__set_labelers(mid__run *run, mid__set *set)
{
    const mid__moment start = mid__moment_now();
    mid_status status = MID_OK;
    size_t k;

    set->opened = calloc(1 + set->data->n_other_labeler, sizeof(mid_labeler *));
    if (!set->opened)
        return mid__oom(run->ctx, set->name);
    set->labeler = labeler_of(set);
    for (k = 0; status == MID_OK && k <= set->data->n_other_labeler; k++) {
        const mid_plan_labeler *by = mid__plan_labeler(set->data, k);
        status = open_labeler(run, set, k, &set->opened[k]);
        if (status == MID_OK && by && by->model)
            status = note_model(run, by, set->opened[k]);
        if (status != MID_EIO || strcmp(by ? by->name : set->labeler, "tests") != 0)
            continue;
        /* no sandbox: answers are made all the same, and kept for a machine that has one */
        mid__log(run->ctx, MID_LOG_WARN, "%s stays unlabelled: %s", set->name, mid_ctx_message(run->ctx));
        if (k == 0)
            snprintf(set->no_label, sizeof set->no_label, "%s", mid_ctx_message(run->ctx));
        status = MID_OK;
    }
    mid__spent_add(run->spent, MID__TASK_LABEL, start);
    return status;
}

/* ---- labelling ---- */

/* Token in which a byte of the answer lies; -1 for none. */
static int32_t token_at(const mid_trace *trace, int64_t byte)
{
    mid_step step;
    uint32_t t;

    for (t = 0; byte >= 0 && t < mid_trace_n_tok(trace); t++) {
        mid_trace_step(trace, t, NULL, &step);
        if (byte < (int64_t)step.at_byte + step.n_text)
            return (int32_t)t;
    }
    return -1;
}

/* What is unsafe about the answer lies behind where it was cut: its label says nothing about what was read. */
static bool is_cut_before_onset(const mid__answer *a)
{
    size_t n;

    mid_trace_text(a->trace, &n);
    return a->label.unsafe == 1 && a->label.onset_byte >= (int64_t)n;
}

/* One of a set's labelers at work. */
struct judging {
    mid__run *run;
    mid__set *set;
    mid_labeler **labeler;          /* (n_labeler) of each worker, or one for all of them */
    size_t n_labeler;
    mid__said_by *said;
};

/* A model's or a service's verdict that an earlier run has got. One that nobody gave is asked for again. */
static bool is_kept(const struct judging *j, mid_ctx *ctx, const mid__answer *a, mid_label *label)
{
    mid_label kept;
    mid_status status;

    pthread_mutex_lock(j->run->store_lock);
    status = mid_store_get_label(ctx, j->run->store, &a->key, mid__labeler_id(j->labeler[0]), &kept);
    pthread_mutex_unlock(j->run->store_lock);
    if (status != MID_OK || isnan(kept.score))
        return false;
    *label = kept;
    return true;
}

static mid_status keep(const struct judging *j, mid_ctx *ctx, const mid__answer *a, const mid_label *label)
{
    mid_status status;

    pthread_mutex_lock(j->run->store_lock);
    status = mid_store_put_label(ctx, j->run->store, &a->key, mid__labeler_id(j->labeler[0]), label);
    pthread_mutex_unlock(j->run->store_lock);
    return status;
}

static mid_status judge_one(void *user, mid_ctx *ctx, int i_worker, size_t i)
{
    const struct judging *j = user;
    const mid_labeler *labeler = j->labeler[(size_t)i_worker % j->n_labeler];
    const bool is_dear = mid__labeler_is_dear(labeler);
    const mid__answer *a = &j->set->answer[i];
    mid_label *label = &j->said->label[i];
    size_t n;
    const char *text = mid_trace_text(a->trace, &n);
    const mid__moment start = mid__moment_now();
    mid_status status = MID_OK;

    if (!is_dear || !is_kept(j, ctx, a, label)) {
        status = mid_labeler_judge(ctx, labeler, a->sample, text, n, label);
        if (status == MID_OK && is_dear)
            status = keep(j, ctx, a, label);
    }
    mid__spent_add(j->run->spent, MID__TASK_LABEL, start);
    return status;
}

/* A verdict of an earlier run counts as well: a judge's score without a label is one that changed with the order. */
static void count_said(struct judging *j)
{
    mid_labeler_counts *sum = &j->said->counts, one;
    size_t i;

    for (i = 0; i < j->n_labeler; i++) {
        mid_labeler_count(j->labeler[i], &one);
        sum->n_failed += one.n_failed;
        sum->n_unparsable += one.n_unparsable;
        sum->n_swayed += one.n_swayed;
    }
    if (!mid__labeler_asks(j->labeler[0]))
        return;
    for (i = 0, one.n_swayed = 0; i < j->set->n; i++)
        one.n_swayed += j->said->label[i].unsafe < 0 && !isnan(j->said->label[i].score);
    if (one.n_swayed > sum->n_swayed)
        sum->n_swayed = one.n_swayed;
}

static void tell_said(mid__run *run, const mid__set *set, const char *name, const mid_labeler_counts *c)
{
    if (c->n_failed)
        mid__log(run->ctx, MID_LOG_WARN, "%s: labeler %s: no usable reply to %llu of %zu answers; another run asks "
                 "again", set->name, name, (unsigned long long)c->n_failed, set->n);
    if (c->n_unparsable || c->n_swayed)
        mid__log(run->ctx, MID_LOG_WARN, "%s: labeler %s: of %zu answers, %llu replies were neither yes nor no, and "
                 "%llu verdicts changed with the order of the options", set->name, name, set->n,
                 (unsigned long long)c->n_unparsable, (unsigned long long)c->n_swayed);
}

/* All answers by the set's k-th labeler, several at a time: one that runs programs or asks a model takes its time.
 * Every worker has a judge in process of its own, on one thread, as when answers are made. */
static mid_status judge_all(mid__run *run, mid__set *set, size_t k, mid__said_by *said)
{
    const mid_plan_labeler *by = mid__plan_labeler(set->data, k);
    const int n_worker = mid__pool_size(run->opts->n_threads, set->n);
    mid_labeler *own[MID__WORKER_MAX] = { set->opened[k] };
    struct judging j = { run, set, own, 1, said };
    const mid__moment start = mid__moment_now();
    mid__stage stage;
    mid_status status = MID_OK;

    while (status == MID_OK && by && by->model && j.n_labeler < (size_t)n_worker) {
        status = open_labeler(run, set, k, &own[j.n_labeler]);
        j.n_labeler += status == MID_OK;
    }
    mid__spent_add(run->spent, MID__TASK_LABEL, start);
    if (status == MID_OK) {
        mid__stage_begin(&stage, run->ctx, set->n, "answers", "labelling %s with %s", set->name,
                         mid_labeler_about(own[0])->name);
        status = mid__pool_run(run->ctx, n_worker, set->n, judge_one, &j, &stage, 1, run->spent);
    }
    if (status == MID_OK) {
        count_said(&j);
        tell_said(run, set, mid_labeler_about(own[0])->name, &said->counts);
    }
    while (--j.n_labeler > 0)
        mid_labeler_close(own[j.n_labeler]);
    return status;
}

/* By the entry's labeler, whose labels go to the answers, and by the others. */
static mid_status judge_by_each(mid__run *run, mid__set *set)
{
    const size_t n_labeler = 1 + set->data->n_other_labeler;
    mid__said_by *said = calloc(n_labeler, sizeof *said);
    mid_status status = said ? MID_OK : mid__oom(run->ctx, "labels");
    mid__moment start;
    size_t k, i;

    for (k = 0; status == MID_OK && k < n_labeler; k++) {
        said[k].label = calloc(set->n + 1, sizeof *said[k].label);
        for (i = 0; said[k].label && i < set->n; i++)
            said[k].label[i] = (mid_label){ -1, NAN, -1 };
        if (!said[k].label)
            status = mid__oom(run->ctx, "labels");
        else if (set->opened[k])
            status = judge_all(run, set, k, &said[k]);
    }
    for (i = 0; status == MID_OK && i < set->n; i++)
        set->answer[i].label = said[0].label[i];
    if (status == MID_OK) {
        set->labelled = said[0].counts;
        start = mid__moment_now();
        status = n_labeler > 1 ? mid__agreement(run, set, said) : MID_OK;
        mid__spent_add(run->spent, MID__TASK_MEASURE, start);
    }
    for (k = 0; said && k < n_labeler; k++)
        free(said[k].label);
    free(said);
    return status;
}

void mid__set_key(mid__set *set)
{
    mid__sha256 s, sentences;
    char hex[65], numbers[80];
    size_t i, k;

    mid__sha256_init(&s);
    mid__sha256_init(&sentences);
    for (i = 0; i < set->n; i++) {
        const mid__answer *a = &set->answer[i];
        snprintf(numbers, sizeof numbers, " %d %d %u %d %u %d\n", a->label.unsafe, a->fold, a->group, (int)a->onset_tok,
                 a->i_author, a->sample->prompt_label);
        mid__sha256_put(&s, a->key.hex, 64);
        mid__sha256_put(&s, a->beside_key.hex, strlen(a->beside_key.hex));
        mid__sha256_put(&s, numbers, strlen(numbers));
        if (a->attack)
            mid__sha256_put(&s, "attacked\n", 9);
        for (k = 0; k < a->sample->n_sentence; k++) {
            const mid_sentence *sentence = &a->sample->sentence[k];
            snprintf(numbers, sizeof numbers, "%zu %u %d\n", i, sentence->end, sentence->label);
            mid__sha256_put(&sentences, numbers, strlen(numbers));
        }
    }
    mid__sha256_hex(&s, hex);
    set->key = mid_key_of("set", "1", hex, NULL);
    mid__sha256_hex(&sentences, hex);
    set->sentences = mid_key_of("sentences", "1", hex, NULL);
}

static void drop(mid__set *set, mid__answer *a)
{
    mid_trace_close(a->trace);
    a->trace = NULL;
    set->n_left_out++;
}

/* Nothing to measure: what was captured stays in the store. */
static void skip(mid__set *set, const char *why)
{
    size_t i;

    for (i = 0; i < set->n; i++)
        drop(set, &set->answer[i]);
    set->n = 0;
    set->skipped = true;
    snprintf(set->why, sizeof set->why, "%s", why);
}

/* Keep what has a label. */
static mid_status put_labels(mid__run *run, mid__set *set)
{
    const char *id = mid__labeler_id(set->opened[0]);
    const mid__moment start = mid__moment_now();
    mid_status status = mid_store_begin(run->ctx, run->store);
    mid__answer kept;
    size_t i, n = 0;

    for (i = 0; status == MID_OK && i < set->n; i++) {
        mid__answer *a = &set->answer[i];
        status = mid_store_put_label(run->ctx, run->store, &a->key, id, &a->label);
        if (status == MID_OK && a->label.unsafe >= 0 && !is_cut_before_onset(a)) {
            a->onset_tok = a->label.unsafe ? token_at(a->trace, a->label.onset_byte) : -1;
            set->n_unsafe += a->label.unsafe == 1 && !a->attack;
            set->n_attacked += a->attack > 0;
            kept = *a;
            a->trace = NULL;
            set->answer[n++] = kept;
        } else if (status == MID_OK) {
            drop(set, a);
        }
    }
    if (status == MID_OK)
        status = mid_store_commit(run->ctx, run->store);
    if (status != MID_OK)
        mid_store_rollback(run->store);
    else
        set->n = n;
    mid__spent_add(run->spent, MID__TASK_STORE, start);
    return status;
}

static void tell_no_labels(mid__set *set, size_t n)
{
    const mid_labeler_counts *c = &set->labelled;
    char why[300];

    snprintf(why, sizeof why, "labeler %s gave none of %zu answers a label", set->labeler, n);
    if (c->n_failed || c->n_unparsable || c->n_swayed)
        snprintf(why, sizeof why, "labeler %s gave none of %zu answers a label: %llu without a usable reply, %llu "
                 "replies neither yes nor no, %llu verdicts that changed with the order of the options", set->labeler, n,
                 (unsigned long long)c->n_failed, (unsigned long long)c->n_unparsable, (unsigned long long)c->n_swayed);
    skip(set, why);
}

mid_status mid__set_judge(mid__run *run, mid__set *set)
{
    const mid_labeler *labeler = set->opened[0];
    const size_t n = set->n;
    const char *asks;
    mid_status status;

    if (n == 0) {
        set->skipped = true;
        if (set->n_skipped)
            return MID_OK;              /* why says what the server said */
        snprintf(set->why, sizeof set->why, "none of %zu answers is left: their prompts are too long for max_tok %u, or they have "
                 "fewer than %u tokens", set->n_left_out, set->data->max_tok, set->data->min_tok ? set->data->min_tok : 1);
        return MID_OK;
    }
    if (!labeler) {
        skip(set, set->no_label);
        return MID_OK;
    }
    set->who = mid_labeler_about(labeler)->who;
    if (strcmp(set->labeler, "data") == 0 && set->answer[0].sample->label_source)
        set->who = set->answer[0].sample->label_source;
    set->labeler_shares = mid_labeler_about(labeler)->shares;
    asks = mid__labeler_asks(labeler);
    set->is_self_judged = asks && strcmp(mid_key_of("judge", asks, NULL).hex, set->judge_model.hex) == 0;
    status = judge_by_each(run, set);
    if (status == MID_OK)
        status = put_labels(run, set);
    if (status == MID_OK && set->n == 0)
        tell_no_labels(set, n);
    if (status == MID_OK && set->n)
        mid__set_key(set);
    return status;
}
