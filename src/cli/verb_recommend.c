/* midstream recommend: which monitors to take, from what runs have measured. */
#include <math.h>
#include <string.h>

#include "cli.h"

static int read_access(const cli *c, mid_access *access)
{
    const char *name;
    int i;

    for (i = 0; (name = mid_access_name((mid_access)i)) != NULL; i++)
        if (strcmp(c->args.access, name) == 0) {
            *access = (mid_access)i;
            return CLI_OK;
        }
    return cli_usage(c, "--access %s: it is black, grey, white or observer", c->args.access);
}

static int check(const cli *c)
{
    const cli_args *a = &c->args;

    if (!a->task && !a->evaluate)
        return cli_usage(c, "--task NAME is missing");
    if (a->max_us_per_tok < 0)
        return cli_usage(c, "--max-us-per-token %g: 0 or more", a->max_us_per_tok);
    if (a->max_false_alarm < 0 || a->max_false_alarm > 1)
        return cli_usage(c, "--max-false-alarm %g: a share, 0 to 1", a->max_false_alarm);
    return CLI_OK;
}

static int run(cli *c)
{
    mid_recommend_opts opts = mid_recommend_default();
    char *text = NULL;
    int code = check(c);

    if (code == CLI_OK)
        code = read_access(c, &opts.access);
    if (code != CLI_OK)
        return code;
    opts.results = c->args.in;
    opts.task = c->args.task;
    opts.lang = c->args.lang;
    opts.max_us_per_tok = c->args.max_us_per_tok;
    opts.max_false_alarm = c->args.max_false_alarm;
    opts.evaluate = c->args.evaluate;
    opts.json = c->json;
    code = cli_end(c, mid_recommend(c->ctx, &opts, &text));
    if (code == CLI_OK)
        fputs(text, stdout);
    mid_free(text);
    return code;
}

const cli_verb cli_verb_recommend = {
    .name = "recommend", .words = "",
    .takes = "!in !access task max-us-per-token max-false-alarm lang evaluate format quiet help",
    .summary = "which monitors to take for a task, or that there is not enough evidence",
    .about = "--in is what midstream run wrote: results.json, or several with commas between them. Methods are ranked\n"
             "by their AUROC after 16 tokens on the task's datasets. --access says what there is of the model that\n"
             "answers: its text (black), also its probabilities (grey), also its hidden rows (white), or its text,\n"
             "read by a local model (observer). With --evaluate each dataset is left out in turn, the advice from\n"
             "the others followed there, and what that lost is told; --task is then not needed.",
    .example = "midstream recommend --in out/hybrids/results.json --task chat --access observer",
    .run = run,
};
