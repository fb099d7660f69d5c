/* midstream export: traces and scores for other tools, or a run as a submission. */
#include <string.h>

#include "cli.h"

static int submission(cli *c)
{
    mid_submission s;
    int code;

    if (!c->args.run || c->args.hidden)
        return cli_usage(c, "--as submission needs --run DIR, and takes no --hidden");
    code = cli_end(c, mid_submission_write(c->ctx, c->args.run, c->args.monitor, c->args.out, &s));
    if (code == CLI_OK)
        cli_note(c, "%s: %zu monitor%s, %zu dataset%s, %zu answers, %zu cells; check it: midstream submit-check %s",
                 c->args.out, s.n_monitor, s.n_monitor == 1 ? "" : "s", s.n_dataset, s.n_dataset == 1 ? "" : "s",
                 s.n_answer, s.n_cell, c->args.out);
    return code;
}

static int run(cli *c)
{
    char path[4096];
    mid_export_count n;
    int code;

    if (!c->args.traces == !c->args.run)
        return cli_usage(c, "give either --traces FILE.db or --run DIR");
    if (strcmp(c->args.as, "submission") == 0)
        return submission(c);
    if (c->args.monitor)
        return cli_usage(c, "--monitor goes with --as submission; tables have all monitors");
    snprintf(path, sizeof path, "%s%s", c->args.run ? c->args.run : c->args.traces, c->args.run ? "/run.db" : "");
    code = cli_end(c, mid_export(c->ctx, path, c->args.as, c->args.out, c->args.hidden, &n));
    if (code == CLI_OK)
        cli_note(c, "%s: %llu answers, %llu tokens, %llu scores", c->args.out, (unsigned long long)n.n_answer,
                 (unsigned long long)n.n_tok, (unsigned long long)n.n_score);
    return code;
}

const cli_verb cli_verb_export = {
    .name = "export", .words = "",
    .takes = "traces run !as !out monitor hidden quiet help",
    .summary = "write traces and scores for other tools, or a run as a submission",
    .about = "OUT is a folder: answers (a row an answer), tokens (a row a token, with i_answer) and, of a run,\n"
             "scores (a row a token, a column a monitor, out of fold). npy has numbers only, a file a column, and\n"
             "the answers as JSON lines. docs/results-format.md has the columns. A submission is what others hand in\n"
             "(docs/submissions.md): results.json and scores.jsonl of a run, of one --monitor or all, no texts.",
    .example = "midstream export --run out/demo --as parquet --out out/demo/export",
    .run = run,
};
