/* midstream fit: learn a monitor from labelled answers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct collection {
    mid_fit_answer *answer;
    size_t n, cap;
    const cli *c;
} collection;

/* trace is given. */
static int add(collection *all, mid_trace *trace, int label)
{
    mid_prompt prompt;

    if (all->n == all->cap) {
        mid_fit_answer *more = realloc(all->answer, (all->cap = all->cap ? 2 * all->cap : 256) * sizeof *more);
        if (!more) {
            mid_trace_close(trace);
            return cli_fail(all->c, "out of memory");
        }
        all->answer = more;
    }
    mid_trace_prompt(trace, NULL, &prompt);
    all->answer[all->n++] = (mid_fit_answer){ trace, label, cli_hash(prompt.text ? prompt.text : "") };
    return CLI_OK;
}

static int take(void *user, const mid_sample *sample, mid_trace *trace) { return add(user, trace, sample->label); }

static int collect_dataset(cli *c, int layer, collection *all)
{
    const cli_answers answers = { .labelled = true, .take = take, .user = all };
    mid_dataset *data = NULL;
    mid_model *model = NULL;
    int code = cli_dataset_open(c, &data);

    if (code == CLI_OK)
        code = cli_model_open(c, MID_GROUP_N, layer, &model);
    if (code == CLI_OK)
        code = cli_answers_run(c, model, data, &answers);
    mid_model_close(model);
    mid_dataset_close(data);
    return code;
}

static int collect_stored(const cli *c, collection *all)
{
    cli_records labels = { .n = 0 };
    mid_store *store = NULL;
    mid_trace *trace;
    size_t i, n_gone = 0, n_unsaid = 0;
    int code;

    if (!c->args.labels)
        return cli_usage(c, "--traces needs --labels FILE.jsonl");
    code = cli_labels_read(c, c->args.labels, &labels);
    if (code == CLI_OK)
        code = cli_traces_open(c, &store);
    for (i = 0; i < labels.n && code == CLI_OK; i++) {
        if (isnan(labels.at[i].label)) {
            n_unsaid += 1;
            continue;
        }
        code = cli_traces_get(c, store, labels.at[i].id, &trace);
        if (code == CLI_OK && trace)
            code = add(all, trace, labels.at[i].label > 0);
        n_gone += !trace;
    }
    if (code == CLI_OK && n_gone + n_unsaid)
        cli_note(c, "of %zu labels %zu say nothing and %zu have no trace; left out", labels.n, n_unsaid, n_gone);
    mid_store_close(store);
    cli_records_clear(&labels);
    return code;
}

/* Figures about what was learned that some monitors leave beside it; their cards say how to read them. */
static void note_quality(const cli *c, const mid_weights *weights)
{
    static const char *const figure[] = { "coverage", "succinctness", "sensitivity", "stationary_entropy", "preciseness",
                                          "preciseness_max" };
    char key[64];
    size_t i;

    for (i = 0; i < sizeof figure / sizeof figure[0]; i++) {
        snprintf(key, sizeof key, "quality.%s", figure[i]);
        if (mid_weights_text(weights, key))
            cli_note(c, "  %-18s %.4g", figure[i], mid_weights_number(weights, key));
    }
}

static int fit(const cli *c, const mid_monitor_spec *spec, const mid_param *params, const collection *all)
{
    char name[MID_SPEC_BYTES];
    const mid_fit_set set = { .answer = all->answer, .n = all->n, .seed = c->args.seed };
    mid_weights *weights = NULL;
    size_t i, n_unsafe = 0;
    mid_status status;

    for (i = 0; i < all->n; i++)
        n_unsafe += all->answer[i].label == 1;
    mid_monitor_spec_text(spec, name);
    cli_note(c, "%s learns from %zu answers, %zu of them unsafe", name, all->n, n_unsafe);
    status = mid_monitor_spec_fit(c->ctx, spec, params, &set, &weights);
    if (status == MID_OK)
        status = mid_weights_save(c->ctx, weights, c->args.out);
    if (status == MID_OK)
        note_quality(c, weights);
    mid_weights_close(weights);
    return cli_end(c, status);
}

static int run(cli *c)
{
    mid_monitor_spec spec;
    mid_param params[CLI_LIST_MAX + 1], *p;
    mid_monitor_reads reads;
    collection all = { .c = c };
    int layer, code = cli_spec(c, c->args.monitor, &spec);

    if (code != CLI_OK)
        return code;
    if (!mid_monitor_spec_learns(&spec))
        return cli_usage(c, "%s has nothing to learn: use it by its name", c->args.monitor);
    if (c->args.traces && (c->args.in || c->args.dataset))
        return cli_usage(c, "--traces holds the answers already: leave out --in and --dataset");
    code = cli_params(c, spec.monitor->params, params);
    if (code != CLI_OK)
        return code;
    if (mid_monitor_reads_of(c->ctx, spec.monitor, params, &reads) != MID_OK)
        return cli_usage(c, "%s", mid_ctx_message(c->ctx));
    layer = cli_layers(c, &reads);
    for (p = params; p->name; p++)
        if (strcmp(p->name, "layer") == 0 && p->number >= 0)
            layer = (int)fmin(p->number, 1000);
    code = c->args.traces ? collect_stored(c, &all) : collect_dataset(c, layer, &all);
    if (code == CLI_OK)
        code = fit(c, &spec, params, &all);
    while (all.n)
        mid_trace_close((mid_trace *)all.answer[--all.n].trace);    /* ours: the fit set only borrowed it */
    free(all.answer);
    return code;
}

const cli_verb cli_verb_fit = {
    .name = "fit", .words = "",
    .takes = "!monitor !out traces labels in dataset model source form max-tok limit quantise param seed plugin plugin-timeout "
             "data cache threads quiet help",
    .summary = "learn a monitor from labelled answers and write it to one file",
    .about = "Answers come from a store (--traces, with --labels), or are read from a dataset by --model, the\n"
             "observer. The file is safetensors and belongs to that observer: with another it refuses to work.",
    .example = "midstream fit --monitor probe_linear --dataset xstest --limit 400 --out probe.safetensors",
    .run = run,
};
