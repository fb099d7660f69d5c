/* midstream calibrate: turn scores of labelled answers into a threshold and the promise it carries. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

typedef struct request {
    const mid_rule_info *rule;
    mid_param params[CLI_LIST_MAX + 5];
} request;

static const mid_param *parameter(const mid_rule_info *rule, const char *name)
{
    const mid_param *p = rule->params;

    while (p && p->name && strcmp(p->name, name) != 0)
        p++;
    return p && p->name ? p : NULL;
}

/* The rule by name, or the one that what is asked for makes plain. */
static int find_rule(const cli *c, const mid_rule_info **rule)
{
    const char *all[64], *name = c->args.rule, *nearest;
    size_t n = 0;

    if (!name && isnan(c->args.false_alarm) && isnan(c->args.miss))
        return cli_usage(c, "say what to promise: --false-alarm, --miss or both, or a rule that promises nothing with "
                            "--rule");
    if (!name)
        name = isnan(c->args.confidence) ? "crc" : "high_probability";
    for (*rule = mid_rule_list(); (*rule)->name; ++*rule) {
        if (strcmp((*rule)->name, name) == 0)
            return CLI_OK;
        all[n++] = (*rule)->name;
    }
    nearest = cli_nearest(name, all, n);
    if (nearest)
        return cli_usage(c, "no rule '%s'; did you mean '%s'?", name, nearest);
    return cli_usage(c, "no rule '%s'; see: midstream list rules", name);
}

/* An option as a parameter of the rule. other: what conformal calls it. */
static int add_option(const cli *c, const char *option, const char *name, const char *other, double value, request *r)
{
    const mid_param *known = parameter(r->rule, name);
    mid_param *p = r->params;

    if (isnan(value))
        return CLI_OK;
    if (!known && other)
        known = parameter(r->rule, other);
    if (!known)
        return cli_usage(c, "--%s %g: rule %s has no such promise", option, value, r->rule->name);
    while (p->name)
        p++;
    p[0] = (mid_param){ .name = known->name, .number = value };
    p[1] = (mid_param){ .name = NULL };
    return CLI_OK;
}

/* A value must be known before the answer is: score picks its rule at the first token. */
static int check_by(const cli *c)
{
    const char *by = c->args.by;
    size_t i;

    if (!by)
        return CLI_OK;
    if (strcmp(by, "length") == 0)
        return cli_usage(c, "--by length: how long an answer gets is not known while a rule decides. --by prompt_bytes "
                         "goes by the length of the prompt; position_norm behind the monitor (midstream list "
                         "aggregators) measures scores against what is usual at their place");
    if (cli_record_key(by))
        return cli_usage(c, "--by %s: that is about one answer or its scores, and no rule can go by it", by);
    for (i = 0; cli_field[i] && strcmp(cli_field[i], by) != 0; i++)
        ;
    if (!cli_field[i])
        cli_note(c, "midstream score does not know the %s of an answer (only task, lang, category, model, "
                 "prompt_bytes), so it will not take the rule; a program of yours can", by);
    return CLI_OK;
}

static int read_request(const cli *c, request *r)
{
    int code = find_rule(c, &r->rule);

    if (code == CLI_OK)
        code = check_by(c);
    if (code == CLI_OK)
        code = cli_params(c, r->rule->params, r->params);
    if (code == CLI_OK)
        code = add_option(c, "false-alarm", "false_alarm", "alpha", c->args.false_alarm, r);
    if (code == CLI_OK)
        code = add_option(c, "miss", "miss", NULL, c->args.miss, r);
    if (code == CLI_OK)
        code = add_option(c, "confidence", "confidence", NULL, c->args.confidence, r);
    return code;
}

