/* From samples to stored traces. The unit of work is a fixed group of 16 samples in the set's order: what a batch computes
 * depends on who is in it, so its members are part of every trace's key and never change with timing or resume. A
 * group's traces are committed together. A server is asked for one answer at a time: what it gave is never asked for
 * again, and what it did not give is noted, left out, and asked for by the next run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "bench/crew.h"
#include "bench/json.h"
#include "bench/pool.h"
#include "bench/set.h"
#include "monitor/rows.h"
#include "source/engine.h"
#include "source/judge.h"

static uint32_t needs_of(const mid_plan_monitor *m) { return m->reads.needs | m->reads.fit_needs; }

bool mid__lacks_judge(const mid_plan_monitor *m, const mid__set *set)
{
    return !set->data->judge && (needs_of(m) & MID_SIG_JUDGE);
}

/* What the set's monitors need beyond the ordinary, all of them together: answers are made once. */
static uint32_t wanted(const mid__set *set)
{
    uint32_t want = 0;
    size_t i;

    for (i = 0; !set->is_second && i < set->plan->n_monitor; i++)   /* a second observer gives what comes unasked */
        if (mid__monitor_runs_on(&set->plan->monitor[i], set) && !mid__lacks_judge(&set->plan->monitor[i], set))
            want |= needs_of(&set->plan->monitor[i]);
    return want & ~(uint32_t)(MID_SIG_ALWAYS | MID_SIG_BESIDE);
}

static bool is_recorded(const mid__set *set) { return strcmp(set->source, "recorded") == 0; }

static bool is_asked(const mid__set *set) { return strcmp(set->source, "openai") == 0; }

/* The entry's format is for its model, not for who else reads. */
static mid_source_opts source_opts(const mid__set *set)
{
    mid_source_opts o = mid_source_opts_default();

    o.want = wanted(set);
    o.format = set->model->format;
    if (set->data->format && strcmp(set->model->name, set->data->model) == 0)
        o.format = set->data->format;
    o.stop = set->data->stop;
    o.max_tok = set->data->max_tok;
    o.temperature = set->data->temperature;
    o.seed = set->plan->seed;
    return o;
}

/* "FILE:LINE: model 'NAME'" before a failure's message. */
static mid_status model_failed(mid__run *run, const mid__set *set, mid_status status)
{
    return mid__within(run->ctx, status, "%s:%d: model '%s'", run->plan->file, set->model->line, set->model->name);
}

static mid_status open_server(mid__run *run, const mid__set *set, mid_model **out)
{
    mid_server_opts o = mid_server_opts_default();
    mid_status status;

    o.model = set->model->server_model;
    o.key = set->model->key;
    o.text_only = set->model->top_logprobs == 0;
    o.n_top = set->model->top_logprobs;
    o.rpm = set->model->rpm;
    o.tpm = set->model->tpm;
    o.timeout_ms = set->model->timeout_s * 1000;
    o.seed = set->plan->seed;
    status = mid_server_open(run->ctx, set->model->url, &o, out);
    return status == MID_OK ? status : model_failed(run, set, status);
}

static mid_status open_file(mid__run *run, const mid__set *set, mid_model_opts *opts, mid_model **out)
{
    mid_model_opts o = mid_model_opts_default();
    const bool recorded = is_recorded(set);
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
        status = model_failed(run, set, status);
    mid_free(path);
    return status;
}

static mid_status open_model(mid__run *run, const mid__set *set, mid_model_opts *opts, mid_model **out)
{
    *opts = mid_model_opts_default();
    return set->model->url ? open_server(run, set, out) : open_file(run, set, opts, out);
}

/* A model's fact in the store: its file's hash and how it describes itself, for provenance. */
static mid_status put_model_fact(mid__run *run, const mid_plan_model *model, const char *hash, const char *desc)
{
    char fact[160], value[400];

    if (mid__crew_is_hand(run))
        return MID_OK;
    snprintf(fact, sizeof fact, "model.%.100s", model->name);
    snprintf(value, sizeof value, "%s\n%s", hash, desc);
    return mid_store_put_fact(run->ctx, run->store, fact, value);
}

/* The fact that says who reads, or answers, for a model of the plan in an entry's format. */
static void observer_fact(const mid__set *set, const mid_source_opts *o, char fact[MID_KEY_N + 16])
{
    const char *quantise = set->model->quantise ? set->model->quantise : "";
    const mid_key key = mid_key_of(set->model->name, quantise, o->format ? o->format : "", NULL);

    snprintf(fact, MID_KEY_N + 16, "observer.%s", key.hex);
}

static mid_status put_observer_fact(mid__run *run, const mid__set *set, const mid_source_opts *o)
{
    char fact[MID_KEY_N + 16];

    observer_fact(set, o, fact);
    return mid_store_put_fact(run->ctx, run->store, fact, set->signals.observer);
}

/* ---- the judge --------------------------------------------------------------------------------------------------- */

static const mid_plan_model *judge_model(const mid__set *set)
{
    const mid_plan_model *m = set->plan->model;

    while (strcmp(m->name, set->data->judge->model) != 0)   /* the plan loader has seen to it that it is there */
        m++;
    return m;
}

/* "FILE:LINE: judge: " before a failure's message. */
static mid_status judge_failed(mid__run *run, const mid__set *set, mid_status status)
{
    return mid__within(run->ctx, status, "%s:%d: judge", run->plan->file, set->data->judge->line);
}

