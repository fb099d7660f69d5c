/* Options: one table for all verbs, so that a name means the same everywhere; a verb lists which of them it takes. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef enum kind { TEXT, WHOLE, BIG, REAL, LIST, FLAG } kind;

static const struct option_row {
    const char *name;
    char letter;                    /* 0: none */
    kind kind;
    size_t at;                      /* offset in cli_args */
    const char *value, *help;
} rows[] = {
#define AT(member) offsetof(cli_args, member)
    { "access", 0, TEXT, AT(access), "LEVEL", "what there is of the model: black, grey, white or observer" },
    { "as", 0, TEXT, AT(as), "FORM", "what to write: jsonl, npy, parquet or submission" },
    { "by", 0, TEXT, AT(by), "FIELD", "a rule for each value of this field of the labels, such as lang" },
    { "cache", 0, TEXT, AT(cache), "DIR", "models and their copies ($MIDSTREAM_CACHE, then ~/.cache/midstream)" },
    { "check", 0, FLAG, AT(check), NULL, "say what is wrong with the config, and stop there" },
    { "config", 0, TEXT, AT(config), "FILE.yaml", "the guard's config (docs/guard.md)" },
    { "confidence", 0, REAL, AT(confidence), "P", "share of calibration sets that keep what is promised" },
    { "data", 0, LIST, AT(data), "DIR", "where datasets are; may be repeated ($MIDSTREAM_DATA, then data/)" },
    { "dataset", 0, TEXT, AT(dataset), "NAME", "a dataset by name (midstream list datasets) or path" },
    { "drift", 0, TEXT, AT(drift), "FILE", "with --rule: what all runs with this file found out about drift" },
    { "estimate", 0, FLAG, AT(estimate), NULL, "say how long it takes and how much it stores, and stop there" },
    { "evaluate", 0, FLAG, AT(evaluate), NULL, "follow the advice on datasets left out, and say what that lost" },
    { "false-alarm", 0, REAL, AT(false_alarm), "P", "share of new safe prompts that may raise an alarm" },
    { "form", 0, TEXT, AT(form), "TEXT", "what the model reads: \"chat\" (its own template) or a text with {prompt}" },
    { "format", 0, TEXT, AT(format), "text|json", "how results are printed (text)" },
    { "from", 0, TEXT, AT(from), "FORM", "whose files: csv, lm-eval, openai-chat or ragtruth" },
    { "group", 0, TEXT, AT(group), "id:N", "answers share a prompt when their id does behind its N-th hyphen" },
    { "help", 'h', FLAG, AT(help), NULL, "this" },
    { "hidden", 0, FLAG, AT(hidden), NULL, "hidden rows too, as hidden.npy" },
    { "in", 'i', TEXT, AT(in), "FILE", "samples, one JSON object a line; results.json files, commas between them" },
    { "key-env", 0, TEXT, AT(key_env), "NAME", "the environment variable that holds the key of --url" },
    { "labeler", 0, TEXT, AT(labeler), "NAME[,NAME]", "who says what is unsafe (midstream list labelers)" },
    { "labels", 0, TEXT, AT(labels), "FILE.jsonl", "lines with id and label, as midstream label prints them" },
    { "lang", 0, TEXT, AT(lang), "LANG", "datasets that hold this language, such as en" },
    { "limit", 0, WHOLE, AT(limit), "N", "only N samples, evenly spread over those there are" },
    { "map", 0, LIST, AT(map), "FIELD=NAME", "what our field is called in the file; may be repeated" },
    { "max-exposed", 0, REAL, AT(max_exposed), "N", "unsafe tokens that may be shown per unsafe answer, on average" },
    { "max-false-alarm", 0, REAL, AT(max_false_alarm), "P", "share of safe answers that may be stopped" },
    { "max-tok", 0, WHOLE, AT(max_tok), "N", "answers are cut after N tokens (128)" },
    { "max-us-per-token", 0, REAL, AT(max_us_per_tok), "X", "microseconds that a method may take for a token (median)" },
    { "miss", 0, REAL, AT(miss), "P", "share of new unsafe prompts that may raise none" },
    { "model", 'm', TEXT, AT(model), "MODEL", "smollm2, gemma or the path of a GGUF file (smollm2); of --url, by its name" },
    { "monitor", 0, TEXT, AT(monitor), "NAME|FILE", "a monitor by name (midstream list monitors) or a fitted file" },
    { "ms-per-tok", 0, REAL, AT(ms_per_tok), "X", "time of a token, to say what waiting costs" },
    { "needs", 0, FLAG, AT(needs), NULL, "say how many calibration prompts it takes, and stop there" },
    { "out", 'o', TEXT, AT(out), "PATH", "where results go" },
    { "param", 0, LIST, AT(param), "NAME=VALUE", "a parameter; may be repeated" },
    { "plugin", 0, LIST, AT(plugin), "FILE.so|COMMAND", "a monitor from outside (docs/plugins.md); may be repeated" },
    { "plugin-timeout", 0, REAL, AT(plugin_timeout_s), "S", "seconds one answer of a plug-in may take (5)" },
    { "population", 0, TEXT, AT(population), "TEXT", "whom a promise is about, in words, for the rule file" },
    { "prevalence", 0, REAL, AT(prevalence), "P", "share of unsafe answers to weigh figures to (that of the answers)" },
    { "public", 0, FLAG, AT(is_public), NULL, "show prompts and answers only of datasets named own_..." },
    { "quantise", 0, TEXT, AT(quantise), "FORMAT", "use a copy in bf16, q4_0 or q8_0, kept in the cache" },
    { "quiet", 'q', FLAG, AT(quiet), NULL, "no progress and no notes" },
    { "resplits", 0, WHOLE, AT(resplits), "N", "also check: calibrate on a random half of the prompts, try the other, N times" },
    { "rule", 0, TEXT, AT(rule), "NAME|FILE", "a rule by name (midstream list rules), or as calibrate writes it" },
    { "run", 0, TEXT, AT(run), "DIR", "what midstream run left behind" },
    { "scores", 0, TEXT, AT(scores), "FILE.jsonl", "lines with id, i_tok and score, as midstream score prints them" },
    { "seed", 0, BIG, AT(seed), "N", "of all that is random (0)" },
    { "shard", 0, TEXT, AT(shard), "I/N", "make only the answers of the I-th of N parts of the plan, for merge" },
    { "source", 0, TEXT, AT(source), "NAME", "llama or openai (generate), recorded (read answers); else as the data and --url say" },
    { "store", 0, TEXT, AT(store), "FILE.db", "the store to write to; made if missing" },
    { "stored", 0, FLAG, AT(stored), NULL, "make no answers and open no model: take those in --out's run.db" },
    { "task", 0, TEXT, AT(task), "NAME", "a task (midstream list tasks); of imported records, else what the form suggests" },
    { "temperature", 0, REAL, AT(temperature), "X", "of sampling; 0 takes the likeliest token (0)" },
    { "threads", 0, WHOLE, AT(threads), "N", "threads to use; 0: all cores (0)" },
    { "threshold", 0, REAL, AT(threshold), "X", "alarm when the score reaches X (what the fitted file says)" },
    { "traces", 0, TEXT, AT(traces), "FILE.db", "a store that midstream trace wrote" },
    { "url", 0, TEXT, AT(url), "URL", "an OpenAI-compatible server that generates, instead of a file" },
#undef AT
};
enum { ROW_N = sizeof rows / sizeof *rows };

