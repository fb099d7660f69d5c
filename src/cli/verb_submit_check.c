/* midstream submit-check: is somebody's submission fit for the leaderboard? */
#include "cli.h"

static void say_fault(void *user, const char *line)
{
    (void)user;
    printf("%s\n", line);
}

static int run(cli *c)
{
    const char *path = c->args.word.at[0];
    mid_submission s = { 0 };
    cli_list dirs;
    int code;

    cli_data_dirs(c, &dirs);
    code = cli_end(c, mid_submission_check(c->ctx, path, dirs.at, dirs.n, say_fault, NULL, &s));
    if (code != CLI_OK)
        return code;
    if (s.n_fault)
        return cli_fail(c, "%s: %zu fault%s", path, s.n_fault, s.n_fault == 1 ? "" : "s");
    if (!c->args.quiet)
        printf("%s: no fault; %zu monitor%s, %zu dataset%s, %zu answers, %zu cells: %zu computed again, %zu stated\n",
               path, s.n_monitor, s.n_monitor == 1 ? "" : "s", s.n_dataset, s.n_dataset == 1 ? "" : "s", s.n_answer,
               s.n_cell, s.n_recomputed, s.n_stated);
    return CLI_OK;
}

const cli_verb cli_verb_submit_check = {
    .name = "submit-check", .words = "FILE|DIR", .n_word_min = 1, .n_word_max = 1,
    .takes = "data quiet help",
    .summary = "check an outside method's results before they enter a leaderboard",
    .about = "DIR holds results.json and scores.jsonl; FILE is such a results.json with scores.jsonl beside it\n"
             "(docs/submissions.md). Datasets are known by their SHA-256, folds are by prompt, and every figure\n"
             "with its interval is computed again from the scores. One line for each fault; then the exit code\n"
             "is 1.",
    .example = "midstream submit-check my-method/",
    .run = run,
};
