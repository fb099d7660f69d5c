/* midstream label: say of each answer whether it is unsafe; with several labelers, how far they agree. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

/* A labeler at work. */
typedef struct job {
    const mid_labeler_info *info;
    mid_labeler *labeler;
    FILE *to;                       /* where its lines go; NULL: nowhere */
    char *path, *part;              /* of a file: its name, and what it is called until it is whole; NULL: no file */
    int8_t *label;                  /* (n) by sample: 1, 0 or -1 */
    size_t n_labelled, n_unsafe;
} job;

typedef struct jobs {
    job at[CLI_LIST_MAX];
    size_t n;
    int8_t *label;                  /* (n jobs, n samples) */
    uint32_t *group;                /* (n samples) */
    mid_dataset *data;
    mid_store *store;
    size_t n_sample, n_none, n_answer;  /* to work on; of these without an answer, with one */
} jobs;

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static int find_labelers(const cli *c, jobs *all)
{
    const mid_labeler_info *const *info;
    const char *at = c->args.labeler;
    size_t n, i;

    for (; at; at = at[n] ? at + n + 1 : NULL) {
        n = strcspn(at, ",");
        for (info = mid_labeler_list(); *info; info++)
            if (strlen((*info)->name) == n && strncmp((*info)->name, at, n) == 0)
                break;
        if (!*info)
            return cli_usage(c, "no labeler '%.*s'; see: midstream list labelers", (int)n, at);
        for (i = 0; i < all->n; i++)
            if (all->at[i].info == *info)
                return cli_usage(c, "--labeler %s: %s stands there twice", c->args.labeler, (*info)->name);
        if (all->n == CLI_LIST_MAX)
            return cli_usage(c, "more than %d labelers", CLI_LIST_MAX);
        all->at[all->n++].info = *info;
    }
    return CLI_OK;
}

/* What --param gives this labeler: "NAME=VALUE" where it is alone, else "LABELER.NAME=VALUE". Shortens given. */
static bool is_for(const char **given, const mid_labeler_info *info, bool alone)
{
    const size_t n = strlen(info->name);
    const bool named = strncmp(*given, info->name, n) == 0 && (*given)[n] == '.';

    *given += named ? n + 1 : 0;
    return named || alone;
}

static int check_params(const cli *c, const jobs *all)
{
    size_t i, k;

    for (i = 0; i < c->args.param.n; i++) {
        const char *given = c->args.param.at[i];
        for (k = 0; k < all->n && !is_for(&given, all->at[k].info, all->n == 1); k++)
            ;
        if (k == all->n)
            return cli_usage(c, "--param %s: with several labelers, write it LABELER.NAME=VALUE", given);
    }
    return CLI_OK;
}

static bool has_param(const mid_param *params, const char *name)
{
    while (params && params->name && strcmp(params->name, name) != 0)
        params++;
    return params && params->name;
}

/* Besides what --param says: the key that key_env names, where known models are kept, --threads. */
enum { PARAM_MAX = CLI_LIST_MAX + 3 };

/* Unless it is said already, or is no parameter of this labeler. */
static void add_param(const mid_labeler_info *info, mid_param *params, mid_param more)
{
    size_t n;

    if (!has_param(info->params, more.name) || has_param(params, more.name))
        return;
    for (n = 0; params[n].name; n++)
        ;
    params[n] = more;
    params[n + 1] = (mid_param){ .name = NULL };
}

static int read_params(const cli *c, const mid_labeler_info *info, bool alone, mid_param out[PARAM_MAX + 1])
{
    const char *key_env = NULL, *key, *given;
    cli own = *c;                   /* with its parameters only */
    size_t i;
    int code;

    for (i = own.args.param.n = 0; i < c->args.param.n; i++) {
        given = c->args.param.at[i];
        if (!is_for(&given, info, alone))
            continue;
        if (strncmp(given, "key_env=", 8) == 0 && has_param(info->params, "key"))
            key_env = given + 8;
        else
            own.args.param.at[own.args.param.n++] = given;
    }
    code = cli_params(&own, info->params, out);
    if (code != CLI_OK)
        return code;
    key = key_env ? getenv(key_env) : NULL;
    if (key_env && !key)
        return cli_fail(c, "labeler %s: key_env '%s' is not set in the environment", info->name, key_env);
    if (key)
        add_param(info, out, (mid_param){ .name = "key", .text = key });
    add_param(info, out, (mid_param){ .name = "cache", .text = cli_cache_dir(c) });
    add_param(info, out, (mid_param){ .name = "threads", .number = c->args.threads });
    return CLI_OK;
}

