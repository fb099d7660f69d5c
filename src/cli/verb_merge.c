/* midstream merge: what the shards of a plan left, joined in one folder. */
#include "cli.h"

static int run(cli *c)
{
    const char *out = c->args.word.at[0];
    const int code = cli_end(c, mid_run_merge(c->ctx, out, c->args.word.at + 1, c->args.word.n - 1));

    cli_progress_end(c);
    if (code == CLI_OK && !c->args.quiet)
        printf("%s/run.db\n", out);
    return code;
}

const cli_verb cli_verb_merge = {
    .name = "merge", .words = "OUT IN...", .n_word_min = 2, .n_word_max = CLI_LIST_MAX,
    .takes = "quiet help",
    .summary = "join what the shards of a plan (run --shard) left in their folders",
    .about = "OUT and each IN are folders as midstream run has them as --out. OUT is made if missing; what it has\n"
             "stays, so that merging again changes nothing. Runs of another plan, engine, model or data are refused.\n"
             "Then midstream run PLAN --out OUT finds all answers there and fits, scores, measures and reports.",
    .example = "midstream merge out/demo out/demo.1 out/demo.2",
    .run = run,
};
