/* midstream run: a plan from end to end. */
#include "cli.h"

static int run(cli *c)
{
    mid_run_opts opts = mid_run_opts_default();
    mid_plan *plan;
    cli_list dirs;
    int code;

    if (cli_end(c, mid_plan_load(c->ctx, c->args.word.at[0], &plan)) != CLI_OK)
        return CLI_FAILED;
    cli_data_dirs(c, &dirs);
    opts.out_dir = c->args.out;
    opts.data_dir = dirs.at;
    opts.n_data_dir = dirs.n;
    opts.cache_dir = cli_cache_dir(c);
    opts.n_threads = (int)c->args.threads;
    opts.estimate_only = c->args.estimate;
    code = cli_end(c, mid_run(c->ctx, plan, &opts));
    cli_progress_end(c);
    if (code == CLI_OK && !opts.estimate_only && !c->args.quiet)
        printf("%s/report.html\n", c->args.out);
    mid_plan_close(plan);
    return code;
}

const cli_verb cli_verb_run = {
    .name = "run", .words = "PLAN.yaml", .n_word_min = 1, .n_word_max = 1,
    .takes = "!out estimate plugin plugin-timeout data cache threads quiet help",
    .summary = "the whole benchmark of a plan: answers, labels, monitors, rules, metrics, report",
    .about = "Can be stopped (Ctrl-C) and run again at any time: only what is missing is done. --out DIR then holds\n"
             "report.html, results.json, results.csv and run.db, where everything is kept.",
    .example = "midstream run plans/demo-short.yaml --out out/demo-short",
    .run = run,
};
