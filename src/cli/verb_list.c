/* midstream list: what there is, from the library's registries and from the data folders. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define TABLE(...) { .column = (const char *const[]){ __VA_ARGS__ }, \
                     .n_column = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *) }

/* "text+entropy" of MID_SIG_TEXT | MID_SIG_ENTROPY. */
static void signal_names(uint32_t signals, char text[120])
{
    static const struct { uint32_t bit; const char *name; } all[] = {
        { MID_SIG_TEXT, "text" }, { MID_SIG_LOGPROB, "logprob" }, { MID_SIG_ENTROPY, "entropy" },
        { MID_SIG_TOP, "top" }, { MID_SIG_HIDDEN, "hidden" }, { MID_SIG_TIME, "time" },
        { MID_SIG_SPREAD, "spread" }, { MID_SIG_ATTENTION, "attention" }, { MID_SIG_LENS, "lens" },
        { MID_SIG_ALONE, "alone" }, { MID_SIG_AFFIRM, "affirm" }, { MID_SIG_SAMPLES, "samples" },
        { MID_SIG_JUDGE, "judge" },
    };
    size_t i;

    text[0] = 0;
    for (i = 0; i < sizeof all / sizeof *all; i++)
        if (signals & all[i].bit)
            snprintf(text + strlen(text), 120 - strlen(text), "%s%s", text[0] ? "+" : "", all[i].name);
}

/* "layer=-1 c=0": parameters with their defaults. */
static void param_names(const mid_param *p, char text[400])
{
    text[0] = 0;
    for (; p && p->name; p++) {
        const size_t n = strlen(text);
        if (p->text)
            snprintf(text + n, 400 - n, "%s%s=%s", n ? " " : "", p->name, p->text);
        else if (isnan(p->number))
            snprintf(text + n, 400 - n, "%s%s", n ? " " : "", p->name);
        else
            snprintf(text + n, 400 - n, "%s%s=%g", n ? " " : "", p->name, p->number);
    }
}

static int add_monitor(cli *c, cli_table *t, const mid_monitor_ops *m)
{
    char needs[120], params[400];

    signal_names(m->needs, needs);
    param_names(m->params, params);
    return cli_table_row(c, t, m->name, mid_box_name(m->box), m->fit ? "yes" : "no", needs[0] ? needs : "nothing", m->unit,
                         params, m->source, m->summary);
}

/* Hybrids are those whose members say what they read. */
static int list_kind(cli *c, bool hybrids)
{
    cli_table t = TABLE("name", "box", "learns", "needs", "+unit", "+params", "+source", "summary");
    const mid_monitor_ops *const *m;
    int code = CLI_OK;
    size_t i;

    for (m = mid_monitor_list(); *m && code == CLI_OK; m++)
        if (!(*m)->reads == !hybrids)
            code = add_monitor(c, &t, *m);
    for (i = 0; i < c->args.plugin.n && !hybrids && code == CLI_OK; i++)
        code = add_monitor(c, &t, mid_plugin_ops(c->plugin[i]));
    cli_table_print(c, &t);
    return code;
}

static int list_monitors(cli *c) { return list_kind(c, false); }
static int list_hybrids(cli *c) { return list_kind(c, true); }

/* "beta=0.9"; a parameter that is learned unless it is given has no default. */
static void aggregator_params(const mid_aggregator_param *p, char text[200])
{
    text[0] = 0;
    for (; p && p->name; p++) {
        const size_t n = strlen(text);
        if (isnan(p->number))
            snprintf(text + n, 200 - n, "%s%s", n ? " " : "", p->name);
        else
            snprintf(text + n, 200 - n, "%s%s=%g", n ? " " : "", p->name, p->number);
    }
}

static int list_aggregators(cli *c)
{
    cli_table t = TABLE("name", "params", "learns", "#state_bytes", "+unit", "+source", "summary");
    const mid_aggregator_ops *const *a;
    char params[200], bytes[24];
    int code = CLI_OK;

    for (a = mid_aggregator_list(); *a && code == CLI_OK; a++) {
        aggregator_params((*a)->params, params);
        snprintf(bytes, sizeof bytes, "%zu", (*a)->state_size +
                 ((*a)->state_per ? (*a)->state_per * (size_t)(*a)->params[0].number : 0));
        code = cli_table_row(c, &t, (*a)->name, params[0] ? params : NULL, (*a)->fit ? "yes" : "no", bytes, (*a)->unit,
                             (*a)->source, (*a)->summary);
    }
    cli_table_print(c, &t);
    return code;
}

static int list_tasks(cli *c)
{
    cli_table t = TABLE("name", "labeler", "of generated answers", "unsafe means");
    const mid_task_info *info;
    int code = CLI_OK;

    for (info = mid_task_list(); info->name && code == CLI_OK; info++)
        code = cli_table_row(c, &t, info->name, info->default_labeler,
                             info->generated_labeler ? info->generated_labeler : info->default_labeler,
                             info->unsafe_means);
    cli_table_print(c, &t);
    return code;
}

static int list_labelers(cli *c)
{
    cli_table t = TABLE("name", "who", "+params", "+source", "summary");
    const mid_labeler_info *const *info;
    char params[400];
    int code = CLI_OK;

    for (info = mid_labeler_list(); *info && code == CLI_OK; info++) {
        param_names((*info)->params, params);
        code = cli_table_row(c, &t, (*info)->name, (*info)->who, params, (*info)->source, (*info)->summary);
    }
    cli_table_print(c, &t);
    return code;
}