/* The labeler's word lists lie in the first data folder that has any. */
static int open_labeler(const cli *c, job *j, bool alone)
{
    mid_param params[PARAM_MAX + 1];
    mid_status status = MID_ENOTFOUND;
    cli_list dirs;
    size_t i;
    int code = read_params(c, j->info, alone, params);

    if (code != CLI_OK)
        return code;
    cli_data_dirs(c, &dirs);
    for (i = 0; i < dirs.n && status == MID_ENOTFOUND; i++)
        status = mid_labeler_open(c->ctx, j->info->name, params, dirs.at[i], &j->labeler);
    return cli_end(c, status);
}

/* One labeler's lines go to --out or standard output; those of several to a folder, a file each, or nowhere. */
static int open_output(const cli *c, job *j, bool alone)
{
    size_t n;

    if (!c->args.out) {
        j->to = alone ? stdout : NULL;
        return CLI_OK;
    }
    if (!alone && mkdir(c->args.out, 0777) != 0 && errno != EEXIST)
        return cli_fail(c, "%s: %s", c->args.out, strerror(errno));
    n = strlen(c->args.out) + strlen(j->info->name) + sizeof "/.jsonl.part";
    j->path = malloc(n);
    j->part = malloc(n);
    if (!j->path || !j->part)
        return cli_fail(c, "out of memory");
    snprintf(j->path, n, "%s%s%s%s", c->args.out, alone ? "" : "/", alone ? "" : j->info->name,
             alone ? "" : ".jsonl");
    snprintf(j->part, n, "%s.part", j->path);
    j->to = fopen(j->part, "w");
    return j->to ? CLI_OK : cli_fail(c, "%s: %s", j->part, strerror(errno));
}

static int open_all(const cli *c, jobs *all)
{
    size_t i;
    int code = find_labelers(c, all);

    if (code == CLI_OK)
        code = check_params(c, all);
    for (i = 0; i < all->n && code == CLI_OK; i++)
        code = open_labeler(c, &all->at[i], all->n == 1);
    if (code == CLI_OK)
        code = cli_dataset_open(c, &all->data);
    if (code == CLI_OK && c->args.traces)
        code = cli_traces_open(c, &all->store);
    if (code != CLI_OK)
        return code;
    all->n_sample = mid_dataset_n(all->data);
    if (c->args.limit && c->args.limit < all->n_sample)
        all->n_sample = c->args.limit;
    all->label = malloc(all->n * all->n_sample + 1);
    all->group = calloc(all->n_sample + 1, sizeof *all->group);
    if (!all->label || !all->group)
        return cli_fail(c, "out of memory");
    memset(all->label, -1, all->n * all->n_sample);
    for (i = 0; i < all->n && code == CLI_OK; i++) {
        all->at[i].label = all->label + i * all->n_sample;
        code = open_output(c, &all->at[i], all->n == 1);
    }
    return code;
}

/* A file gets its name when it is whole. What there is of one that is not stays, for verdicts may have been dear. */
static int close_output(const cli *c, job *j, int code)
{
    if (j->to && j->part) {
        if (fclose(j->to) != 0 && code == CLI_OK)
            code = cli_fail(c, "%s: %s", j->part, strerror(errno));
        if (code == CLI_OK && rename(j->part, j->path) != 0)
            code = cli_fail(c, "%s: %s", j->path, strerror(errno));
        if (code != CLI_OK)
            cli_note(c, "what was labelled so far is in %s", j->part);
    }
    free(j->path);
    free(j->part);
    return code;
}

static int close_all(const cli *c, jobs *all, int code)
{
    size_t i;

    for (i = 0; i < all->n; i++) {
        code = close_output(c, &all->at[i], code);
        mid_labeler_close(all->at[i].labeler);
    }
    free(all->group);
    free(all->label);
    mid_store_close(all->store);
    mid_dataset_close(all->data);
    return code;
}

