/* midstream run: a plan from end to end. */
#include <stdlib.h>

#include "cli.h"

static int give_labeler_keys(cli *c, mid_plan *plan, const mid_plan_data *d)
{
    size_t k;
    int code = CLI_OK;

    for (k = 0; code == CLI_OK && k <= d->n_other_labeler; k++) {
        const mid_plan_labeler *l = k ? &d->other_labeler[k - 1] : d->label_by;
        const char *key = l && l->key_env ? getenv(l->key_env) : NULL;
        if (l && l->key_env && !key)
            code = cli_fail(c, "%s:%d: key_env '%s' is not set in the environment", plan->file, l->line, l->key_env);
        else if (key)
            code = cli_end(c, mid_plan_set_labeler_key(c->ctx, plan, l->key_env, key));
    }
    return code;
}

/* The library looks for no key: they are in the variables that the plan names. */
static int give_keys(cli *c, mid_plan *plan)
{
    size_t i;
    int code = CLI_OK;

    for (i = 0; code == CLI_OK && i < plan->n_data; i++) {
        const mid_plan_judge *j = plan->data[i].judge;
        const char *key = j && j->key_env ? getenv(j->key_env) : NULL;
        if (j && j->key_env && !key)
            code = cli_fail(c, "%s:%d: key_env '%s' is not set in the environment", plan->file, j->line, j->key_env);
        else if (key)
            code = cli_end(c, mid_plan_set_key(c->ctx, plan, i, key));
        if (code == CLI_OK)
            code = give_labeler_keys(c, plan, &plan->data[i]);
    }
    for (i = 0; code == CLI_OK && i < plan->n_model; i++) {
        const mid_plan_model *m = &plan->model[i];
        const char *key = m->key_env ? getenv(m->key_env) : NULL;
        if (m->key_env && !key)
            code = cli_fail(c, "%s:%d: key_env '%s' is not set in the environment", plan->file, m->line, m->key_env);
        else if (key)
            code = cli_end(c, mid_plan_set_model_key(c->ctx, plan, i, key));
    }
    return code;
}

static int read_shard(const cli *c, mid_run_opts *opts)
{
    int i, n, end = 0;

    if (!c->args.shard)
        return CLI_OK;
    if (sscanf(c->args.shard, "%9d/%9d%n", &i, &n, &end) != 2 || c->args.shard[end] || i < 1 || i > n)
        return cli_usage(c, "--shard %s: it is I/N, from 1/N to N/N, such as 2/4", c->args.shard);
    opts->i_shard = i - 1;
    opts->n_shard = n;
    return CLI_OK;
}

/* *told: the run itself has ended, so the other ranks know. */
static int run_plan(cli *c, const mid_crew *crew, mid_run_opts *opts, bool *told)
{
    mid_plan *plan;
    cli_list dirs;
    int code;

    if (cli_end(c, mid_plan_load(c->ctx, c->args.word.at[0], &plan)) != CLI_OK)
        return CLI_FAILED;
    cli_data_dirs(c, &dirs);
    opts->out_dir = c->args.out;
    opts->data_dir = dirs.at;
    opts->n_data_dir = dirs.n;
    opts->cache_dir = cli_cache_dir(c);
    opts->n_threads = (int)c->args.threads;
    opts->estimate_only = c->args.estimate;
    opts->stored_only = c->args.stored;
    opts->crew = crew;
    code = give_keys(c, plan);
    if (code == CLI_OK) {
        code = cli_end(c, mid_run(c->ctx, plan, opts));
        *told = true;
    }
    cli_progress_end(c);
    mid_plan_close(plan);
    return code;
}

static int run(cli *c)
{
    mid_run_opts opts = mid_run_opts_default();
    mid_crew crew;
    bool told = false;
    int code = read_shard(c, &opts);

    if (code == CLI_OK)
        code = cli_crew_begin(c, &crew);
    if (code != CLI_OK)
        return code;
    if (crew.rank > 0) {                /* rank 0 speaks for all, but for a failure */
        c->args.quiet = true;
        mid_ctx_set_log(c->ctx, NULL, NULL);
    }
    code = run_plan(c, &crew, &opts, &told);
    if (code == CLI_OK && !opts.estimate_only && !c->args.quiet)
        printf("%s/%s\n", c->args.out, opts.n_shard ? "run.db" : "report.html");
    cli_crew_end(&crew, !told);
    return code;
}

const cli_verb cli_verb_run = {
    .name = "run", .words = "PLAN.yaml", .n_word_min = 1, .n_word_max = 1,
    .takes = "!out estimate shard stored plugin plugin-timeout data cache threads quiet help",
    .summary = "the whole benchmark of a plan: answers, labels, monitors, rules, metrics, report",
    .about = "Can be stopped (Ctrl-C) and run again at any time: only what is missing is done. --out DIR then holds\n"
             "report.html, results.json, results.csv and run.db, where everything is kept. --shard makes a part of\n"
             "the answers, each part in a folder of its own, for midstream merge to join; mpirun -n N shares them out\n"
             "among N processes, where midstream is built with MPI (docs/scale.md). --stored opens no model: it labels,\n"
             "fits and measures anew what a run.db has, wherever that was made.",
    .example = "midstream run plans/demo-short.yaml --out out/demo-short",
    .run = run,
};
