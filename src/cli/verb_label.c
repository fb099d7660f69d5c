/* midstream label: say of each answer whether it is unsafe. */
#include <string.h>

#include "cli.h"

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

static void print_label(const mid_sample *s, const mid_label *label)
{
    cli_json j = { .to = stdout };
    char group[12];
    size_t i;

    snprintf(group, sizeof group, "%08x", cli_hash(s->prompt));
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
    putchar('\n');
}

static int label_all(const cli *c, const mid_labeler *labeler, const mid_dataset *data, mid_store *store)
{
    size_t i, n = mid_dataset_n(data), n_text, n_none = 0;
    int code = CLI_OK;

    for (i = 0; i < n && code == CLI_OK; i++) {
        const mid_sample *s = mid_dataset_at(data, i);
        mid_trace *trace = NULL;
        mid_label label;
        const char *text;
        code = find_answer(c, store, s, &text, &n_text, &trace);
        if (code == CLI_OK && text) {
            code = cli_end(c, mid_labeler_judge(c->ctx, labeler, s, text, n_text, &label));
            if (code == CLI_OK)
                print_label(s, &label);
        }
        n_none += !text;
        mid_trace_close(trace);
    }
    if (code == CLI_OK && n_none)
        cli_note(c, "left out, for want of an answer%s: %zu of %zu samples", store ? " in the store" : "", n_none, n);
    return code;
}

/* The labeler's word lists lie in the first data folder that has any. */
static int open_labeler(const cli *c, mid_labeler **out)
{
    const mid_labeler_info *const *info = mid_labeler_list();
    mid_param params[CLI_LIST_MAX + 1];
    mid_status status = MID_ENOTFOUND;
    cli_list dirs;
    size_t i;
    int code;

    while (*info && strcmp((*info)->name, c->args.labeler) != 0)
        info++;
    if (!*info)
        return cli_usage(c, "no labeler '%s'; see: midstream list labelers", c->args.labeler);
    code = cli_params(c, (*info)->params, params);
    if (code != CLI_OK)
        return code;
    cli_data_dirs(c, &dirs);
    for (i = 0; i < dirs.n && status == MID_ENOTFOUND; i++)
        status = mid_labeler_open(c->ctx, c->args.labeler, params, dirs.at[i], out);
    return cli_end(c, status);
}

static int run(cli *c)
{
    mid_labeler *labeler = NULL;
    mid_dataset *data = NULL;
    mid_store *store = NULL;
    int code = open_labeler(c, &labeler);

    if (code == CLI_OK)
        code = cli_dataset_open(c, &data);
    if (code == CLI_OK && c->args.traces)
        code = cli_traces_open(c, &store);
    if (code == CLI_OK)
        code = label_all(c, labeler, data, store);
    mid_store_close(store);
    mid_dataset_close(data);
    mid_labeler_close(labeler);
    return code;
}

const cli_verb cli_verb_label = {
    .name = "label", .words = "",
    .takes = "!labeler in dataset traces param data quiet help",
    .summary = "say of each answer whether it is unsafe, one JSON line an answer",
    .about = "Lines have id, label (1 unsafe, 0 not, null cannot say), score, onset (the byte where it becomes\n"
             "unsafe, where known), group (the same for answers to one prompt) and what calibrate --by may go by:\n"
             "task, lang, category and model where known, and prompt_bytes, a band of the prompt's length (64-127).\n"
             "With --traces the answers are those in a store; else the recorded ones.",
    .example = "midstream label --labeler refusal --dataset xstest > labels.jsonl",
    .run = run,
};