static int list_metrics(cli *c)
{
    cli_table t = TABLE("name", "unit", "better", "+source", "summary");
    const mid_metric_info *info;
    int code = CLI_OK;

    for (info = mid_metric_list(); info->name && code == CLI_OK; info++)
        code = cli_table_row(c, &t, info->name, info->unit, info->higher_is_better ? "higher" : "lower", info->source,
                             info->summary);
    cli_table_print(c, &t);
    return code;
}

static int list_rules(cli *c)
{
    cli_table t = TABLE("name", "+params", "+source", "summary");
    const mid_rule_info *info;
    char params[400];
    int code = CLI_OK;

    for (info = mid_rule_list(); info->name && code == CLI_OK; info++) {
        param_names(info->params, params);
        code = cli_table_row(c, &t, info->name, params, info->source, info->summary);
    }
    cli_table_print(c, &t);
    return code;
}

static int list_sources(cli *c)
{
    cli_table t = TABLE("name", "gives", "summary");
    const mid_source_info *info;
    char have[120];
    int code = CLI_OK;

    for (info = mid_source_list(); info->name && code == CLI_OK; info++) {
        signal_names(info->have, have);
        code = cli_table_row(c, &t, info->name, have, info->summary);
    }
    cli_table_print(c, &t);
    return code;
}

static int list_models(cli *c)
{
    static const char *const name[] = { "gemma", "smollm2" };
    cli_table t = TABLE("name", "found", "path");
    size_t i;
    int code = CLI_OK;

    for (i = 0; i < 2 && code == CLI_OK; i++) {
        char *path = NULL;
        code = cli_end(c, mid_model_resolve(c->ctx, name[i], cli_cache_dir(c), &path));
        if (code == CLI_OK)
            code = cli_table_row(c, &t, name[i], access(path, R_OK) == 0 ? "yes" : "no", path);
        mid_free(path);
    }
    cli_table_print(c, &t);
    if (code == CLI_OK)
        cli_note(c, "any other GGUF file is named by its path");
    return code;
}

static bool is_dataset(const char *dir, const char *name)
{
    static const char *const file[] = { "data.jsonl", "data-1.jsonl" };
    char path[4096];
    size_t i;

    for (i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", dir, name, file[i]);
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

static int add_dataset(cli *c, cli_table *t, const char *dir, const char *name)
{
    mid_dataset *data = NULL;
    size_t i, n, n_answer = 0, n_label = 0;
    char text[3][24];
    int code;

    if (mid_dataset_open(c->ctx, &dir, 1, name, &data) != MID_OK) {
        cli_note(c, "left out: %s", mid_ctx_message(c->ctx));
        return CLI_OK;
    }
    n = mid_dataset_n(data);
    for (i = 0; i < n; i++) {
        n_answer += mid_dataset_at(data, i)->response != NULL;
        n_label += mid_dataset_at(data, i)->label >= 0;
    }
    snprintf(text[0], sizeof text[0], "%zu", n);
    snprintf(text[1], sizeof text[1], "%zu", n_answer);
    snprintf(text[2], sizeof text[2], "%zu", n_label);
    code = cli_table_row(c, t, name, n ? mid_dataset_at(data, 0)->task : NULL, text[0], text[1], text[2], dir);
    mid_dataset_close(data);
    return code;
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int list_datasets(cli *c)
{
    cli_table t = TABLE("name", "task", "#samples", "#answers", "#labels", "folder");
    struct dirent **entry;
    cli_list dirs;
    size_t i;
    int code = CLI_OK, k, n;

    cli_data_dirs(c, &dirs);
    for (i = 0; i < dirs.n && code == CLI_OK; i++) {
        n = scandir(dirs.at[i], &entry, is_visible, alphasort);
        for (k = 0; k < n; k++) {
            if (code == CLI_OK && is_dataset(dirs.at[i], entry[k]->d_name))
                code = add_dataset(c, &t, dirs.at[i], entry[k]->d_name);
            free(entry[k]);
        }
        if (n >= 0)
            free(entry);
    }
    if (t.n_cell == 0 && code == CLI_OK)
        code = cli_fail(c, "no dataset in %s (or another folder given with --data)", dirs.at[0]);
    else
        cli_table_print(c, &t);
    return code;
}

static const struct { const char *name; int (*list)(cli *c); } kind[] = {
    { "monitors", list_monitors }, { "hybrids", list_hybrids },   { "aggregators", list_aggregators },
    { "tasks", list_tasks },       { "datasets", list_datasets }, { "labelers", list_labelers },
    { "metrics", list_metrics },   { "rules", list_rules },       { "models", list_models },
    { "sources", list_sources },
};
enum { KIND_N = sizeof kind / sizeof *kind };

static int run(cli *c)
{
    const char *name[KIND_N], *nearest;
    size_t i;

    for (i = 0; i < KIND_N; i++) {
        name[i] = kind[i].name;
        if (strcmp(name[i], c->args.word.at[0]) == 0)
            return kind[i].list(c);
    }
    nearest = cli_nearest(c->args.word.at[0], name, KIND_N);
    if (nearest)
        return cli_usage(c, "cannot list '%s'; did you mean '%s'?", c->args.word.at[0], nearest);
    return cli_usage(c, "cannot list '%s'", c->args.word.at[0]);
}

const cli_verb cli_verb_list = {
    .name = "list", .words = "monitors|hybrids|aggregators|tasks|datasets|labelers|metrics|rules|models|sources",
    .n_word_min = 1, .n_word_max = 1,
    .takes = "plugin plugin-timeout data cache format quiet help",
    .summary = "what there is: monitors, hybrids, aggregators, tasks, datasets, labelers, metrics, rules, models, sources",
    .about = "With --format json every field is shown, parameters and sources included.",
    .example = "midstream list monitors",
    .run = run,
};
