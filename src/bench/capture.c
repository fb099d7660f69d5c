/* From samples to stored traces. The unit of work is a fixed group of 16 samples in the set's order: what a batch computes
 * depends on who is in it, so its members are part of every trace's key and never change with timing or resume. A
 * group's traces are committed together. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/file.h"
#include "base/hash.h"
#include "bench/pool.h"
#include "bench/set.h"
#include "monitor/rows.h"
#include "source/engine.h"

/* What the set's monitors need beyond the ordinary, all of them together: answers are made once. A verdict needs a judge. */
static uint32_t wanted(const mid__set *set)
{
    uint32_t want = 0;
    size_t i;

    for (i = 0; i < set->plan->n_monitor; i++)
        if (mid__monitor_runs_on(&set->plan->monitor[i], set))
            want |= set->plan->monitor[i].ops->needs | set->plan->monitor[i].ops->fit_needs;
    return want & ~(uint32_t)(MID_SIG_ALWAYS | MID_SIG_JUDGE);
}

static mid_source_opts source_opts(const mid__set *set)
{
    mid_source_opts o = mid_source_opts_default();

    o.want = wanted(set);
    o.format = set->data->format ? set->data->format : set->model->format;
    o.stop = set->data->stop;
    o.max_tok = set->data->max_tok;
    o.temperature = set->data->temperature;
    o.seed = set->plan->seed;
    return o;
}

static mid_status open_model(mid__run *run, const mid__set *set, mid_model_opts *opts, mid_model **out)
{
    mid_model_opts o = mid_model_opts_default();
    const bool recorded = strcmp(set->data->source, "recorded") == 0;
    char *path = NULL;
    mid_status status = mid_model_resolve(run->ctx, set->model->path, run->opts->cache_dir, &path);

    o.quantise = set->model->quantise;
    o.cache_dir = run->opts->cache_dir;
    o.n_layer = set->model->n_layer;
    memcpy(o.layer, set->model->layer, sizeof o.layer);
    o.n_threads = 1;                    /* of each worker */
    o.n_seq = recorded ? 1 : MID_GROUP_N;
    o.n_ctx_seq = (recorded ? 4096 : 1024) + (int)(set->data->max_tok / 256 * 256);   /* a long answer leaves the prompt room */
    o.attention = wanted(set) & MID_SIG_ATTENTION;
    *opts = o;
    if (status == MID_OK)
        status = mid_model_open(run->ctx, path, &o, out);
    if (status != MID_OK)
        status = mid__within(run->ctx, status, "%s:%d: model '%s'", run->plan->file, set->model->line, set->model->name);
    mid_free(path);
    return status;
}

/* What this model cannot give is left out, and the monitors that need it say so when they are opened. */
static mid_status can_give(mid__run *run, const mid__set *set, const mid_model *model, mid_source_opts *o)
{
    mid_source_opts one = *o;
    mid_signals signals;
    uint32_t bit;

    for (bit = 1; bit && bit <= o->want; bit <<= 1) {
        mid_status status;
        one.want = o->want & bit;
        status = one.want ? mid_source_signals(run->ctx, model, &one, &signals) : MID_OK;
        if (status == MID_ESIGNAL) {
            mid__log(run->ctx, MID_LOG_WARN, "%s: %s", set->name, mid_ctx_message(run->ctx));
            o->want &= ~bit;
        } else if (status != MID_OK) {
            return status;
        }
    }
    return MID_OK;
}

static size_t group_end(const mid__set *set, size_t first)
{
    return first + MID_GROUP_N < set->n ? first + MID_GROUP_N : set->n;
}

