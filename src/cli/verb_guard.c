/* midstream guard: a proxy that judges answers while they stream. Its records are lines on standard output; signals
 * are wishes to it. */
#include <signal.h>
#include <stdlib.h>

#include "cli.h"

static mid_guard *guard;                /* all a signal handler can reach */

static void on_signal(int number) { mid_guard_ask(guard, number == SIGHUP ? MID_GUARD_RELOAD : MID_GUARD_DRAIN); }

static void catch_signals(void)
{
    const struct sigaction wish = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    const struct sigaction ignore = { .sa_handler = SIG_IGN };

    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGTERM, &wish, NULL);
    sigaction(SIGINT, &wish, NULL);
    sigaction(SIGHUP, &wish, NULL);
}

static const char *secret(void *user, const char *name)
{
    (void)user;
    return getenv(name);
}

static void record(void *user, const char *json)
{
    (void)user;
    puts(json);
    fflush(stdout);
}

static int run(cli *c)
{
    mid_guard_opts opts = mid_guard_opts_default();
    int code;

    opts.secret = secret;
    opts.record = record;
    if (c->args.check) {
        if (mid_guard_check(c->ctx, c->args.config, &opts) != MID_OK) {
            cli_fail(c, "%s", mid_ctx_message(c->ctx));
            return CLI_USAGE;
        }
        printf("%s: no fault\n", c->args.config);
        return CLI_OK;
    }
    if (mid_guard_open(c->ctx, c->args.config, &opts, &guard) != MID_OK) {
        cli_fail(c, "%s", mid_ctx_message(c->ctx));
        return CLI_USAGE;
    }
    catch_signals();
    cli_note(c, "listening on port %d", mid_guard_port(guard));
    code = cli_end(c, mid_guard_run(guard));
    mid_guard_close(guard);
    return code;
}

const cli_verb cli_verb_guard = {
    .name = "guard", .words = "", .takes = "!config check plugin plugin-timeout quiet help",
    .summary = "stand between clients and a model's server, and stop answers that become unsafe",
    .about = "A proxy for OpenAI-compatible servers: clients set their base URL to it and notice nothing until an\n"
             "answer is stopped. The config says where it listens, whom it asks and by which monitors and rules\n"
             "answers are judged (docs/guard.md). Each answer is a line of JSON on standard output. SIGTERM ends\n"
             "it once the running answers are done, a second one at once; SIGHUP reads the config again and keeps\n"
             "the old one where the new is wrong. A config that is wrong, or a port that is taken, is exit code 2.",
    .example = "midstream guard --config guard.yaml",
    .run = run,
};