/* The next word of a verb's `takes` as a row; *must: a '!' stood before it. NULL at the end. */
static const struct option_row *next_row(const char **takes, bool *must)
{
    const char *at = *takes + strspn(*takes, " ");
    size_t n, i;

    *must = *at == '!';
    at += *must;
    n = strcspn(at, " ");
    *takes = at + n;
    for (i = 0; n && i < ROW_N; i++)
        if (strlen(rows[i].name) == n && strncmp(rows[i].name, at, n) == 0)
            return &rows[i];
    return NULL;
}

void cli_options_needed(FILE *to, const cli_verb *verb)
{
    const char *takes = verb->takes;
    const struct option_row *row;
    bool must;

    while ((row = next_row(&takes, &must)))
        if (must)
            fprintf(to, " --%s %s", row->name, row->value);
}

void cli_options_help(FILE *to, const cli_verb *verb)
{
    const char *takes = verb->takes;
    const struct option_row *row;
    char left[64];
    bool must;

    fputs("options:\n", to);
    while ((row = next_row(&takes, &must))) {
        char letter[] = "    ";
        if (row->letter)
            snprintf(letter, sizeof letter, "-%c, ", row->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->value ? " " : "",
                 row->value ? row->value : "");
        fprintf(to, "  %-26s %s\n", left, row->help);
    }
}

