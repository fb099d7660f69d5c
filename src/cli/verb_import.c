/* midstream import: other tools' files as our records. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* "FIELD=NAME" as a map; field is a copy of its own, to be freed. */
static int read_map(const cli *c, const char *text, mid_import_map *map)
{
    const char *sign = strchr(text, '=');

    if (!sign || sign == text || !sign[1])
        return cli_usage(c, "--map %s: it is FIELD=NAME, such as prompt=question", text);
    map->field = strndup(text, (size_t)(sign - text));
    map->source = sign + 1;
    return map->field ? CLI_OK : cli_fail(c, "out of memory");
}

static void say(const cli *c, const mid_import_count *n)
{
    size_t i;

    cli_note(c, "%s: %llu of %llu rows made a record", c->args.out, (unsigned long long)n->n_written,
             (unsigned long long)n->n_row);
    for (i = 0; i < n->n_why; i++)
        cli_note(c, "skipped %llu: %s", (unsigned long long)n->skipped[i].n, n->skipped[i].why);
}

static int run(cli *c)
{
    mid_import_map map[CLI_LIST_MAX] = { { NULL, NULL } };
    mid_import_opts opts = mid_import_opts_default();
    mid_import_count count;
    int code = CLI_OK;
    size_t i;

    opts.task = c->args.task;
    opts.map = map;
    for (; code == CLI_OK && opts.n_map < c->args.map.n; opts.n_map++)
        code = read_map(c, c->args.map.at[opts.n_map], &map[opts.n_map]);
    if (code == CLI_OK)
        code = cli_end(c, mid_import(c->ctx, c->args.from, c->args.word.at[0], c->args.out, &opts, &count));
    if (code == CLI_OK)
        say(c, &count);
    for (i = 0; i < opts.n_map; i++)
        free((void *)(uintptr_t)map[i].field);
    return code;
}

const cli_verb cli_verb_import = {
    .name = "import", .words = "IN", .n_word_min = 1, .n_word_max = 1,
    .takes = "!from !out map task quiet help",
    .summary = "make records of another tool's file: a dataset for trace, run, label and score",
    .about = "  csv          columns named like our fields (docs/data.md), or --map prompt=question; others are kept\n"
             "  lm-eval      samples_*.jsonl of lm-evaluation-harness --log_samples; --map label=exact_match\n"
             "  openai-chat  lines with messages, and choices where the answer is not the last message\n"
             "  ragtruth     the folder with response.jsonl and source_info.jsonl\n"
             "OUT is written whole or not at all. A malformed row is refused with its line; one that has nothing for\n"
             "us is skipped, and counted with the reason.",
    .example = "midstream import --from csv qa.csv --map prompt=question --map response=answer --out qa.jsonl",
    .run = run,
};