/* What a trace is made from. For a generated answer the whole group is part of it. */
static mid_key trace_key(const mid__set *set, const mid_source_opts *o, size_t i)
{
    const bool recorded = strcmp(set->data->source, "recorded") == 0;
    const size_t first = i / MID_GROUP_N * MID_GROUP_N, end = group_end(set, first);
    char numbers[200], extra[80] = "", layers[8 * MID_LAYER_MAX] = "";
    mid__sha256 s;
    char group[65];
    size_t k;
    int l, n = 0;

    snprintf(numbers, sizeof numbers, "%u %.9g %llu", o->max_tok, (double)o->temperature, (unsigned long long)o->seed);
    if (o->want)
        snprintf(extra, sizeof extra, "%x", o->want);
    if (o->want & MID_SIG_SAMPLES)
        snprintf(extra, sizeof extra, "%x %u %.9g", o->want, o->n_sample ? o->n_sample : 5,
                 o->sample_temperature > 0 ? (double)o->sample_temperature : 1);
    for (l = 0; l < set->signals.n_layer; l++)
        n += snprintf(layers + n, sizeof layers - (size_t)n, "%d ", set->signals.layer[l]);
    mid__sha256_init(&s);
    for (k = recorded ? i : first; k < (recorded ? i + 1 : end); k++) {
        const mid_sample *a = set->answer[k].sample;
        const char *response = recorded ? a->response : "";
        mid__sha256_put(&s, a->id, strlen(a->id) + 1);
        mid__sha256_put(&s, a->prompt, strlen(a->prompt) + 1);
        mid__sha256_put(&s, response, strlen(response) + 1);
    }
    mid__sha256_hex(&s, group);
    return mid_key_of("trace", "2", set->signals.observer, set->data->source, numbers, extra, layers, o->stop ? o->stop : "",
                      group, set->answer[i].sample->id, NULL);
}

/* Answers whose prompt leaves no room are left out before groups are cut, and counted. */
static mid_status leave_out_long(mid__run *run, mid__set *set, const mid_model *model, const mid_source_opts *o)
{
    size_t i, n = 0;

    for (i = 0; i < set->n; i++) {
        llama_token *token = NULL;
        int n_tok = 0;
        mid_status status = mid__prompt_tokens(run->ctx, model, set->answer[i].sample->prompt, o, &token, &n_tok);
        free(token);
        if (status != MID_OK)
            return status;
        if (n_tok + (int)o->max_tok >= model->n_ctx_seq) {
            set->n_left_out++;
        } else {
            set->answer[n++] = set->answer[i];
        }
    }
    if (set->n_left_out)
        mid__log(run->ctx, MID_LOG_WARN, "%s: left out %zu answers, whose prompts leave no room for %u tokens in a context of %d",
                 set->name, set->n_left_out, o->max_tok, model->n_ctx_seq);
    set->n = n;
    return MID_OK;
}

static bool has_group(mid__run *run, const mid__set *set, size_t first, size_t end)
{
    size_t i;

    for (i = first; i < end; i++)
        if (!mid_store_has_trace(run->store, &set->answer[i].key))
            return false;
    return true;
}

/* Seconds that one short decode takes on this machine as it is now, per token of an answer; 0 if it fails. */
static double second_tok(mid__run *run, const mid__set *set, mid_model *model, const mid_source_opts *o)
{
    const mid_sample probe = { .id = "probe", .task = "chat", .prompt = "Tell me about rivers.", .response = "Rivers carry rain "
                               "from the hills to the sea, and on their way they cut valleys and water fields.", .label = -1 };
    const size_t n = strcmp(set->data->source, "recorded") == 0 ? 1 : MID_GROUP_N;
    const mid_sample *list[MID_GROUP_N];
    mid_trace *trace[MID_GROUP_N];
    mid_source_opts short_opts = *o;
    double s = mid__now_s(), n_tok = 0;
    size_t i;

    for (i = 0; i < n; i++)
        list[i] = &probe;
    short_opts.max_tok = 8;
    short_opts.n_sample = 1;
    if (mid_source_trace(run->ctx, model, set->data->source, list, n, &short_opts, trace) != MID_OK)
        return 0;
    s = mid__now_s() - s;
    for (i = 0; i < n; i++) {
        n_tok += mid_trace_n_tok(trace[i]);
        mid_trace_close(trace[i]);
    }
    return s / (n_tok > 0 ? n_tok : 1);
}