/* Answers to one prompt share a group; texts that answer none are each their own. */
static uint32_t group_of(const mid_sample *s) { return cli_hash(*s->prompt ? s->prompt : s->id); }

/* ---- labelling -------------------------------------------------------------------------------------------------- */

/* The answer to judge: the recorded one, or with --traces the one in the store. *trace is owned, text lives as long. */
static int find_answer(const cli *c, mid_store *store, const mid_sample *s, const char **text, size_t *n,
                       mid_trace **trace)
{
    int code;

    *text = s->response;
    *n = s->response ? strlen(s->response) : 0;
    if (!store)
        return CLI_OK;
    code = cli_traces_get(c, store, s->id, trace);
    *text = *trace ? mid_trace_text(*trace, n) : NULL;
    return code;
}

static void print_label(FILE *to, const mid_sample *s, const mid_label *label)
{
    cli_json j = { .to = to };
    char group[12];
    size_t i;

    snprintf(group, sizeof group, "%08x", group_of(s));
    cli_json_open(&j, NULL, '{');
    cli_json_string(&j, "id", s->id);
    if (label->unsafe >= 0)
        cli_json_whole(&j, "label", label->unsafe);
    else
        cli_json_string(&j, "label", NULL);
    cli_json_number(&j, "score", label->score);
    if (label->onset_byte >= 0)
        cli_json_whole(&j, "onset", label->onset_byte);
    else
        cli_json_string(&j, "onset", NULL);
    cli_json_string(&j, "group", group);
    for (i = 0; cli_field[i]; i++)
        if (cli_field_of(s, cli_field[i]))
            cli_json_string(&j, cli_field[i], cli_field_of(s, cli_field[i]));
    cli_json_close(&j, '}');
    putc('\n', to);
}

static int judge(const cli *c, job *j, size_t i, const mid_sample *s, const char *text, size_t n)
{
    mid_label label;
    const int code = cli_end(c, mid_labeler_judge(c->ctx, j->labeler, s, text, n, &label));

    if (code != CLI_OK)
        return code;
    j->label[i] = (int8_t)label.unsafe;
    j->n_labelled += label.unsafe >= 0;
    j->n_unsafe += label.unsafe == 1;
    if (j->to)
        print_label(j->to, s, &label);
    return CLI_OK;
}

static int label_one(const cli *c, jobs *all, size_t i)
{
    const mid_sample *s = mid_dataset_at(all->data, i * mid_dataset_n(all->data) / all->n_sample);
    mid_trace *trace = NULL;
    const char *text;
    size_t n, k;
    int code = find_answer(c, all->store, s, &text, &n, &trace);

    all->group[i] = group_of(s);
    for (k = 0; k < all->n && code == CLI_OK && text; k++)
        code = judge(c, &all->at[k], i, s, text, n);
    all->n_none += !text;
    all->n_answer += text != NULL;
    mid_trace_close(trace);
    return code;
}

/* Asking a model takes its time, all else is done at once. */
static bool is_slow(const jobs *all)
{
    size_t i;

    for (i = 0; i < all->n; i++)
        if (strcmp(all->at[i].info->who, "model") == 0)
            return true;
    return false;
}

static void note_counts(const cli *c, const jobs *all, const job *j)
{
    mid_labeler_counts n;

    mid_labeler_count(j->labeler, &n);
    if (n.n_failed)
        cli_note(c, "labeler %s: no usable reply to %llu of %zu answers", j->info->name, (unsigned long long)n.n_failed,
                 all->n_answer);
    if (n.n_unparsable || n.n_swayed)
        cli_note(c, "labeler %s: of %zu answers, %llu replies were neither yes nor no, and %llu verdicts changed with "
                 "the order of the options", j->info->name, all->n_answer, (unsigned long long)n.n_unparsable,
                 (unsigned long long)n.n_swayed);
}