static int say_needs(const cli *c, const request *r)
{
    cli_json j = { .to = stdout };
    size_t n_safe, n_unsafe;
    mid_status status;

    if (c->args.by)
        return cli_usage(c, "--needs does not know the values of --by %s: --param joint=N says that there are N, and "
                         "what is named then is what each needs", c->args.by);
    status = mid_rule_needs(c->ctx, r->rule->name, r->params, &n_safe, &n_unsafe);
    if (status != MID_OK)
        return cli_end(c, status);
    if (c->json) {
        cli_json_open(&j, NULL, '{');
        cli_json_string(&j, "rule", r->rule->name);
        cli_json_whole(&j, "n_safe", (int64_t)n_safe);
        cli_json_whole(&j, "n_unsafe", (int64_t)n_unsafe);
        cli_json_close(&j, '}');
        putchar('\n');
        return CLI_OK;
    }
    printf("%s needs answers to at least %zu safe and %zu unsafe prompts\n", r->rule->name, n_safe, n_unsafe);
    if (n_safe && n_unsafe)
        puts("that is what each class needs by itself: whether one threshold keeps both, the scores decide");
    return CLI_OK;
}

/* ---- calibration answers ----------------------------------------------------------------------------------------- */

typedef struct calibration {
    mid_rule_set set;               /* its arrays are the following, (n) */
    double *extreme, *score;        /* score: of all tokens */
    uint8_t *label;
    uint32_t *group, *by_of;
    mid_scored_answer *answer;
    int32_t *onset_tok;
    const char *by_value[MID_RULE_BY_MAX];
    size_t n_by, n_cut;             /* n_cut: left out, the unsafe part lies behind where the answer was cut */
} calibration;

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The values of --by, sorted. */
static int collect_values(const cli *c, const cli_joined *joined, calibration *k)
{
    size_t i, v;

    for (i = 0; c->args.by && i < joined->n; i++) {
        const char *value = joined->at[i].label->by;
        if (!value)
            return cli_fail(c, "%s: '%s' has no %s", c->args.labels, joined->at[i].label->id, c->args.by);
        for (v = 0; v < k->n_by && strcmp(k->by_value[v], value) != 0; v++)
            ;
        if (v < k->n_by)
            continue;
        if (k->n_by == MID_RULE_BY_MAX)
            return cli_fail(c, "%s: more than %d values of %s", c->args.labels, MID_RULE_BY_MAX, c->args.by);
        k->by_value[k->n_by++] = value;
    }
    qsort(k->by_value, k->n_by, sizeof *k->by_value, by_text);
    return CLI_OK;
}

static uint32_t value_index(const calibration *k, const char *value)
{
    uint32_t v;

    for (v = 0; v < k->n_by && strcmp(k->by_value[v], value) != 0; v++)
        ;
    return v;
}

/* A promise counts prompts: answers that do not say which one they answer would be taken for as many prompts. */
static int check_groups(const cli *c, const cli_joined *joined)
{
    size_t i;

    for (i = 0; i < joined->n && !c->args.group; i++)
        if (!joined->at[i].label->group)
            return cli_fail(c, "%s: '%s' has no group, and a promise counts prompts: give each label the group of its "
                            "prompt, or --group id:N; if no prompt has two answers, --group id:0 says so",
                            c->args.labels, joined->at[i].label->id);
    return CLI_OK;
}

/* Where answers are cut. Nothing was scored beyond the longest, so no promise can reach further. */
static uint32_t length_limit(const cli *c, const cli_joined *joined)
{
    const uint32_t asked = c->args.max_tok;
    size_t i, longest = 0;

    for (i = 0; i < joined->n; i++)
        longest = joined->at[i].n_tok > longest ? joined->at[i].n_tok : longest;
    if (asked > longest)
        cli_note(c, "--max-tok %u: the scores end at token %zu, and so does the promise; to promise more, score the "
                 "answers with --max-tok %u", asked, longest, asked);
    return asked && asked < longest ? asked : (uint32_t)longest;
}