/* Before the long work: how much there is of it. Sampled answers are timed by one and counted by their number. */
static void estimate(mid__run *run, const mid__set *set, mid_model *model, const mid_source_opts *o, size_t n_missing,
                     int n_worker)
{
    const mid_signals *signals = &set->signals;
    const double bytes_tok = (double)signals->n_layer * (signals->n_embd * 2 + MID_LENS_N * 4) +
                             (double)signals->n_head * MID_ATTENTION_N * 2 + 200;
    const double n_tok = (double)n_missing * o->max_tok;
    mid_source_opts without = *o;
    double s;

    without.want &= ~(uint32_t)MID_SIG_SAMPLES;
    s = second_tok(run, set, model, &without);
    if (o->want & MID_SIG_SAMPLES)
        s += (o->n_sample ? o->n_sample : 5) * fmax(second_tok(run, set, model, o) - s, 0);
    mid__log(run->ctx, MID_LOG_INFO, "%s: %zu answers to %s, at most %u tokens each: up to %.0f MB and about %.0f s", set->name,
             n_missing, strcmp(set->data->source, "recorded") == 0 ? "read" : "generate", o->max_tok, bytes_tok * n_tok / 1e6,
             s * n_tok / n_worker);
}

/* The work of make_missing(): groups that are missing, and what the workers share. */
struct work {
    mid__run *run;
    const mid__set *set;
    const mid_source_opts *opts;
    size_t *group;                  /* (n) first answer of each missing group */
    size_t n, n_answer;
    mid_model *model[MID__WORKER_MAX];
};

static mid_status put_group(struct work *w, mid_ctx *ctx, size_t first, size_t n, mid_trace *const *trace)
{
    mid_store *store = w->run->store;
    mid_status status;
    size_t i;

    pthread_mutex_lock(w->run->store_lock);
    status = mid_store_begin(ctx, store);
    for (i = 0; status == MID_OK && i < n; i++)
        status = mid_store_put_trace(ctx, store, &w->set->answer[first + i].key, w->set->answer[first + i].sample->id, trace[i]);
    if (status == MID_OK)
        status = mid_store_commit(ctx, store);
    if (status != MID_OK)
        mid_store_rollback(store);
    pthread_mutex_unlock(w->run->store_lock);
    return status;
}

static mid_status make_group(void *user, mid_ctx *ctx, int i_worker, size_t i_group)
{
    struct work *w = user;
    const size_t first = w->group[i_group], n = group_end(w->set, first) - first;
    const mid_sample *sample[MID_GROUP_N];
    mid_trace *trace[MID_GROUP_N];
    size_t i;
    mid_status status;

    for (i = 0; i < n; i++)
        sample[i] = w->set->answer[first + i].sample;
    status = mid_source_trace(ctx, w->model[i_worker], w->set->data->source, sample, n, w->opts, trace);
    if (status != MID_OK)
        return status;
    status = put_group(w, ctx, first, n, trace);
    for (i = 0; i < n; i++)
        mid_trace_close(trace[i]);
    return status;
}

static mid_status list_missing(struct work *w)
{
    const mid__set *set = w->set;
    size_t first, end;

    w->group = malloc((set->n / MID_GROUP_N + 1) * sizeof *w->group);
    if (!w->group)
        return mid__oom(w->run->ctx, set->name);
    for (first = 0; first < set->n; first = end) {
        end = group_end(set, first);
        if (has_group(w->run, set, first, end))
            continue;
        w->group[w->n++] = first;
        w->n_answer += end - first;
    }
    return MID_OK;
}

/* Every worker has a context of its own on one thread. Contexts of one thread meet at no barrier, so a busy machine slows
 * them only by its share (two threads at a barrier can fall to a hundredth), and what a group gives does not depend on how
 * many workers there are. */