static mid_status open_judge(mid__run *run, const mid__set *set, mid_judge **out)
{
    const mid_plan_judge *j = set->data->judge;
    mid_judge_opts o = mid_judge_opts_default();
    mid_status status;

    o.form = j->form;
    o.by_sentence = j->by_sentence;
    o.every_tok = j->every_tok;
    o.cache_dir = run->opts->cache_dir;
    o.n_threads = 1;                    /* of each worker */
    o.model = j->server_model;
    o.key = j->key;
    status = mid_judge_open(run->ctx, j->url ? j->url : judge_model(set)->path, &o, out);
    return status == MID_OK ? status : judge_failed(run, set, status);
}

/* The file of a model in process, which may do nothing else in this plan. */
static mid_status note_judge(mid__run *run, const mid__set *set)
{
    const mid_plan_model *model = set->data->judge->model ? judge_model(set) : NULL;
    char hash[65], *path = NULL;
    mid_status status = MID_OK;

    if (!model || model == set->model)  /* noted as the set's own */
        return MID_OK;
    status = mid_model_resolve(run->ctx, model->path, run->opts->cache_dir, &path);
    if (status == MID_OK)
        status = mid__file_hash(run->ctx, path, hash);
    if (status == MID_OK)
        status = put_model_fact(run, model, hash, "a judge");
    mid_free(path);
    return status;
}

/* ---- traces ------------------------------------------------------------------------------------------------------ */

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
    const size_t n = is_asked(set) ? 1 : MID_GROUP_N;

    return first + n < set->n ? first + n : set->n;
}

mid_key mid__trace_key(const mid__set *set, const mid_source_opts *o, const char *engine, size_t i)
{
    const bool recorded = is_recorded(set), alone = recorded || is_asked(set);
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
    for (k = alone ? i : first; k < (alone ? i + 1 : end); k++) {
        const mid_sample *a = set->answer[k].sample;
        const char *response = recorded ? a->response : "";
        mid__sha256_put(&s, a->id, strlen(a->id) + 1);
        mid__sha256_put(&s, a->prompt, strlen(a->prompt) + 1);
        mid__sha256_put(&s, response, strlen(response) + 1);
    }
    mid__sha256_hex(&s, group);
    return mid_key_of("trace", "4", engine, set->signals.observer, set->source, numbers, extra,
                      o->want & MID_SIG_JUDGE ? mid_judge_id(o->judge) : "", layers, o->stop ? o->stop : "", group,
                      set->answer[i].sample->id, NULL);
}