/* score: room for its tokens. An answer that is cut before it becomes unsafe is of neither class. */
static int add_answer(const cli *c, const cli_answer *a, double *score, calibration *k)
{
    const size_t i = k->set.n, n_tok = k->set.max_tok < a->n_tok ? k->set.max_tok : a->n_tok;
    size_t t;
    int code = CLI_OK;

    k->onset_tok[i] = -1;
    if (a->unsafe)
        code = cli_onset(c, a, &k->onset_tok[i]);
    if (code != CLI_OK || k->onset_tok[i] >= (int64_t)n_tok) {
        k->n_cut += code == CLI_OK;
        return code;
    }
    k->extreme[i] = -INFINITY;
    for (t = 0; t < n_tok; t++) {
        score[t] = a->score[t].score;
        k->extreme[i] = fmax(k->extreme[i], score[t]);
    }
    k->label[i] = a->unsafe;
    k->group[i] = a->group;
    k->by_of[i] = k->n_by ? value_index(k, a->label->by) : 0;
    k->answer[i] = (mid_scored_answer){ .score = score, .n = n_tok, .label = a->unsafe };
    k->set.n += 1;
    return CLI_OK;
}

static int collect(const cli *c, const cli_joined *joined, calibration *k)
{
    const size_t n = joined->n + 1;
    size_t i, at = 0;
    int code = check_groups(c, joined);

    if (code != CLI_OK)
        return code;
    *k = (calibration){ .extreme = calloc(n, sizeof(double)), .score = calloc(joined->scores.n + 1, sizeof(double)),
                        .label = calloc(n, 1), .group = calloc(n, sizeof(uint32_t)),
                        .by_of = calloc(n, sizeof(uint32_t)),
                        .answer = calloc(n, sizeof(mid_scored_answer)), .onset_tok = calloc(n, sizeof(int32_t)) };
    if (!k->extreme || !k->score || !k->label || !k->group || !k->by_of || !k->answer || !k->onset_tok)
        return cli_fail(c, "out of memory");
    k->set = (mid_rule_set){ .extreme = k->extreme, .label = k->label, .group = k->group, .score = k->answer,
                             .onset_tok = k->onset_tok, .max_tok = length_limit(c, joined) };
    code = collect_values(c, joined, k);
    for (i = 0; i < joined->n && code == CLI_OK; at += joined->at[i++].n_tok)
        code = add_answer(c, &joined->at[i], k->score + at, k);
    if (code == CLI_OK && k->n_cut)
        cli_note(c, "left out, for they were cut before they became unsafe: %zu of %zu answers", k->n_cut, joined->n);
    return code;
}

static void calibration_clear(calibration *k)
{
    free(k->extreme);
    free(k->score);
    free(k->label);
    free(k->group);
    free(k->by_of);
    free(k->answer);
    free(k->onset_tok);
}

/* ---- the rule ---------------------------------------------------------------------------------------------------- */

static int fit(const cli *c, const request *r, const cli_joined *joined, const calibration *k, mid_rule_file **out)
{
    mid_rule_file_opts opts = mid_rule_file_opts_default();
    mid_rule_subject subject = { .monitor = "" };

    if (joined->scores.scored_by && !cli_subject_read(joined->scores.scored_by, &subject))
        return cli_fail(c, "%s: scored_by is not as midstream score prints it", c->args.scores);
    if (!joined->scores.scored_by)
        cli_note(c, "%s does not say which monitor's scores it has, so midstream score will not take the rule",
                 c->args.scores);
    opts.rule = r->rule->name;
    opts.params = r->params;
    opts.subject = &subject;
    opts.population = c->args.population;
    opts.by = c->args.by;
    opts.by_value = k->by_value;
    opts.n_by = k->n_by;
    opts.by_of = k->by_of;
    return cli_end(c, mid_rule_file_fit(c->ctx, &opts, &k->set, out));
}

