/* What several verbs do: find folders, open models and datasets, turn answers into traces group by group. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const char *cli_cache_dir(const cli *c)
{
    static char path[4096];
    const char *set = getenv("MIDSTREAM_CACHE"), *home = getenv("HOME");

    if (c->args.cache)
        return c->args.cache;
    if (set && *set)
        return set;
    snprintf(path, sizeof path, "%s/.cache/midstream", home && *home ? home : ".");
    return path;
}

void cli_data_dirs(const cli *c, cli_list *dirs)
{
    const char *set = getenv("MIDSTREAM_DATA");

    *dirs = c->args.data;
    if (dirs->n < CLI_LIST_MAX && set && *set)
        dirs->at[dirs->n++] = set;
    if (dirs->n < CLI_LIST_MAX)
        dirs->at[dirs->n++] = "data";
    if (dirs->n < CLI_LIST_MAX && access(MID_DATA_DIR, R_OK) == 0)
        dirs->at[dirs->n++] = MID_DATA_DIR;
}

static int open_server(cli *c, mid_model **out)
{
    mid_server_opts opts = mid_server_opts_default();

    opts.model = c->args.model;
    opts.key = c->args.key_env ? getenv(c->args.key_env) : NULL;
    opts.seed = c->args.seed;
    if (c->args.key_env && !opts.key)
        return cli_usage(c, "--key-env %s: not set in the environment", c->args.key_env);
    return cli_end(c, mid_server_open(c->ctx, c->args.url, &opts, out));
}

int cli_model_open(cli *c, int n_seq, int layer, mid_model **out)
{
    mid_model_opts opts = mid_model_opts_default();
    char *path;
    mid_status status;

    if (c->args.url)
        return open_server(c, out);
    status = mid_model_resolve(c->ctx, c->args.model ? c->args.model : "smollm2", cli_cache_dir(c), &path);
    if (status != MID_OK)
        return cli_end(c, status);
    opts.quantise = c->args.quantise;
    opts.cache_dir = cli_cache_dir(c);
    opts.n_threads = (int)c->args.threads;
    opts.n_seq = n_seq;
    opts.n_layer = layer == CLI_LAYERS_NONE ? -1 : layer == CLI_LAYERS_SPREAD ? 0 : 1;
    opts.layer[0] = layer;
    opts.attention = c->want & MID_SIG_ATTENTION;
    opts.n_ctx_seq = 1024 + (int)(c->args.max_tok / 256 * 256);     /* a long answer must not eat the prompt's room */
    status = mid_model_open(c->ctx, path, &opts, out);
    mid_free(path);
    return cli_end(c, status);
}

mid_source_opts cli_source_opts(const cli *c, const mid_model *model)
{
    mid_source_opts opts = mid_source_opts_default();

    opts.format = c->args.form;
    if (!opts.format && !mid_model_has_template(model))
        opts.format = "Question: {prompt}\nAnswer:";
    if (c->args.max_tok)
        opts.max_tok = c->args.max_tok;
    opts.temperature = (float)c->args.temperature;
    opts.seed = c->args.seed;
    opts.want = c->want;
    return opts;
}

int cli_layers(cli *c, const mid_monitor_reads *reads)
{
    const uint32_t needs = reads->needs | reads->fit_needs;

    c->want = needs & ~(uint32_t)(MID_SIG_ALWAYS | MID_SIG_BESIDE);
    return needs & (MID_SIG_HIDDEN | MID_SIG_LENS | MID_SIG_SAMPLES) ? CLI_LAYERS_SPREAD : CLI_LAYERS_NONE;
}

int cli_dataset_open(const cli *c, mid_dataset **out)
{
    cli_list dirs;

    if (!c->args.in == !c->args.dataset)
        return cli_usage(c, "give --in FILE.jsonl or --dataset NAME, one of the two");
    cli_data_dirs(c, &dirs);
    return cli_end(c, mid_dataset_open(c->ctx, dirs.at, dirs.n, c->args.in ? c->args.in : c->args.dataset, out));
}