static mid_status make_missing(mid__run *run, mid__set *set, mid_model *model, const mid_model_opts *opts,
                               const mid_source_opts *o)
{
    const bool recorded = strcmp(set->data->source, "recorded") == 0;
    struct work w = { .run = run, .set = set, .opts = o, .model = { model } };
    mid__stage stage;
    int n_worker, i;
    mid_status status = list_missing(&w);

    n_worker = mid__pool_size(run->opts->n_threads, w.n);
    if (status == MID_OK && w.n > 0)
        estimate(run, set, model, o, w.n_answer, n_worker);
    if (status != MID_OK || w.n == 0 || run->opts->estimate_only)
        goto out;
    for (i = 1; status == MID_OK && i < n_worker; i++)
        status = mid_model_fork(run->ctx, model, opts, &w.model[i]);
    if (status == MID_OK) {
        mid__stage_begin(&stage, run->ctx, w.n_answer, "answers", "%s %s with %s", recorded ? "reading" : "generating",
                         set->name, set->model->name);
        status = mid__pool_run(run->ctx, n_worker, w.n, make_group, &w, &stage, MID_GROUP_N);
    }
    for (i = 1; i < n_worker; i++)
        mid_model_close(w.model[i]);
out:
    free(w.group);
    return status;
}

/* Read all traces; answers shorter than min_tok (or without a token) are left out. */
static mid_status read_traces(mid__run *run, mid__set *set)
{
    size_t i, n = 0, n_tok = 0;
    mid_status status = MID_OK;
    double time_us = 0;

    for (i = 0; status == MID_OK && i < set->n; i++) {
        mid__answer *a = &set->answer[i];
        const uint32_t at_least = set->data->min_tok ? set->data->min_tok : 1;
        mid__answer kept;
        uint32_t t;
        mid_step step;
        status = mid_store_get_trace(run->ctx, run->store, &a->key, &a->trace);
        if (status != MID_OK)
            break;
        if (mid_trace_n_tok(a->trace) < at_least) {
            mid_trace_close(a->trace);
            a->trace = NULL;
            set->n_left_out++;
            continue;
        }
        for (t = 0; t < mid_trace_n_tok(a->trace); t++, n_tok++) {
            mid_trace_step(a->trace, t, NULL, &step);
            time_us += (double)step.time_us;
        }
        kept = *a;
        a->trace = NULL;
        set->answer[n++] = kept;
    }
    set->n = status == MID_OK ? n : set->n;
    set->time_us = n_tok ? time_us / (double)n_tok : 0;
    return status;
}

/* A layer that a monitor names but the model does not tap is told before the long work. */
static mid_status check_layers(mid__run *run, const mid__set *set)
{
    const mid_plan *plan = run->plan;
    const mid_param *p;
    size_t k;

    for (k = 0; k < plan->n_monitor; k++)
        for (p = plan->monitor[k].params; mid__monitor_runs_on(&plan->monitor[k], set) && p && p->name; p++)
            if (strcmp(p->name, "layer") == 0 && p->number >= 0 && mid__layer_index(&set->signals, (int)p->number) < 0)
                return mid__fail(run->ctx, MID_EINVAL, "%s:%d: %s reads layer %g, which model '%s' does not tap: put it under the "
                                 "model's layers", plan->file, plan->monitor[k].line, mid__monitor_label(&plan->monitor[k]),
                                 p->number, set->model->name);
    return MID_OK;
}

mid_status mid__set_capture(mid__run *run, mid__set *set)
{
    mid_source_opts o = source_opts(set);
    mid_model_opts opts;
    mid_model *model = NULL;
    size_t i;
    mid_status status = open_model(run, set, &opts, &model);

    if (status == MID_OK)
        status = can_give(run, set, model, &o);
    if (status == MID_OK)
        status = mid_source_signals(run->ctx, model, &o, &set->signals);
    if (status == MID_OK)
        status = check_layers(run, set);
    if (status == MID_OK)
        status = leave_out_long(run, set, model, &o);
    for (i = 0; status == MID_OK && i < set->n; i++)
        set->answer[i].key = trace_key(set, &o, i);
    if (status == MID_OK)
        status = make_missing(run, set, model, &opts, &o);
    if (status == MID_OK) {
        char fact[160], value[400];
        snprintf(fact, sizeof fact, "model.%.100s", set->model->name);
        snprintf(value, sizeof value, "%s\n%s", mid_model_hash(model), mid_model_desc(model));
        status = mid_store_put_fact(run->ctx, run->store, fact, value);
    }
    mid_model_close(model);
    if (status == MID_OK && !run->opts->estimate_only)
        status = read_traces(run, set);
    return status;
}
