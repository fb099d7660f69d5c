/* midstream plugin-host: the process that a plug-in's shared object runs in. --plugin FILE.so starts it. */
#include "cli.h"

static int run(cli *c) { return cli_end(c, mid_plugin_host(c->ctx, c->args.word.at[0])); }

const cli_verb cli_verb_plugin_host = {
    .name = "plugin-host", .words = "FILE.so", .n_word_min = 1, .n_word_max = 1, .internal = true,
    .takes = "help",
    .summary = "run a plug-in's shared object, questions on standard input, answers on standard output",
    .about = "This is what --plugin FILE.so starts, so that whatever the object does stays in a process of its own.\n"
             "To see what it says, type the questions of docs/plugins.md yourself.",
    .example = "echo '{\"type\":\"hello\"}' | midstream plugin-host ./my_monitor.so",
    .run = run,
};
