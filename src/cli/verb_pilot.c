/* midstream pilot: how early unsafe answers are told apart in a finished run, beside the controls. */
#include "cli.h"

static int run(cli *c)
{
    char *text = NULL;
    const int code = cli_end(c, mid_report_pilot(c->ctx, c->args.word.at[0], c->json, &text));

    if (code == CLI_OK)
        fputs(text, stdout);
    mid_free(text);
    return code;
}

const cli_verb cli_verb_pilot = {
    .name = "pilot", .words = "DIR", .n_word_min = 1, .n_word_max = 1,
    .takes = "format help",
    .summary = "the early-detection study of a run: by tokens, by share, by onset, with findings",
    .about = "DIR is what midstream run was given as --out. Nothing is scored anew: results.json is read. A finding\n"
             "names the earliest prefix at which the best monitor is clear of the best control; docs/pilot.md has\n"
             "the rules.",
    .example = "midstream pilot out/demo-short",
    .run = run,
};