int cli_params(const cli *c, const mid_param *known, mid_param out[CLI_LIST_MAX + 1])
{
    static char name[CLI_LIST_MAX][64];
    const mid_param *k;
    size_t i;

    for (i = 0; i < c->args.param.n; i++) {
        const char *given = c->args.param.at[i], *equals = strchr(given, '=');
        char *end;
        if (!equals || equals - given >= (long)sizeof name[i])
            return cli_usage(c, "--param %s: write it NAME=VALUE", given);
        snprintf(name[i], sizeof name[i], "%.*s", (int)(equals - given), given);
        for (k = known; k && k->name && strcmp(k->name, name[i]) != 0; k++)
            ;
        if (!k || !k->name)
            return cli_usage(c, "--param %s: there is no parameter '%s'", given, name[i]);
        out[i] = (mid_param){ .name = k->name, .text = k->text ? equals + 1 : NULL };
        if (!k->text)
            out[i].number = strtod(equals + 1, &end);
        if (!k->text && (!equals[1] || *end || !isfinite(out[i].number)))
            return cli_usage(c, "--param %s: '%s' is a number", given, name[i]);
    }
    out[i] = (mid_param){ .name = NULL };
    return CLI_OK;
}

/* FNV-1a, 32 bits. */
uint32_t cli_hash(const char *text)
{
    uint32_t h = 2166136261u;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

void cli_trace_fact(char name[128], const char *sample_id)
{
    const mid_key key = mid_key_of(sample_id, NULL);

    snprintf(name, 128, "trace of %s", key.hex);
}

int cli_traces_open(const cli *c, mid_store **out)
{
    if (access(c->args.traces, R_OK) != 0)
        return cli_fail(c, "%s: no such store; midstream trace makes one", c->args.traces);
    return cli_end(c, mid_store_open(c->ctx, c->args.traces, out));
}

int cli_traces_get(const cli *c, mid_store *store, const char *sample_id, mid_trace **out)
{
    char fact[128], *value = NULL;
    mid_key key;
    mid_status status;

    *out = NULL;
    cli_trace_fact(fact, sample_id);
    status = mid_store_get_fact(c->ctx, store, fact, &value);
    if (status == MID_ENOTFOUND)
        return CLI_OK;
    if (status == MID_OK) {
        snprintf(key.hex, sizeof key.hex, "%s", value);
        status = mid_store_get_trace(c->ctx, store, &key, out);
    }
    mid_free(value);
    return cli_end(c, status);
}

/* Is it rather a file's name that is meant? */
static bool is_path(const char *text) { return strchr(text, '/') || strstr(text, ".safetensors"); }

int cli_spec(const cli *c, const char *text, mid_monitor_spec *out)
{
    if (mid_monitor_spec_parse(c->ctx, text, out) == MID_OK)
        return CLI_OK;
    if (strchr(text, '+') && !is_path(text))
        return cli_usage(c, "%s", mid_ctx_message(c->ctx));
    return cli_usage(c, "no monitor '%s'; see: midstream list monitors", text);
}

static int find_registered(cli *c, const char *name, cli_monitor *out)
{
    const mid_monitor_ops *const *list = mid_monitor_list();
    const char *all[256], *nearest, *quote = strchr(name, '(') ? "'" : "";
    mid_monitor_reads reads;
    size_t n;

    if (mid_monitor_spec_parse(c->ctx, name, &out->spec) == MID_OK) {
        out->ops = out->spec.monitor;
        mid_monitor_spec_text(&out->spec, out->name);
        if (mid_monitor_reads_of(c->ctx, out->ops, NULL, &reads) != MID_OK)
            return cli_usage(c, "%s", mid_ctx_message(c->ctx));
        out->layer = cli_layers(c, &reads);
        return !mid_monitor_spec_learns(&out->spec) ? CLI_OK
               : cli_usage(c, "%s has to learn first: make a file with midstream fit --monitor %s%s%s", name, quote, name, quote);
    }
    if (strchr(name, '+') && !is_path(name))
        return cli_usage(c, "%s", mid_ctx_message(c->ctx));
    for (n = 0; n < 256 && list[n]; n++)
        all[n] = list[n]->name;
    nearest = cli_nearest(name, all, n);
    if (nearest)
        return cli_usage(c, "no monitor and no file '%s'; did you mean '%s'?", name, nearest);
    return cli_usage(c, "no monitor and no file '%s'; see: midstream list monitors", name);
}

int cli_monitor_find(cli *c, const char *name_or_file, cli_monitor *out)
{
    const char *name;
    mid_monitor_reads reads;
    double layer;
    int code;

    *out = (cli_monitor){ .layer = CLI_LAYERS_NONE };
    if (access(name_or_file, F_OK) != 0)
        return find_registered(c, name_or_file, out);
    out->file = name_or_file;
    code = cli_end(c, mid_weights_load(c->ctx, name_or_file, &out->weights));
    if (code != CLI_OK)
        return code;
    name = mid_weights_text(out->weights, "monitor");
    out->ops = name ? mid_ctx_find_monitor(c->ctx, name) : NULL;
    if (!out->ops) {
        code = cli_fail(c, "%s: made for monitor '%.60s', which this version does not have", name_or_file,
                        name ? name : "");
        cli_monitor_close(out);
        return code;
    }
    if (mid_monitor_spec_read(c->ctx, out->weights, &out->spec) != MID_OK ||
        mid_monitor_reads_fitted(c->ctx, out->ops, out->weights, &reads) != MID_OK) {
        cli_monitor_close(out);
        return cli_fail(c, "%s: %s", name_or_file, mid_ctx_message(c->ctx));
    }
    mid_monitor_spec_text(&out->spec, out->name);
    layer = mid_weights_number(out->weights, "layer");         /* the one that fitting chose */
    out->layer = cli_layers(c, &reads);
    if ((reads.needs & MID_SIG_HIDDEN) && layer >= 0 && layer < 1000)
        out->layer = (int)layer;
    return CLI_OK;
}

int cli_monitor_bind(const cli *c, const mid_model *model, cli_monitor *m)
{
    const mid_source_opts opts = cli_source_opts(c, model);
    mid_signals signals;
    mid_status status = mid_source_signals(c->ctx, model, &opts, &signals);

    if (status == MID_OK)
        status = m->file ? mid_monitor_load(c->ctx, m->file, &signals, &m->monitor)
                 : mid_monitor_spec_open(c->ctx, &m->spec, NULL, NULL, &signals, &m->monitor);
    if (status == MID_OK)
        status = mid_stream_open(c->ctx, m->monitor, &m->stream);
    return cli_end(c, status);
}

void cli_monitor_close(cli_monitor *m)
{
    mid_stream_close(m->stream);
    mid_monitor_close(m->monitor);
    mid_weights_close(m->weights);
    *m = (cli_monitor){ .ops = NULL };
}

/* Keep `limit` of n samples, evenly spread, so that a set sorted by author or topic gives some of each. */
static size_t spread(const mid_sample **sample, size_t n, size_t limit)
{
    size_t i;

    if (!limit || limit >= n)
        return n;
    for (i = 0; i < limit; i++)
        sample[i] = sample[i * n / limit];
    return limit;
}

/* The samples a verb works on: with a label if it needs one, with an answer if that is to be read; at most --limit. */
static int select_samples(const cli *c, const mid_dataset *data, const cli_answers *answers, const char **source,
                          const mid_sample ***out, size_t *n)
{
    const size_t n_all = mid_dataset_n(data);
    const mid_sample **sample = calloc(n_all ? n_all : 1, sizeof *sample);
    bool recorded = c->args.source && strcmp(c->args.source, "recorded") == 0;
    size_t i;

    if (!sample)
        return cli_fail(c, "out of memory");
    for (i = 0; i < n_all && !c->args.source; i++)
        recorded |= mid_dataset_at(data, i)->response != NULL;
    if (c->args.url && !c->args.source)
        recorded = false;
    *source = c->args.source ? c->args.source : c->args.url ? "openai" : recorded ? "recorded" : "llama";
    for (i = *n = 0; i < n_all; i++) {
        const mid_sample *s = mid_dataset_at(data, i);
        if ((recorded && !s->response) || (answers->labelled && s->label < 0))
            continue;
        sample[(*n)++] = s;
    }
    if (*n == 0) {
        free(sample);
        return cli_fail(c, "%s: none of its %zu samples has %s", mid_dataset_name(data), n_all,
                        recorded && answers->labelled ? "an answer and a label" : recorded ? "an answer" : "a label");
    }
    *n = spread(sample, *n, c->args.limit);
    *out = sample;
    return CLI_OK;
}

/* A server's failure to give one answer, which says nothing of the next; one that is gone ends the work. */
static bool is_of_one(mid_status status)
{
    return status == MID_EINVAL || status == MID_EFORMAT || status == MID_ESIGNAL || status == MID_EUNDEFINED ||
           status == MID_ELIMIT;
}

static int run_group(cli *c, mid_model *model, const char *source, const mid_sample *const *sample, size_t n,
                     const mid_source_opts *opts, const cli_answers *answers)
{
    mid_trace *trace[MID_GROUP_N];
    size_t i = 0;
    mid_status status;
    int code;

    while (answers->skip && i < n && answers->skip(answers->user, sample[i]))
        i++;
    if (answers->skip && i == n)
        return CLI_OK;
    status = mid_source_trace(c->ctx, model, source, sample, n, opts, trace);
    if (c->args.url && is_of_one(status)) {
        cli_note(c, "skipped %s: %s", sample[0]->id, mid_ctx_message(c->ctx));
        return CLI_OK;
    }
    code = cli_end(c, status);
    if (code != CLI_OK)
        return code;
    for (i = 0; i < n; i++) {
        if (code == CLI_OK)
            code = answers->take(answers->user, sample[i], trace[i]);
        else
            mid_trace_close(trace[i]);
    }
    return code;
}

int cli_answers_run(cli *c, mid_model *model, const mid_dataset *data, const cli_answers *answers)
{
    const mid_source_opts opts = cli_source_opts(c, model);
    const mid_sample **sample = NULL;
    const char *source = "";
    char stage[120];
    size_t n = 0, i, n_now;
    int code = select_samples(c, data, answers, &source, &sample, &n);

    if (code != CLI_OK)
        return code;
    snprintf(stage, sizeof stage, "%s %s with %s", strcmp(source, "recorded") == 0 ? "read" : "generate",
             mid_dataset_name(data), mid_model_desc(model));
    for (i = 0; code == CLI_OK && i < n; i += n_now) {
        cli_progress_show(c, stage, i, n, "answers");
        n_now = n - i < MID_GROUP_N ? n - i : MID_GROUP_N;
        n_now = c->args.url ? 1 : n_now;            /* what a server gave is kept at once */
        code = cli_stopped() ? cli_fail(c, "stopped; what is stored stays")
               : run_group(c, model, source, sample + i, n_now, &opts, answers);
    }
    if (code == CLI_OK)
        cli_progress_show(c, stage, n, n, "answers");
    cli_progress_end(c);
    free(sample);
    return code;
}

int cli_drift_open(const cli *c, const mid_rule_file *rule, bool look_only, mid_drift **out, bool *withdrawn)
{
    mid_drift_opts opts = mid_drift_opts_default();
    mid_drift_verdict verdict;
    int code;

    opts.path = c->args.drift;
    opts.look_only = look_only;
    code = cli_end(c, mid_drift_open_rule(c->ctx, rule, &opts, out));
    if (code != CLI_OK)
        return code;
    mid_drift_read(*out, &verdict);
    *withdrawn = verdict.state == MID_DRIFT_WITHDRAWN;
    if (*withdrawn)
        cli_note(c, "%s: %s", c->args.rule, verdict.words);
    return CLI_OK;
}
