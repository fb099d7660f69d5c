/* midstream export: traces and scores for other tools. */
#include "cli.h"

static int run(cli *c)
{
    char path[4096];
    mid_export_count n;
    int code;

    if (!c->args.traces == !c->args.run)
        return cli_usage(c, "give either --traces FILE.db or --run DIR");
    snprintf(path, sizeof path, "%s%s", c->args.run ? c->args.run : c->args.traces, c->args.run ? "/run.db" : "");
    code = cli_end(c, mid_export(c->ctx, path, c->args.as, c->args.out, c->args.hidden, &n));
    if (code == CLI_OK)
        cli_note(c, "%s: %llu answers, %llu tokens, %llu scores", c->args.out, (unsigned long long)n.n_answer,
                 (unsigned long long)n.n_tok, (unsigned long long)n.n_score);
    return code;
}

const cli_verb cli_verb_export = {
    .name = "export", .words = "",
    .takes = "traces run !as !out hidden quiet help",
    .summary = "write traces and scores as JSON lines, numpy arrays or Parquet, for other tools",
    .about = "OUT is a folder: answers (a row an answer), tokens (a row a token, with i_answer) and, of a run,\n"
             "scores (a row a token, a column a monitor, out of fold). npy has numbers only, a file a column, and\n"
             "the answers as JSON lines. docs/results-format.md has the columns.",
    .example = "midstream export --run out/demo --as parquet --out out/demo/export",
    .run = run,
};
