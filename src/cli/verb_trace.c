/* midstream trace: make or read answers with a model and keep every step in a store. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct tracer {
    cli *c;
    mid_store *store;
    mid_signals signals;
    char settings[120];             /* what else the steps depend on */
    size_t n_new;
} tracer;

static mid_key key_of(const tracer *t, const mid_sample *s)
{
    /* another engine, which comes with another version, reads differently */
    return mid_key_of("trace", "3", mid_version(), t->signals.observer, t->settings, s->id, s->prompt,
                      s->response ? s->response : "", NULL);
}

static bool skip(void *user, const mid_sample *sample)
{
    tracer *t = user;
    const mid_key key = key_of(t, sample);
    char fact[128], *value = NULL;
    bool known = mid_store_has_trace(t->store, &key);

    /* the newest settings are what the id stands for, so a known trace under an old note is stored again */
    cli_trace_fact(fact, sample->id);
    if (known)
        known = mid_store_get_fact(t->c->ctx, t->store, fact, &value) == MID_OK && strcmp(value, key.hex) == 0;
    mid_free(value);
    return known;
}

static int take(void *user, const mid_sample *sample, mid_trace *trace)
{
    tracer *t = user;
    mid_ctx *ctx = t->c->ctx;
    const mid_key key = key_of(t, sample);
    char fact[128];
    mid_status status;

    cli_trace_fact(fact, sample->id);
    status = mid_store_begin(ctx, t->store);
    if (status == MID_OK) {
        status = mid_store_put_trace(ctx, t->store, &key, sample->id, trace);
        if (status == MID_OK)
            status = mid_store_put_fact(ctx, t->store, fact, key.hex);
        if (status == MID_OK)
            status = mid_store_commit(ctx, t->store);
        else
            mid_store_rollback(t->store);
    }
    t->n_new += status == MID_OK;
    mid_trace_close(trace);
    return cli_end(t->c, status);
}

static int run(cli *c)
{
    tracer t = { .c = c };
    const cli_answers answers = { .skip = skip, .take = take, .user = &t };
    mid_dataset *data = NULL;
    mid_model *model = NULL;
    mid_source_opts opts;
    mid_monitor_spec spec;
    mid_monitor_reads reads;
    int code = c->args.monitor ? cli_spec(c, c->args.monitor, &spec) : CLI_OK;

    if (code != CLI_OK)
        return code;
    if (c->args.monitor) {
        if (mid_monitor_reads_of(c->ctx, spec.monitor, NULL, &reads) != MID_OK)
            return cli_usage(c, "%s", mid_ctx_message(c->ctx));
        cli_layers(c, &reads);
    }
    code = cli_dataset_open(c, &data);
    if (code == CLI_OK)
        code = cli_model_open(c, MID_GROUP_N, CLI_LAYERS_SPREAD, &model);
    if (code == CLI_OK)
        code = cli_end(c, mid_store_open(c->ctx, c->args.store, &t.store));
    if (code == CLI_OK) {
        opts = cli_source_opts(c, model);
        snprintf(t.settings, sizeof t.settings, "%s max_tok %u temperature %g seed %llu want %x",
                 c->args.source ? c->args.source : "", opts.max_tok, (double)opts.temperature,
                 (unsigned long long)opts.seed, opts.want);
        code = cli_end(c, mid_source_signals(c->ctx, model, &opts, &t.signals));
    }
    if (code == CLI_OK)
        code = cli_answers_run(c, model, data, &answers);
    if (code == CLI_OK)
        cli_note(c, "%s: new answers: %zu", c->args.store, t.n_new);
    mid_store_close(t.store);
    mid_model_close(model);
    mid_dataset_close(data);
    return code;
}

const cli_verb cli_verb_trace = {
    .name = "trace", .words = "",
    .takes = "in dataset !store monitor model url key-env source form max-tok temperature seed limit quantise plugin "
             "plugin-timeout data cache threads quiet help",
    .summary = "generate answers, or read recorded ones, and keep every step in a store",
    .about = "A step holds a token's text, probability, entropy, likeliest alternatives and hidden rows: all that\n"
             "most monitors look at; with --monitor (also one of a --plugin) what that one needs besides. Run\n"
             "again, and only answers that are not there yet are made. With --url a server generates: its steps\n"
             "hold no entropy and no hidden rows, and an answer that it does not give is skipped with its reason.",
    .example = "midstream trace --dataset own_qa --limit 32 --store qa.db",
    .run = run,
};