static void print_rule_json(cli_json *j, const mid_rule *rule, const char *value)
{
    cli_json_open(j, NULL, '{');
    if (value)
        cli_json_string(j, "value", value);
    cli_json_flag(j, "feasible", rule->feasible);
    cli_json_exact(j, "threshold", rule->threshold);
    cli_json_exact(j, "hold", rule->can_hold ? rule->hold : NAN);
    cli_json_exact(j, "clear", rule->clear < 0 ? rule->clear : NAN);
    cli_json_string(j, "kind", mid_promise_name(rule->kind));
    cli_json_number(j, "false_alarm", rule->false_alarm);
    cli_json_number(j, "miss", rule->miss);
    cli_json_number(j, "confidence", rule->confidence);
    cli_json_number(j, "nearest_false_alarm", rule->nearest_false_alarm);
    cli_json_number(j, "nearest_miss", rule->nearest_miss);
    cli_json_whole(j, "n_safe", (int64_t)rule->n_safe);
    cli_json_whole(j, "n_unsafe", (int64_t)rule->n_unsafe);
    cli_json_whole(j, "max_tok", rule->max_tok);
    cli_json_string(j, "promise", rule->promise);
    cli_json_close(j, '}');
}

static void print_json(const cli *c, const request *r, const mid_rule_file *file, const mid_resplit *checked,
                       bool written)
{
    cli_json j = { .to = stdout };
    const char *value;
    size_t i;

    cli_json_open(&j, NULL, '{');
    cli_json_string(&j, "rule", r->rule->name);
    cli_json_string(&j, "by", mid_rule_file_by(file));
    cli_json_string(&j, "population", mid_rule_file_population(file));
    cli_json_string(&j, "out", written ? c->args.out : NULL);
    cli_json_open(&j, "rules", '[');
    for (i = 0; i < mid_rule_file_n(file); i++) {
        const mid_rule *rule = mid_rule_file_at(file, i, &value);
        print_rule_json(&j, rule, value);
    }
    cli_json_close(&j, ']');
    if (checked)
        cli_resplit_json(&j, "resplits", checked);
    cli_json_close(&j, '}');
    putchar('\n');
}

/* "above 4" for the number right behind 4, "from 3.5" for one that is what it is. */
static const char *line_text(double line, char text[40])
{
    const double below = nextafter(line, -INFINITY);

    snprintf(text, 40, "above %.9g", below);
    if (strtod(text + 6, NULL) != below)
        snprintf(text, 40, "from %.6g", line);
    return text;
}

static void print_text(const mid_rule_file *file, const mid_rule *rule, const char *value)
{
    char text[40];

    if (value)
        printf("%s %s: ", mid_rule_file_by(file), value);
    if (!rule->feasible) {
        printf("infeasible\n  %s\n", rule->promise);
        return;
    }
    printf("%s, alarm %s", rule->name, line_text(rule->threshold, text));
    if (rule->can_hold)
        printf(", hold %s", line_text(rule->hold, text));
    if (rule->clear < 0)
        printf(", cleared at %.6g", rule->clear);
    printf("\n  promise: %s\n", rule->promise);
}

/* All of what was asked for, or nothing is written: each rule feasible, and no promise seen to break. checked NULL: no
 * resplits were asked for. */
static int conclude(const cli *c, const request *r, const mid_rule_file *file, const mid_resplit *checked)
{
    const size_t n = mid_rule_file_n(file);
    const uint32_t max_tok = mid_rule_file_at(file, 0, NULL)->max_tok;
    size_t i, n_feasible = 0;
    const char *value;
    int code = CLI_OK;
    bool good;

    for (i = 0; i < n; i++)
        n_feasible += mid_rule_file_at(file, i, NULL)->feasible;
    good = n_feasible == n && (!checked || checked->kept);
    if (good && c->args.out)
        code = cli_end(c, mid_rule_file_save(c->ctx, file, c->args.out));
    if (code != CLI_OK)
        return code;
    if (c->json) {
        print_json(c, r, file, checked, good);
    } else {
        for (i = 0; i < n; i++) {
            const mid_rule *rule = mid_rule_file_at(file, i, &value);
            print_text(file, rule, value);
        }
        printf("  about: %s", mid_rule_file_population(file));
        if (max_tok)
            printf(", answers of up to %u token%s", max_tok, max_tok == 1 ? "" : "s");
        putchar('\n');
        if (checked)
            cli_resplit_print(checked);
    }
    if (!good && c->args.out)
        cli_note(c, "nothing written%s%s%s", access(c->args.out, F_OK) == 0 ? "; " : "",
                 access(c->args.out, F_OK) == 0 ? c->args.out : "",
                 access(c->args.out, F_OK) == 0 ? " is the one from before" : "");
    return good ? CLI_OK : CLI_FAILED;
}

