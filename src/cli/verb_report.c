/* midstream report: write a run's report again, for example with a newer version. */
#include "cli.h"

static int run(cli *c)
{
    const char *dir = c->args.word.at[0];
    int code = cli_end(c, c->args.is_public ? mid_report_publish(c->ctx, dir) : mid_report_write(c->ctx, dir));

    if (code == CLI_OK && !c->args.quiet)
        printf("%s/report.html\n", dir);
    return code;
}

const cli_verb cli_verb_report = {
    .name = "report", .words = "DIR", .n_word_min = 1, .n_word_max = 1,
    .takes = "public quiet help",
    .summary = "write report.html, results.csv and results.md of a run again",
    .about = "DIR is what midstream run was given as --out. Nothing is computed anew: results.json is read.\n"
             "--public is for pages that go to others: they see texts of datasets named own_... and of no others.",
    .example = "midstream report out/demo-short",
    .run = run,
};