static int label_all(cli *c, jobs *all)
{
    const bool slow = is_slow(all);
    size_t i;
    int code = CLI_OK;

    for (i = 0; i < all->n_sample && code == CLI_OK; i++) {
        if (slow)
            cli_progress_show(c, "label", i, all->n_sample, "answers");
        code = cli_stopped() ? cli_fail(c, "stopped") : label_one(c, all, i);
    }
    if (slow && code == CLI_OK)
        cli_progress_show(c, "label", i, all->n_sample, "answers");
    cli_progress_end(c);
    if (code == CLI_OK && all->n_none)
        cli_note(c, "left out, for want of an answer%s: %zu of %zu samples", all->store ? " in the store" : "",
                 all->n_none, all->n_sample);
    for (i = 0; i < all->n && code == CLI_OK; i++)
        note_counts(c, all, &all->at[i]);
    return code;
}

/* ---- agreement -------------------------------------------------------------------------------------------------- */

/* Human, rule or model; of the labels that come with the data what the records say. */
static const char *who_of(const jobs *all, const job *j)
{
    size_t i;

    for (i = 0; strcmp(j->info->name, "data") == 0 && i < mid_dataset_n(all->data); i++)
        if (mid_dataset_at(all->data, i)->label_source)
            return mid_dataset_at(all->data, i)->label_source;
    return j->info->who;
}

static int labelers_text(const cli *c, const jobs *all)
{
    static const char *const column[] = { "labeler", "who", "#labelled", "#unsafe" };
    cli_table t = { column, 4, 0, NULL };
    char labelled[24], unsafe[24];
    size_t i;
    int code = CLI_OK;

    for (i = 0; i < all->n && code == CLI_OK; i++) {
        snprintf(labelled, sizeof labelled, "%zu", all->at[i].n_labelled);
        snprintf(unsafe, sizeof unsafe, "%zu", all->at[i].n_unsafe);
        code = cli_table_row(c, &t, all->at[i].info->name, who_of(all, &all->at[i]), labelled, unsafe);
    }
    cli_table_print(c, &t);
    return code;
}

static int add_row(const cli *c, cli_table *t, const char *who, const mid_agreement *a)
{
    char n[24], prompts[24], agree[64], kappa[64], alpha[64];

    snprintf(n, sizeof n, "%zu", a->n);
    snprintf(prompts, sizeof prompts, "%zu", a->n_group);
    cli_estimate_text(&a->agree, 3, agree);
    cli_estimate_text(&a->kappa, 3, kappa);
    cli_estimate_text(&a->alpha, 3, alpha);
    return cli_table_row(c, t, who, n, prompts, agree, kappa, alpha);
}

static void labelers_json(cli_json *j, const jobs *all)
{
    size_t i;

    cli_json_open(j, "labelers", '[');
    for (i = 0; i < all->n; i++) {
        mid_labeler_counts n;
        mid_labeler_count(all->at[i].labeler, &n);
        cli_json_open(j, NULL, '{');
        cli_json_string(j, "labeler", all->at[i].info->name);
        cli_json_string(j, "who", who_of(all, &all->at[i]));
        cli_json_whole(j, "n_labelled", (int64_t)all->at[i].n_labelled);
        cli_json_whole(j, "n_unsafe", (int64_t)all->at[i].n_unsafe);
        cli_json_whole(j, "n_failed", (int64_t)n.n_failed);
        cli_json_whole(j, "n_unparsable", (int64_t)n.n_unparsable);
        cli_json_whole(j, "n_swayed", (int64_t)n.n_swayed);
        cli_json_close(j, '}');
    }
    cli_json_close(j, ']');
}

static void agreement_json(cli_json *j, const char *key, const char *a, const char *b, const mid_agreement *of)
{
    cli_json_open(j, key, '{');
    if (a) {
        cli_json_string(j, "a", a);
        cli_json_string(j, "b", b);
    }
    cli_json_whole(j, "n", (int64_t)of->n);
    cli_json_whole(j, "n_prompts", (int64_t)of->n_group);
    cli_json_estimate(j, "agree", &of->agree);
    if (a)
        cli_json_estimate(j, "kappa", &of->kappa);
    cli_json_estimate(j, "alpha", &of->alpha);
    cli_json_close(j, '}');
}

/* What compare() fills, as text or as JSON. */
typedef struct table { const cli *c; const jobs *all; cli_table rows; cli_json j; mid_boot boot; } table;

