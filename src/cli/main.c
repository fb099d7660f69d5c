/* midstream VERB ...: finds the verb, reads its options, runs it. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const cli_verb *const verbs[] = {
    &cli_verb_run, &cli_verb_merge, &cli_verb_report, &cli_verb_pilot, &cli_verb_watch, &cli_verb_guard, &cli_verb_list,
    &cli_verb_trace, &cli_verb_label, &cli_verb_fit, &cli_verb_score, &cli_verb_eval, &cli_verb_calibrate,
    &cli_verb_recommend, &cli_verb_recommend_holdback, &cli_verb_import, &cli_verb_export,
    &cli_verb_submit_check, &cli_verb_plugin_host,
};
enum { VERB_N = sizeof verbs / sizeof *verbs };

/* ---- failures ---------------------------------------------------------------------------------------------------- */

static void say(const cli *c, const char *fmt, va_list args)
{
    fflush(stdout);
    fprintf(stderr, "midstream%s%s: ", c->verb ? " " : "", c->verb ? c->verb->name : "");
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
}

int cli_fail(const cli *c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(c, fmt, args);
    va_end(args);
    return CLI_FAILED;
}

int cli_usage(const cli *c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(c, fmt, args);
    va_end(args);
    fprintf(stderr, "see: midstream %s%s--help\n", c->verb ? c->verb->name : "", c->verb ? " " : "");
    return CLI_USAGE;
}

void cli_note(const cli *c, const char *fmt, ...)
{
    va_list args;

    if (c->args.quiet)
        return;
    va_start(args, fmt);
    say(c, fmt, args);
    va_end(args);
}

int cli_end(const cli *c, mid_status status)
{
    const char *message = mid_ctx_message(c->ctx);

    return status == MID_OK ? CLI_OK : cli_fail(c, "%s", message[0] ? message : mid_status_text(status));
}

/* Edits that make a into b: a letter put in, taken out, changed, or swapped with its neighbour. */
static size_t distance(const char *a, const char *b)
{
    enum { LONG = 32 };
    size_t d[LONG + 1][LONG + 1];   /* d[i][j]: from a's first i letters to b's first j */
    const size_t n_a = strlen(a), n_b = strlen(b);
    size_t i, j;

    if (n_a > LONG || n_b > LONG)
        return LONG;
    for (i = 0; i <= n_a; i++)
        for (j = 0; j <= n_b; j++) {
            d[i][j] = i + j;
            if (!i || !j)
                continue;
            d[i][j] = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < d[i][j])
                d[i][j] = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < d[i][j])
                d[i][j] = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    return d[n_a][n_b];
}

const char *cli_nearest(const char *word, const char *const *name, size_t n)
{
    const char *nearest = NULL;
    size_t i, d, best = 3;

    for (i = 0; i < n; i++) {
        d = distance(word, name[i]);
        if (d < best && d < strlen(name[i])) {
            best = d;
            nearest = name[i];
        }
    }
    return nearest;
}

/* ---- help -------------------------------------------------------------------------------------------------------- */

static void print_help(void)
{
    size_t i;

    printf("midstream %s: judge a language model's answer while it is being generated\n\n"
           "usage: midstream VERB [options]\n\n", mid_version());
    for (i = 0; i < VERB_N; i++)
        if (!verbs[i]->internal)
            printf("  %-19s %s\n", verbs[i]->name, verbs[i]->summary);
    printf("\n  midstream VERB --help   options and an example\n"
           "  midstream --version\n\n"
           "first steps:\n"
           "  midstream run plans/demo-short.yaml --out out/demo-short\n"
           "  midstream watch \"Which city is the capital of Norway?\"\n\n"
           "exit code: 0 done, 1 failed, 2 wrong arguments\n");
}

static void print_verb_help(const cli_verb *v)
{
    printf("usage: midstream %s%s%s", v->name, v->words[0] ? " " : "", v->words);
    cli_options_needed(stdout, v);
    printf(" [options]\n\n%s\n\n%s\n\n", v->summary, v->about);
    cli_options_help(stdout, v);
    printf("\nexample:\n  %s\n", v->example);
}

/* ---- main -------------------------------------------------------------------------------------------------------- */

static const cli_verb *find_verb(const cli *c, const char *word, int *code)
{
    const char *name[VERB_N], *nearest;
    size_t i;

    for (i = 0; i < VERB_N; i++) {
        name[i] = verbs[i]->name;
        if (strcmp(name[i], word) == 0)
            return verbs[i];
    }
    nearest = cli_nearest(word, name, VERB_N);
    *code = word[0] == '-' ? cli_usage(c, "unknown option '%s' before the verb", word)
            : nearest ? cli_usage(c, "unknown verb '%s'; did you mean '%s'?", word, nearest)
            : cli_usage(c, "unknown verb '%s'", word);
    return NULL;
}

static int run_verb(cli *c, int argc, char **argv)
{
    int code;

    c->verb = find_verb(c, argv[0], &code);
    if (!c->verb)
        return code;
    code = cli_options_read(c, argc, argv);
    if (code != CLI_OK)
        return code;
    if (c->args.help) {
        print_verb_help(c->verb);
        return CLI_OK;
    }
    if (mid_ctx_open(&c->ctx) != MID_OK)
        return cli_fail(c, "out of memory");
    cli_progress_begin(c);
    code = cli_plugins_open(c);
    if (code == CLI_OK)
        code = c->verb->run(c);
    mid_ctx_close(c->ctx);
    cli_plugins_close(c);
    return code;
}

int main(int argc, char **argv)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    static cli c;
    int code = CLI_OK;

    c.args.threshold = c.args.prevalence = c.args.ms_per_tok = NAN;
    c.args.false_alarm = c.args.miss = c.args.confidence = NAN;
    c.args.max_us_per_tok = c.args.max_false_alarm = NAN;
    c.args.resplits = CLI_NO_RESPLITS;
    c.colour = isatty(STDOUT_FILENO) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
    if (argc < 2) {
        print_help();
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || (strcmp(argv[1], "help") == 0 && argc == 2)) {
        print_help();
    } else if (strcmp(argv[1], "help") == 0) {
        const cli_verb *v = find_verb(&c, argv[2], &code);
        if (v)
            print_verb_help(v);
    } else if (strcmp(argv[1], "--version") == 0) {
        printf("midstream %s\n", mid_version());
    } else {
        code = run_verb(&c, argc - 1, argv + 1);
    }
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_OK)
        code = cli_fail(&c, "cannot write to standard output");
    return code;
}