static mid_key trace_key(const mid__run *run, const mid__set *set, const mid_source_opts *o, size_t i)
{
    return mid__trace_key(set, o, set->model->url ? "" : run->engine, i);
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

/* Leave out the groups of other shards, whole, once every trace has its key: what a group is does not depend on shards.
 * Groups are dealt out in turn, from a place that the hash of the set's first sample names: shards differ by at most
 * one group of a set, and the odd groups of many small sets do not all fall to the same one. A second reading is one of
 * the answers that are left. */
static void cut_shard(const mid__run *run, mid__set *set)
{
    const size_t n_shard = (size_t)run->opts->n_shard, n_all = set->n;
    size_t first, end, i, turn, n = 0;
    uint64_t x;

    if (n_shard == 0 || set->is_cut || n_all == 0 || mid__crew_is_hand(run))
        return;                         /* rank 0 orders what is of the shard */
    x = mid__fnv(MID__FNV_START, set->answer[0].sample->id, strlen(set->answer[0].sample->id));
    turn = (size_t)(mid__splitmix(&x) % n_shard);
    for (first = 0; first < n_all; first = end, turn = (turn + 1) % n_shard) {
        end = group_end(set, first);
        for (i = first; turn == (size_t)run->opts->i_shard && i < end; i++)
            set->answer[n++] = set->answer[i];
    }
    set->n = n;
    set->is_cut = true;
}

static bool has_group(mid__run *run, const mid__set *set, size_t first, size_t end)
{
    size_t i;

    for (i = first; i < end; i++)
        if (!mid_store_has_trace(run->store, &set->answer[i].key))
            return false;
    return true;
}

/* What a worker works with. */
struct tools { mid_model *model; mid_judge *judge; };

static const mid_sample probe = {
    .id = "probe", .task = "chat", .prompt = "Tell me about rivers.", .label = -1,
    .response = "Rivers carry rain from the hills to the sea, and on their way they cut valleys and water fields.",
};

/* Seconds that one short decode takes on this machine as it is now, per token of an answer; 0 if it fails. */
static double second_tok(mid__run *run, const mid__set *set, mid_model *model, const mid_source_opts *o)
{
    const size_t n = is_recorded(set) ? 1 : MID_GROUP_N;
    const mid_sample *list[MID_GROUP_N];
    mid_trace *trace[MID_GROUP_N];
    mid_source_opts short_opts = *o;
    double s = mid__now_s(), n_tok = 0;
    size_t i;

    for (i = 0; i < n; i++)
        list[i] = &probe;
    short_opts.max_tok = 8;
    short_opts.n_sample = 1;
    if (mid_source_trace(run->ctx, model, set->source, list, n, &short_opts, trace) != MID_OK)
        return 0;
    s = mid__now_s() - s;
    for (i = 0; i < n; i++) {
        n_tok += mid_trace_n_tok(trace[i]);
        mid_trace_close(trace[i]);
    }
    return s / (n_tok > 0 ? n_tok : 1);
}

/* Seconds of a judge per token, by one verdict. A judge that does not work is found here, before the long work. */
static mid_status judge_second_tok(mid__run *run, const mid__set *set, const mid_judge *judge, double *s)
{
    enum { SENTENCE_TOK = 16 };         /* an ordinary one */
    const uint32_t every_tok = set->data->judge->by_sentence ? SENTENCE_TOK : set->data->judge->every_tok;
    const double start_s = mid__now_s();
    double p;
    mid_status status = mid_judge_ask(run->ctx, judge, probe.prompt, probe.response, strlen(probe.response), &p);

    *s = (mid__now_s() - start_s) / every_tok;
    return status == MID_OK ? status : judge_failed(run, set, status);
}

/* Before the long work: how much there is of it. Sampled answers are timed by one and counted by their number. */
static mid_status estimate(mid__run *run, const mid__set *set, const struct tools *tools, const mid_source_opts *o,
                           size_t n_missing, int n_worker)
{
    const mid_signals *signals = &set->signals;
    const double bytes_tok = (double)signals->n_layer * (signals->n_embd * 2 + MID_LENS_N * 4) +
                             (double)signals->n_head * MID_ATTENTION_N * 2 + 200;
    const double n_tok = (double)n_missing * o->max_tok;
    mid_source_opts plain = *o, sampling = *o;
    double s, judge_s = 0;
    const mid_status status = tools->judge ? judge_second_tok(run, set, tools->judge, &judge_s) : MID_OK;

    if (status != MID_OK)
        return status;
    plain.want &= ~(uint32_t)(MID_SIG_SAMPLES | MID_SIG_JUDGE);
    sampling.want &= ~(uint32_t)MID_SIG_JUDGE;
    s = second_tok(run, set, tools->model, &plain);
    if (o->want & MID_SIG_SAMPLES)
        s += (o->n_sample ? o->n_sample : 5) * fmax(second_tok(run, set, tools->model, &sampling) - s, 0);
    mid__log(run->ctx, MID_LOG_INFO, "%s: %zu answers to %s, at most %u tokens each: up to %.0f MB and about %.0f s", set->name,
             n_missing, is_recorded(set) ? "read" : "generate", o->max_tok, bytes_tok * n_tok / 1e6,
             (s + judge_s) * n_tok / n_worker);
    return MID_OK;
}

/* The work of make_missing(): groups that are missing, and what the workers share. */
struct work {
    mid__run *run;
    const mid__set *set;
    const mid_source_opts *opts;
    size_t *group;                  /* (n) first answer of each missing group */
    size_t n, n_answer;
    int n_failed;                   /* answers in a row that a server failed to give; under the store's lock */
    char gave_up[300];              /* why nothing more is asked of it; "": it is */
    int n_here;                     /* workers of this process; those behind them stand for ranks 1, 2, ... */
    struct tools tools[MID__WORKER_MAX];
};

/* judged: each answer's share of the group's verdicts; NULL: no judge was asked. */
static mid_status put_group(struct work *w, mid_ctx *ctx, size_t first, size_t n, mid_trace *const *trace,
                            const mid__judged *judged)
{
    mid_store *store = w->run->store;
    mid_status status;
    size_t i;

    pthread_mutex_lock(w->run->store_lock);
    status = mid_store_begin(ctx, store);
    for (i = 0; status == MID_OK && i < n; i++) {
        const mid__answer *a = &w->set->answer[first + i];
        status = mid_store_put_trace(ctx, store, &a->key, a->sample->id, trace[i]);
        if (status == MID_OK && judged)
            status = mid_store_put_blob(ctx, store, "judged", &a->key, judged, sizeof *judged);
    }
    if (status == MID_OK)
        status = mid_store_commit(ctx, store);
    if (status != MID_OK)
        mid_store_rollback(store);
    pthread_mutex_unlock(w->run->store_lock);
    return status;
}

/* An n-th of what a judge, which only this worker asks, has spent since `before`. */
static mid__judged share_of(const mid_judge *judge, const mid_judge_cost *before, size_t n)
{
    mid_judge_cost now;

    mid_judge_spent(judge, &now);
    return (mid__judged){
        .n_verdict = (double)(now.n_verdict - before->n_verdict) / (double)n,
        .n_missing = (double)(now.n_missing - before->n_missing) / (double)n,
        .n_call = (double)(now.n_call - before->n_call) / (double)n,
        .n_retry = (double)(now.n_retry - before->n_retry) / (double)n,
        .time_s = (now.time_s - before->time_s) / (double)n,
    };
}

/* ---- servers ----------------------------------------------------------------------------------------------------- */

/* A failure to give one answer, which says nothing of the next. */
static bool is_of_one(mid_status status)
{
    return status == MID_EIO || status == MID_EINVAL || status == MID_EFORMAT || status == MID_ESIGNAL ||
           status == MID_EUNDEFINED || status == MID_ELIMIT;
}

static mid_status skip(mid_ctx *ctx, mid__answer *a, const char *why)
{
    a->why = strdup(why);
    return a->why ? MID_OK : mid__oom(ctx, "a reason");
}

/* An answer that a server gave, or did not. A server that only fails is left in peace. */
static mid_status settle(struct work *w, mid_ctx *ctx, mid__answer *a, mid_status status)
{
    enum { N_FAILED_MAX = 8 };

    if (status != MID_OK && !is_of_one(status))
        return status;
    pthread_mutex_lock(w->run->store_lock);
    w->n_failed = status == MID_EIO ? w->n_failed + 1 : 0;
    if (w->n_failed == N_FAILED_MAX)
        snprintf(w->gave_up, sizeof w->gave_up, "not asked for, after %d failures in a row: %.200s", N_FAILED_MAX,
                 mid_ctx_message(ctx));
    pthread_mutex_unlock(w->run->store_lock);
    return status == MID_OK ? status : skip(ctx, a, mid_ctx_message(ctx));
}

static bool has_given_up(struct work *w)
{
    bool is;

    pthread_mutex_lock(w->run->store_lock);
    is = w->gave_up[0];
    pthread_mutex_unlock(w->run->store_lock);
    return is;
}

/* One short answer before the many, which is also the place to find out that a server is not there. */
static mid_status try_server(struct work *w, const struct tools *tools)
{
    const mid__set *set = w->set;
    const double start_s = mid__now_s();
    const mid_sample *list = &probe;
    mid_source_opts o = *w->opts;
    mid_trace *trace;
    double answer_s;
    mid_status status;

    o.max_tok = 8;
    o.want = 0;
    status = mid_source_trace(w->run->ctx, tools->model, set->source, &list, 1, &o, &trace);
    if (status != MID_OK) {
        if (!is_of_one(status))
            return model_failed(w->run, set, status);
        snprintf(w->gave_up, sizeof w->gave_up, "%.299s", mid_ctx_message(w->run->ctx));
        return MID_OK;
    }
    answer_s = (mid__now_s() - start_s) * w->opts->max_tok / fmax(mid_trace_n_tok(trace), 1);
    if (set->model->rpm)
        answer_s = fmax(answer_s, 60.0 / set->model->rpm);
    mid_trace_close(trace);
    mid__log(w->run->ctx, MID_LOG_INFO, "%s: %zu answers to ask %s for, at most %u tokens each: about %.0f s, one after "
             "the other", set->name, w->n_answer, tools->model->desc, w->opts->max_tok, answer_s * (double)w->n_answer);
    return MID_OK;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* The traces of n answers, and each one's share of what the verdicts cost; zeros without a judge. */
static mid_status trace_group(mid_ctx *ctx, const mid__set *set, const mid__answer *answer, size_t n,
                              const mid_source_opts *o, const struct tools *tools, mid_trace **trace,
                              mid__judged *judged)
{
    mid_source_opts opts = *o;
    const mid_sample *sample[MID_GROUP_N];
    mid_judge_cost before;
    size_t i;
    mid_status status;

    for (i = 0; i < n; i++)
        sample[i] = answer[i].sample;
    opts.judge = tools->judge;
    if (tools->judge)
        mid_judge_spent(tools->judge, &before);
    status = mid_source_trace(ctx, tools->model, set->source, sample, n, &opts, trace);
    *judged = status == MID_OK && tools->judge ? share_of(tools->judge, &before, n) : (mid__judged){ 0 };
    return status;
}

/* Which entry of the plan it is; ranks have the same ones. */
static uint32_t i_data_of(const mid__set *set) { return (uint32_t)(set->data - set->plan->data); }

/* The same by another rank, which finds the answers by their places in the data. */
static mid_status order_group(struct work *w, mid_ctx *ctx, int rank, const mid__answer *answer, size_t n,
                              mid_trace **trace, mid__judged *judged)
{
    const mid__set *set = w->set;
    const mid_crew *crew = w->run->opts->crew;
    const bool was_asked = strcmp(set->data->source, "openai") == 0;
    mid__order order = { .i_data = i_data_of(set), .is_second = set->is_second, .n = (uint32_t)n };
    size_t i;
    mid_status status;

    for (i = 0; i < n; i++) {
        order.answer[i].i_read = answer[i].i_read;
        order.answer[i].key = answer[i].key;
        order.answer[i].said = was_asked ? answer[i].sample->response : NULL;
    }
    status = mid__crew_order(ctx, crew, rank, &order);
    return status == MID_OK ? mid__crew_collect(ctx, crew, rank, n, trace, judged) : status;
}

static mid_status make_group(void *user, mid_ctx *ctx, int i_worker, size_t i_group)
{
    struct work *w = user;
    const size_t first = w->group[i_group], n = group_end(w->set, first) - first;
    mid__answer *answer = &w->set->answer[first];
    mid_trace *trace[MID_GROUP_N];
    mid__judged judged;
    mid__moment start;
    size_t i;
    mid_status status;

    if (has_given_up(w))
        return skip(ctx, answer, w->gave_up);
    start = mid__moment_now();
    if (i_worker < w->n_here)
        status = trace_group(ctx, w->set, answer, n, w->opts, &w->tools[i_worker], trace, &judged);
    else
        status = order_group(w, ctx, 1 + i_worker - w->n_here, answer, n, trace, &judged);
    mid__spent_add(w->run->spent, MID__TASK_MODEL, start);
    if (is_asked(w->set))
        status = settle(w, ctx, answer, status);
    if (status != MID_OK || answer->why)
        return status;
    start = mid__moment_now();
    status = put_group(w, ctx, first, n, trace, w->tools[0].judge ? &judged : NULL);
    mid__spent_add(w->run->spent, MID__TASK_STORE, start);
    for (i = 0; i < n; i++)
        mid_trace_close(trace[i]);
    return status;
}

static mid_status list_missing(struct work *w)
{
    const mid__set *set = w->set;
    size_t first, end;

    w->group = malloc((set->n + 1) * sizeof *w->group);
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

/* Every worker has a context, and a judge, of its own on one thread. Contexts of one thread meet at no barrier, so a
 * busy machine slows them only by its share (two threads at a barrier can fall to a hundredth), and what a group gives
 * does not depend on how many workers there are. */
static mid_status make_missing(mid__run *run, mid__set *set, const struct tools *tools, const mid_model_opts *opts,
                               const mid_source_opts *o)
{
    const char *doing = is_recorded(set) ? "reading" : is_asked(set) ? "asking for" : "generating";
    struct work w = { .run = run, .set = set, .opts = o, .tools = { *tools } };
    mid__stage stage;
    mid__moment start;
    int n_worker, i;
    mid_status status = list_missing(&w);

    w.n_here = n_worker = mid__pool_size(run->opts->n_threads, w.n);
    if (mid__crew_works(run) && !is_asked(set)) {       /* asking a server is waiting: rank 0 does that alone */
        w.n_here = 1;
        n_worker = run->opts->crew->n_rank;
    }
    start = mid__moment_now();
    if (status == MID_OK && w.n > 0 && is_asked(set))
        status = try_server(&w, tools);
    else if (status == MID_OK && w.n > 0)
        status = estimate(run, set, tools, o, w.n_answer, n_worker);
    if (status != MID_OK || w.n == 0 || run->opts->estimate_only)
        goto out;
    for (i = 1; status == MID_OK && i < w.n_here; i++) {
        status = mid_model_fork(run->ctx, tools->model, opts, &w.tools[i].model);
        if (status == MID_OK && tools->judge)
            status = open_judge(run, set, &w.tools[i].judge);
    }
    if (status == MID_OK) {
        mid__stage_begin(&stage, run->ctx, w.n_answer, "answers", "%s %s with %s", doing, set->name, set->model->name);
        mid__spent_add(run->spent, MID__TASK_MODEL, start);
        status = mid__pool_run(run->ctx, n_worker, w.n, make_group, &w, &stage, is_asked(set) ? 1 : MID_GROUP_N,
                               run->spent);
    }
    for (i = 1; i < w.n_here; i++) {
        mid_judge_close(w.tools[i].judge);
        mid_model_close(w.tools[i].model);
    }
out:
    free(w.group);
    return status;
}

/* Add what an answer's verdicts cost when its trace was made, in this run or an earlier one. */
static mid_status add_judged(mid__run *run, mid__set *set, const mid_key *trace)
{
    void *bytes = NULL;
    mid__judged one;
    size_t n;
    mid_status status = mid_store_get_blob(run->ctx, run->store, "judged", trace, &bytes, &n);

    if (status == MID_OK && n != sizeof one)
        status = mid__fail(run->ctx, MID_EFORMAT, "the store's cost of verdicts %.12s has %zu bytes, not %zu",
                           trace->hex, n, sizeof one);
    if (status == MID_OK) {
        memcpy(&one, bytes, sizeof one);
        set->judged.n_verdict += one.n_verdict;
        set->judged.n_missing += one.n_missing;
        set->judged.n_call += one.n_call;
        set->judged.n_retry += one.n_retry;
        set->judged.time_s += one.time_s;
    }
    mid_free(bytes);
    return status;
}

/* Note that an answer was not given, and why. */
static void note_skip(mid__run *run, mid__set *set, const mid_sample *sample, const char *why)
{
    enum { N_TOLD = 10 };

    if (set->n_skipped++ == 0)
        snprintf(set->why, sizeof set->why, "%.60s: %.190s", sample->id, why);
    mid__buf_text(&set->skips, set->skips.n ? ",{\"id\":" : "{\"id\":");
    mid__json_text(&set->skips, sample->id);
    mid__buf_text(&set->skips, ",\"why\":");
    mid__json_text(&set->skips, why);
    mid__buf_text(&set->skips, "}");
    set->n_left_out++;
    if (set->n_skipped <= N_TOLD)
        mid__log(run->ctx, MID_LOG_WARN, "%s: skipped %s: %s", set->name, sample->id, why);
    else if (set->n_skipped == N_TOLD + 1)
        mid__log(run->ctx, MID_LOG_WARN, "%s: more are skipped; results.json names them all", set->name);
}

/* Read all traces; answers shorter than min_tok (or without a token) are left out, and those that were not given. */
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
        if (a->why) {
            note_skip(run, set, a->sample, a->why);
            free(a->why);
            a->why = NULL;
            continue;
        }
        status = mid_store_get_trace(run->ctx, run->store, &a->key, &a->trace);
        if (status == MID_OK && set->judge_id[0])
            status = add_judged(run, set, &a->key);
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
    set->judge_us = n_tok ? set->judged.time_s * 1e6 / (double)n_tok : 0;
    return status;
}

/* A layer that a monitor names but the model does not tap is told before the long work. */
static mid_status check_layers(mid__run *run, const mid__set *set)
{
    const mid_plan *plan = run->plan;
    const mid_param *p;
    size_t k;

    for (k = 0; !set->is_second && !set->model->url && k < plan->n_monitor; k++)
        for (p = plan->monitor[k].params; mid__monitor_runs_on(&plan->monitor[k], set) && p && p->name; p++)
            if (strcmp(p->name, "layer") == 0 && p->number >= 0 && mid__layer_index(&set->signals, (int)p->number) < 0)
                return mid__fail(run->ctx, MID_EINVAL, "%s:%d: %s reads layer %g, which model '%s' does not tap: put it under the "
                                 "model's layers", plan->file, plan->monitor[k].line, mid__monitor_label(&plan->monitor[k]),
                                 p->number, set->model->name);
    return MID_OK;
}

/* The judge, if verdicts are asked for: it becomes part of the source's options and of every trace's key. */
static mid_status add_judge(mid__run *run, mid__set *set, mid_source_opts *o, mid_judge **judge)
{
    mid_status status;

    if (!(o->want & MID_SIG_JUDGE))
        return MID_OK;
    status = open_judge(run, set, judge);
    if (status == MID_OK)
        status = note_judge(run, set);
    if (status != MID_OK)
        return status;
    o->judge = *judge;
    snprintf(set->judge_id, sizeof set->judge_id, "%s", mid_judge_id(*judge));
    set->judge_model = mid_key_of("judge", mid__judge_model(*judge), NULL);
    return MID_OK;
}

/* ---- at another rank --------------------------------------------------------------------------------------------- */

/* The sample with what a server answered as its response, for observers to read. An answer that was cut within a
 * character is read up to it. NULL: out of memory. */
static const mid_sample *answered(mid__set *set, const mid_sample *sample, const char *text, size_t n)
{
    mid_sample *s = mid__arena_get(&set->said, sizeof *s);
    const char *response = mid__arena_text(&set->said, text, n);

    if (!s || !response)
        return NULL;
    *s = *sample;
    s->response = response;
    s->response_model = set->data->model;
    s->label = -1;                      /* this and the rest were said of another response */
    s->label_source = NULL;
    s->onset_byte = -1;
    s->n_sentence = 0;
    return s;
}

/* The k-th answer of an order, whose trace must be the same here as at rank 0: of the same data, engine, model, options. */
static mid_status find_ordered(mid__run *run, mid__set *set, const mid_source_opts *o, const mid__order *order,
                               uint32_t k, size_t *at)
{
    const uint64_t i_read = order->answer[k].i_read;
    const char *said = order->answer[k].said;
    mid_key key = { "" };
    size_t i = 0;

    while (i < set->n && set->answer[i].i_read != i_read)
        i++;
    if (i < set->n && said)
        set->answer[i].sample = answered(set, set->answer[i].sample, said, strlen(said));
    if (i < set->n && !set->answer[i].sample)
        return mid__oom(run->ctx, "an answer");
    if (i < set->n)
        key = mid__trace_key(set, o, mid__engine_version(), i);
    if (strcmp(key.hex, order->answer[k].key.hex) != 0)
        return mid__fail(run->ctx, MID_EMISMATCH, "%s: answer %llu is another one here than at rank 0: all ranks need "
                         "the same plan, data, models and engine (here %s)", set->name, (unsigned long long)i_read,
                         mid__engine_version());
    *at = i;
    return MID_OK;
}

static mid_status make_ordered(mid__run *run, mid__set *set, const struct tools *tools, const mid_source_opts *o,
                               const mid__order *order)
{
    mid__answer answer[MID_GROUP_N];
    mid_trace *trace[MID_GROUP_N];
    mid__judged judged;
    size_t at = 0, i;
    uint32_t k;
    mid_status status = MID_OK;

    for (k = 0; status == MID_OK && k < order->n; k++) {
        status = find_ordered(run, set, o, order, k, &at);
        answer[k] = set->answer[at];
    }
    if (status == MID_OK)
        status = trace_group(run->ctx, set, answer, order->n, o, tools, trace, &judged);
    if (status != MID_OK)
        return status;
    status = mid__crew_hand_in(run->ctx, run->opts->crew, order->n, trace, &judged);
    for (i = 0; i < order->n; i++)
        mid_trace_close(trace[i]);
    return status;
}

/* Make what is ordered of this set. An order of a later one ends it, and is kept for that. */
static mid_status serve(mid__run *run, mid__set *set, const struct tools *tools, const mid_source_opts *o)
{
    const uint32_t i_data = i_data_of(set);
    mid__order *order = run->order;
    mid_status status = MID_OK;

    while (status == MID_OK) {
        if (!order->bytes)
            status = mid__crew_wait(run->ctx, run->opts->crew, order);
        if (status != MID_OK || order->i_data > i_data ||
            (order->i_data == i_data && order->is_second > set->is_second))
            return status;
        if (order->i_data < i_data || order->is_second != set->is_second)
            return mid__fail(run->ctx, MID_EMISMATCH, "%s:%d: rank 0 is at another entry than this rank: the same data "
                             "must be there for both", run->plan->file, run->plan->data[order->i_data].line);
        status = make_ordered(run, set, tools, o, order);
        mid__order_clear(order);
    }
    return status;
}

/* ---- without a model --------------------------------------------------------------------------------------------- */

/* Looking for one trace of a set. What a model would say of its steps stands in them, too. */
struct search {
    mid__run *run;
    mid__set *set;
    mid_source_opts o;
    char *observer;                 /* owned */
    bool found;
};

static bool is_tapped(const mid_plan_model *model, const mid_signals *s)
{
    return model->n_layer == 0 || (model->n_layer == s->n_layer &&
                                   memcmp(model->layer, s->layer, (size_t)s->n_layer * sizeof *s->layer) == 0);
}

/* The key tells whether a trace of one of the set's samples was made as the set asks, and not for another entry. */
static mid_status try_trace(void *user, const mid_key *key, const char *sample_id)
{
    struct search *s = user;
    mid__set *set = s->set;
    mid_source_opts o = s->o;
    mid_trace *trace;
    mid_key wanted_key;
    size_t i = 0;
    mid_status status;

    while (i < set->n && strcmp(set->answer[i].sample->id, sample_id) != 0)
        i++;
    if (s->found || i == set->n)
        return MID_OK;
    status = mid_store_get_trace(s->run->ctx, s->run->store, key, &trace);
    if (status != MID_OK)
        return status;
    set->signals = *mid_trace_signals(trace);
    mid_trace_close(trace);
    o.want &= set->signals.have;        /* as can_give() does */
    wanted_key = trace_key(s->run, set, &o, i);
    s->found = strcmp(wanted_key.hex, key->hex) == 0 && strcmp(set->signals.observer, s->observer) == 0 &&
               is_tapped(set->model, &set->signals);
    if (s->found)
        s->o = o;
    return MID_OK;
}

/* Keep the answers whose traces the store has. The others are those that the run which filled it left out, or has not
 * come to. */
static void keep_stored(mid__run *run, mid__set *set, const mid_source_opts *o)
{
    const char *first_gone = NULL;
    const size_t n_all = set->n;
    size_t i, n = 0;

    for (i = 0; i < n_all; i++)         /* all of them before any is gone: a generated answer's key names its group */
        set->answer[i].key = trace_key(run, set, o, i);
    for (i = 0; i < n_all; i++) {
        if (mid_store_has_trace(run->store, &set->answer[i].key))
            set->answer[n++] = set->answer[i];
        else if (!first_gone)
            first_gone = set->answer[i].sample->id;
    }
    set->n = n;
    set->n_left_out += n_all - n;
    if (first_gone)
        mid__log(run->ctx, MID_LOG_WARN, "%s: left out %zu of %zu answers, which are not stored, first '%.60s'",
                 set->name, n_all - n, n_all, first_gone);
}

static mid_status take_stored(mid__run *run, mid__set *set)
{
    struct search s = { .run = run, .set = set, .o = source_opts(set) };
    char fact[MID_KEY_N + 16];
    mid_status status;

    if (s.o.want & MID_SIG_JUDGE)
        return mid__fail(run->ctx, MID_EINVAL, "%s:%d: stored verdicts belong to a judge, which is not opened here: "
                         "run without 'stored', or take the judge's monitors out", run->plan->file,
                         set->data->judge->line);
    observer_fact(set, &s.o, fact);
    status = mid_store_get_fact(run->ctx, run->store, fact, &s.observer);
    if (status == MID_OK)
        status = mid_store_each_trace(run->ctx, run->store, try_trace, &s);
    mid_free(s.observer);
    if (status == MID_ENOTFOUND || (status == MID_OK && !s.found))
        status = mid__fail(run->ctx, MID_ENOTFOUND, "%s:%d: %s/run.db has no answer of '%s' as this entry asks for it "
                           "(data, model, format, quantise, layers, max_tok, seed): run without 'stored' to make them",
                           run->plan->file, set->data->line, run->opts->out_dir, set->name);
    if (status != MID_OK)
        return status;
    keep_stored(run, set, &s.o);
    status = check_layers(run, set);
    return status == MID_OK ? read_traces(run, set) : status;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static mid_status make_and_read(mid__run *run, mid__set *set)
{
    mid_source_opts o = source_opts(set);
    mid_model_opts opts;
    struct tools tools = { 0 };
    mid__moment start = mid__moment_now();
    size_t i;
    mid_status status = add_judge(run, set, &o, &tools.judge);

    if (status == MID_OK)
        status = open_model(run, set, &opts, &tools.model);
    if (status == MID_OK)
        status = can_give(run, set, tools.model, &o);
    if (status == MID_OK)
        status = mid_source_signals(run->ctx, tools.model, &o, &set->signals);
    if (status == MID_OK)
        status = check_layers(run, set);
    if (status == MID_OK && !set->model->url)
        status = leave_out_long(run, set, tools.model, &o);
    mid__spent_add(run->spent, MID__TASK_MODEL, start);
    if (mid__crew_is_hand(run)) {
        if (status == MID_OK)
            status = serve(run, set, &tools, &o);
        mid_model_close(tools.model);
        mid_judge_close(tools.judge);
        return status;
    }
    for (i = 0; status == MID_OK && i < set->n; i++)
        set->answer[i].key = trace_key(run, set, &o, i);
    if (status == MID_OK) {
        cut_shard(run, set);
        status = make_missing(run, set, &tools, &opts, &o);
    }
    if (status == MID_OK)
        status = put_model_fact(run, set->model, mid_model_hash(tools.model), mid_model_desc(tools.model));
    if (status == MID_OK)
        status = put_observer_fact(run, set, &o);
    mid_model_close(tools.model);
    mid_judge_close(tools.judge);
    start = mid__moment_now();
    if (status == MID_OK && !run->opts->estimate_only)
        status = read_traces(run, set);
    mid__spent_add(run->spent, MID__TASK_STORE, start);
    return status;
}

static mid_status capture(mid__run *run, mid__set *set)
{
    return run->opts->stored_only ? take_stored(run, set) : make_and_read(run, set);
}

/* ---- observers --------------------------------------------------------------------------------------------------- */

static const mid_plan_model *model_named(const mid__set *set, const char *name)
{
    size_t m = 0;

    while (strcmp(set->plan->model[m].name, name) != 0)     /* the plan loader has seen to it that it is there */
        m++;
    return &set->plan->model[m];
}

/* Give a set's answers the text of their traces as response. What an observer could not read is left out. */
static mid_status take_responses(mid__run *run, mid__set *set)
{
    size_t i, n = 0;

    for (i = 0; i < set->n; i++) {
        mid__answer a = set->answer[i];
        size_t n_text, n_whole;
        const char *text = mid_trace_text(a.trace, &n_text);
        set->answer[i].trace = NULL;
        n_whole = mid__utf8_whole(text, n_text);
        if (memchr(text, 0, n_whole) || mid__utf8_valid(text, n_whole) < n_whole) {
            note_skip(run, set, a.sample, "an answer that is not UTF-8 cannot be read by an observer");
            mid_trace_close(a.trace);
            continue;
        }
        a.sample = answered(set, a.sample, text, n_whole);
        set->answer[n++] = a;
        if (!a.sample) {
            mid_trace_close(a.trace);
            set->answer[n - 1].trace = NULL;
            set->n = n;
            return mid__oom(run->ctx, "an answer");
        }
    }
    set->n = n;
    return MID_OK;
}

/* A server is asked by rank 0 alone; an observer's orders then bring what it said. */
static mid_status capture_here(mid__run *run, mid__set *set)
{
    return is_asked(set) && mid__crew_is_hand(run) ? MID_OK : capture(run, set);
}

/* Ask a server and let the entry's observer read what it answered: from then on the set is one of recorded answers. */
static mid_status ask_and_observe(mid__run *run, mid__set *set)
{
    size_t i;
    mid_status status;

    set->is_second = true;              /* whoever is asked: the monitors' wants are for the observer */
    status = capture_here(run, set);
    set->is_second = false;
    if (status != MID_OK || run->opts->estimate_only)
        return status;
    if (!mid__crew_is_hand(run))
        status = take_responses(run, set);
    for (i = 0; i < set->n; i++) {
        mid_trace_close(set->answer[i].trace);
        set->answer[i].trace = NULL;
    }
    set->source = "recorded";
    set->model = model_named(set, set->data->observer);
    return status == MID_OK && set->n ? capture(run, set) : status;
}

/* Join two readings of the same samples in the same order; an answer that either left out is left out. */
static mid_status join(mid__run *run, mid__set *set, mid__set *second)
{
    double n_tok = 0, n_second = 0;
    size_t i, k = 0, n = 0;
    mid_status status = MID_OK;

    for (i = 0; status == MID_OK && i < set->n; i++) {
        mid__answer a = set->answer[i];
        n_tok += mid_trace_n_tok(a.trace);
        while (k < second->n && second->answer[k].i_read < a.i_read)
            k++;
        set->answer[i].trace = NULL;
        if (k == second->n || second->answer[k].i_read != a.i_read) {
            mid_trace_close(a.trace);
            set->n_left_out++;
            continue;
        }
        n_second += mid_trace_n_tok(second->answer[k].trace);
        status = mid_trace_put_beside(run->ctx, a.trace, second->answer[k].trace);
        if (status == MID_OK)
            second->answer[k].trace = NULL;
        a.beside_key = second->answer[k].key;
        set->answer[n++] = a;
    }
    if (status != MID_OK)
        return mid__within(run->ctx, status, "%s", set->answer[n - 1].sample->id);
    set->n = n;
    set->beside_signals = second->signals;
    set->signals.have |= MID_SIG_BESIDE;
    set->signals.beside = &set->beside_signals;
    set->beside_us = n_tok > 0 ? second->time_us * n_second / n_tok : 0;
    return MID_OK;
}

/* The second observer's reading, beside that of the first. */
static mid_status read_beside(mid__run *run, mid__set *set)
{
    mid__set second = *set;
    mid_status status = MID_OK;
    size_t i;

    if (is_asked(set) && run->opts->estimate_only)
        return MID_OK;                  /* how long there will be something to read is not known yet */
    if (is_asked(set) && !mid__crew_is_hand(run))
        status = take_responses(run, set);
    second.model = model_named(set, set->data->beside);
    second.source = "recorded";
    second.is_second = true;
    second.n = set->n;
    second.n_left_out = second.n_skipped = 0;
    second.answer = malloc((set->n + 1) * sizeof *second.answer);
    if (!second.answer)
        return mid__oom(run->ctx, set->name);
    for (i = 0; i < set->n; i++) {
        second.answer[i] = set->answer[i];
        second.answer[i].trace = NULL;
    }
    if (status == MID_OK)
        status = capture(run, &second);
    if (status == MID_OK && !run->opts->estimate_only && !mid__crew_is_hand(run))
        status = join(run, set, &second);
    for (i = 0; i < second.n; i++)
        mid_trace_close(second.answer[i].trace);
    free(second.answer);
    return status;
}

mid_status mid__set_capture(mid__run *run, mid__set *set)
{
    size_t i;
    mid_status status;

    for (i = 0; i < set->n; i++)
        set->answer[i].i_read = i;
    status = set->data->observer ? ask_and_observe(run, set) : capture_here(run, set);
    if (status == MID_OK && set->data->beside && set->n)
        status = read_beside(run, set);
    return status;
}