static int add_pair(table *t, size_t a, size_t b, int8_t *pair)
{
    const size_t n = t->all->n_sample;
    const char *name_a = t->all->at[a].info->name, *name_b = t->all->at[b].info->name;
    char who[128];
    mid_agreement of;
    int code;

    memcpy(pair, t->all->at[a].label, n);
    memcpy(pair + n, t->all->at[b].label, n);
    code = cli_end(t->c, mid_agreement_of(t->c->ctx, pair, 2, t->all->group, n, &t->boot, &of));
    if (code != CLI_OK)
        return code;
    snprintf(who, sizeof who, "%s, %s", name_a, name_b);
    if (!t->c->json)
        return add_row(t->c, &t->rows, who, &of);
    agreement_json(&t->j, NULL, name_a, name_b, &of);
    return CLI_OK;
}

/* Of more than two labelers, all of them together. */
static int add_all(table *t)
{
    mid_agreement of;
    int code = cli_end(t->c, mid_agreement_of(t->c->ctx, t->all->label, t->all->n, t->all->group, t->all->n_sample,
                                              &t->boot, &of));

    if (code == CLI_OK && t->c->json)
        agreement_json(&t->j, "all", NULL, NULL, &of);
    else if (code == CLI_OK && t->all->n > 2)
        code = add_row(t->c, &t->rows, "all", &of);
    return code;
}

static int begin_table(table *t)
{
    const char *dataset = mid_dataset_name(t->all->data);
    int code;

    if (!t->c->json) {
        printf("%zu answers of %s; 95 %% intervals from %u bootstrap draws over prompts\n\n", t->all->n_answer, dataset,
               t->boot.n_draw);
        code = labelers_text(t->c, t->all);
        putchar('\n');
        return code;
    }
    cli_json_open(&t->j, NULL, '{');
    cli_json_string(&t->j, "dataset", dataset);
    cli_json_whole(&t->j, "n", (int64_t)t->all->n_answer);
    labelers_json(&t->j, t->all);
    cli_json_open(&t->j, "pairs", '[');
    return CLI_OK;
}

static int compare(const cli *c, const jobs *all)
{
    static const char *const column[] = { "labelers", "#answers", "#prompts", "agree", "kappa", "alpha" };
    table t = { c, all, { column, 6, 0, NULL }, { .to = stdout }, { c->args.seed, 1000 } };
    int8_t *pair = malloc(2 * all->n_sample + 1);
    size_t a, b;
    int code = pair ? begin_table(&t) : cli_fail(c, "out of memory");

    for (a = 0; a < all->n; a++)
        for (b = a + 1; b < all->n && code == CLI_OK; b++)
            code = add_pair(&t, a, b, pair);
    if (c->json)
        cli_json_close(&t.j, ']');
    if (code == CLI_OK)
        code = add_all(&t);
    if (c->json) {
        cli_json_close(&t.j, '}');
        putchar('\n');
    } else {
        cli_table_print(c, &t.rows);
    }
    free(pair);
    return code;
}

static int run(cli *c)
{
    jobs all = { .n = 0 };
    int code = open_all(c, &all);

    if (code == CLI_OK)
        code = label_all(c, &all);
    if (code == CLI_OK && all.n > 1)
        code = compare(c, &all);
    return close_all(c, &all, code);
}

const cli_verb cli_verb_label = {
    .name = "label", .words = "",
    .takes = "!labeler in dataset traces param limit out seed format threads data cache quiet help",
    .summary = "say of each answer whether it is unsafe, one JSON line an answer",
    .about = "Lines have id, label (1 unsafe, 0 not, null cannot say), score, onset (the byte where it becomes\n"
             "unsafe, where known), group (the same for answers to one prompt) and what calibrate --by may go by:\n"
             "task, lang, category and model where known, and prompt_bytes, a band of the prompt's length (64-127).\n"
             "With --traces the answers are those in a store; else the recorded ones. Several labelers, --labeler\n"
             "a,b,c, give a table of how far they agree instead; with --out DIR their lines go to DIR/LABELER.jsonl,\n"
             "and parameters are --param LABELER.NAME=VALUE. What each says and takes: docs/labelers.md.",
    .example = "midstream label --labeler refusal --dataset xstest > labels.jsonl\n"
               "  midstream label --labeler data,refusal --dataset xstest",
    .run = run,
};