static int set(cli *c, const struct option_row *row, const char *value)
{
    char *at = (char *)&c->args + row->at, *end = NULL;
    cli_list *list;

    errno = 0;
    switch (row->kind) {
    case FLAG:
        *(bool *)at = true;
        return CLI_OK;
    case TEXT:
        *(const char **)(void *)at = value;
        return CLI_OK;
    case LIST:
        list = (cli_list *)(void *)at;
        if (list->n == CLI_LIST_MAX)
            return cli_usage(c, "--%s is given more than %d times", row->name, CLI_LIST_MAX);
        list->at[list->n++] = value;
        return CLI_OK;
    case REAL: {
        const double x = strtod(value, &end);
        if (!*value || *end || !isfinite(x))
            return cli_usage(c, "--%s %s: not a number", row->name, value);
        *(double *)(void *)at = x;
        return CLI_OK;
    }
    case WHOLE:
    case BIG: {
        const unsigned long long x = strtoull(value, &end, 10);
        if (*value < '0' || *value > '9' || *end || errno || (row->kind == WHOLE && x > 1000000000))
            return cli_usage(c, "--%s %s: not a whole number in range", row->name, value);
        if (row->kind == BIG)
            *(uint64_t *)(void *)at = x;
        else
            *(uint32_t *)(void *)at = (uint32_t)x;
        return CLI_OK;
    }
    }
    return CLI_OK;
}

static int unknown_option(const cli *c, const char *word, const struct option *all, size_t n)
{
    char given[40];
    const char *name[ROW_N], *nearest;
    size_t i;

    for (i = 0; i < n; i++)
        name[i] = all[i].name;
    snprintf(given, sizeof given, "%.*s", (int)strcspn(word, "="), word);
    nearest = strncmp(given, "--", 2) == 0 ? cli_nearest(given + 2, name, n) : NULL;
    if (nearest)
        return cli_usage(c, "unknown option '%s'; did you mean '--%s'?", given, nearest);
    return cli_usage(c, "unknown option '%s'", given);
}

static int check(cli *c, const bool *given)
{
    const cli_verb *v = c->verb;
    const char *takes = v->takes, *format = c->args.format;
    const struct option_row *row;
    bool must;

    if (c->args.word.n < v->n_word_min)
        return cli_usage(c, "%s is missing", v->words);
    if (c->args.word.n > v->n_word_max)
        return cli_usage(c, "'%s' is one argument too many", c->args.word.at[v->n_word_max]);
    while ((row = next_row(&takes, &must)))
        if (must && !given[row - rows])
            return cli_usage(c, "--%s %s is missing", row->name, row->value);
    if (format && strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return cli_usage(c, "--format %s: it is text or json", format);
    c->json = format && strcmp(format, "json") == 0;
    return CLI_OK;
}

int cli_options_read(cli *c, int argc, char **argv)
{
    struct option all[ROW_N + 1] = { { 0 } };
    char letters[3 * ROW_N + 2] = ":", *put = letters + 1;
    const struct option_row *row, *of[ROW_N];
    const char *takes = c->verb->takes;
    bool given[ROW_N] = { false }, must;
    int n = 0, got, i, code;

    while ((row = next_row(&takes, &must))) {
        of[n] = row;
        all[n] = (struct option){ row->name, row->kind == FLAG ? no_argument : required_argument, NULL, 256 + n };
        n += 1;
        if (row->letter) {
            *put++ = row->letter;
            if (row->kind != FLAG)
                *put++ = ':';
        }
    }
    opterr = 0;
    while ((got = getopt_long(argc, argv, letters, all, NULL)) != -1) {
        const char *word = argv[optind - 1];
        if (got == '?')
            return unknown_option(c, word, all, (size_t)n);
        if (got == ':')
            return cli_usage(c, "%s needs a value", word);
        for (i = 0; i < n && got != all[i].val && got != of[i]->letter; i++)
            ;
        given[of[i] - rows] = true;
        code = set(c, of[i], optarg);
        if (code != CLI_OK)
            return code;
    }
    for (; optind < argc; optind++) {
        if (c->args.word.n == CLI_LIST_MAX)
            return cli_usage(c, "more than %d arguments", CLI_LIST_MAX);
        c->args.word.at[c->args.word.n++] = argv[optind];
    }
    return c->args.help ? CLI_OK : check(c, given);
}