/* Before any work: what --resplits cannot be, or be with. */
static int check_resplits(const cli *c)
{
    const uint32_t n = c->args.resplits;

    if (n == CLI_NO_RESPLITS)
        return CLI_OK;
    if (n < 1 || n > MID_RESPLIT_MAX)
        return cli_usage(c, "--resplits %u: want 1 to %d", n, MID_RESPLIT_MAX);
    if (c->args.needs)
        return cli_usage(c, "--needs counts prompts before there are any, --resplits tries a rule on them: ask for one");
    if (c->args.by)
        return cli_usage(c, "--resplits checks one rule, --by %s makes several: give the answers of one value at a "
                         "time, with --param joint=N for N of them", c->args.by);
    return CLI_OK;
}

static int run(cli *c)
{
    const bool checks = c->args.resplits != CLI_NO_RESPLITS;
    request r = { .rule = NULL };
    cli_joined joined = { .n = 0 };
    calibration k = { .extreme = NULL };
    mid_rule_file *file = NULL;
    mid_resplit checked;
    int code = read_request(c, &r);

    if (code == CLI_OK)
        code = check_resplits(c);
    if (code != CLI_OK || c->args.needs)
        return code != CLI_OK ? code : say_needs(c, &r);
    if (!c->args.scores || !c->args.labels)
        return cli_usage(c, "--%s FILE.jsonl is missing", c->args.scores ? "labels" : "scores");
    code = cli_join(c, &joined);
    if (code == CLI_OK)
        code = collect(c, &joined, &k);
    if (code == CLI_OK)
        code = fit(c, &r, &joined, &k, &file);
    if (code == CLI_OK && checks)
        code = cli_end(c, mid_rule_resplit(c->ctx, r.rule->name, r.params, &k.set, c->args.resplits, c->args.seed,
                                           &checked));
    if (code == CLI_OK)
        code = conclude(c, &r, file, checks ? &checked : NULL);
    mid_rule_file_close(file);
    calibration_clear(&k);
    cli_joined_clear(&joined);
    return code;
}

const cli_verb cli_verb_calibrate = {
    .name = "calibrate", .words = "",
    .takes = "scores labels rule false-alarm miss confidence by max-tok group population param out needs resplits seed "
             "format quiet help",
    .summary = "turn scores of labelled answers into a threshold and the promise it carries",
    .about = "Answers must be used for nothing else. A promise is about prompts like theirs: it is kept on average\n"
             "over calibrations (rule crc), or with --confidence by all but so few of them (high_probability). Where\n"
             "no threshold keeps it this says infeasible, what is nearest, exits with 1 and writes nothing. --by\n"
             "makes one rule for each value of a field of the labels' lines (task, lang, category, model or\n"
             "prompt_bytes, as midstream label prints them); with --confidence all hold together. It counts prompts:\n"
             "labels say which answers share one (group), or --group does; id:0 says that none do. It holds at the\n"
             "length of --max-tok, at most the longest answer given: longer answers are not covered, and a miss\n"
             "promise not those cut shorter. --needs says how many prompts it takes before any are collected;\n"
             "--resplits tries on these prompts whether the rule does what it says, which is a check and no proof;\n"
             "where it sees a promise broken (\"NOT kept\") this exits with 1 and writes nothing.\n"
             "docs/guarantees.md says what a promise is and what breaks it.",
    .example = "midstream calibrate --scores scores.jsonl --labels labels.jsonl \\\n"
               "      --false-alarm 0.01 --miss 0.10 --confidence 0.9 --out rule.json",
    .run = run,
};
