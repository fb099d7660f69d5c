/* midstream score: one monitor over recorded answers, one JSON line a token; with a rule also what it decides. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct scorer {
    cli *c;
    cli_monitor *monitor;
    mid_rule_subject subject;
    mid_rule_file *file;            /* --rule, or NULL */
    size_t n_empty;                 /* answers without a token, so without a line */
    uint32_t max_tok;               /* where answers are cut */
    size_t n_longer, n_short, n_cleared, n_unscored;    /* answers for which the rule's promise does not hold */
    mid_drift *drift;               /* are these answers still like the rule's calibration answers? NULL without one */
    bool drifted;
    uint32_t n_unwritten;           /* answers it heard since --drift was written */
    size_t n_degraded;              /* answers that a hybrid scored without one of its members */
} scorer;

enum { WRITE_EVERY = 32 };

/* The rule for a sample; *rule NULL if there is no --rule. */
static int find_rule(const scorer *s, const mid_sample *sample, const mid_rule **rule)
{
    const char *by = s->file ? mid_rule_file_by(s->file) : NULL, *value = by ? cli_field_of(sample, by) : NULL;

    *rule = s->file ? mid_rule_file_find(s->file, value) : NULL;
    if (s->file && !*rule && !value)
        return cli_fail(s->c, "%s has a rule for each %s, which sample '%s' does not have", s->c->args.rule, by,
                        sample->id);
    if (s->file && !*rule)
        return cli_fail(s->c, "%s has no rule for %s '%s', which sample '%s' has: calibrate with answers of that kind, "
                        "or leave them out", s->c->args.rule, by, value, sample->id);
    return CLI_OK;
}

/* Before the first line: is there a rule for everything that may come? */
static int check_rules(const scorer *s, const mid_dataset *data)
{
    const mid_rule *rule;
    size_t i;
    int code = CLI_OK;

    for (i = 0; s->file && i < mid_dataset_n(data) && code == CLI_OK; i++)
        if (mid_dataset_at(data, i)->response)
            code = find_rule(s, mid_dataset_at(data, i), &rule);
    return code;
}

/* A promise about misses is one about whole answers of max_tok: what is cut before has had less time to alarm. One that
 * ended by itself just there cannot be told apart, so it counts as cut. */
static bool is_cut_short(const scorer *s, const mid_rule *rule, uint32_t n_tok)
{
    return !isnan(rule->miss) && n_tok == s->max_tok && n_tok < rule->max_tok;
}

/* Where an answer stands with its rule. */
typedef struct judged {
    const mid_rule *rule;           /* NULL without --rule */
    uint32_t n_tok;
    mid_rule_state state;
    bool alarm, cut_short;
    bool degraded;                  /* a hybrid went on without a member */
} judged;

static void print_step(const scorer *s, const mid_sample *sample, const mid_step *step, double score, judged *a)
{
    cli_json j = { .to = stdout };
    char scored_by[CLI_SUBJECT_BYTES];

    cli_json_open(&j, NULL, '{');
    cli_json_string(&j, "id", sample->id);
    cli_json_whole(&j, "i_tok", step->i_tok);
    cli_json_whole(&j, "at_byte", step->at_byte);
    cli_json_text(&j, "text", step->text, step->n_text);
    cli_json_exact(&j, "score", score);
    if (a->rule) {
        const mid_verdict verdict = mid_rule_push(a->rule, &a->state, score);
        a->alarm |= verdict == MID_VERDICT_STOP || (verdict == MID_VERDICT_HOLD && a->rule->hold_alarms);
        cli_json_string(&j, "verdict", mid_verdict_name(verdict));
        cli_json_flag(&j, "alarm", a->alarm);
        cli_json_flag(&j, "promise", mid_rule_holds(a->rule, &a->state) && !a->cut_short && !a->degraded &&
                                     !s->drifted);
    }
    if (step->i_tok == 0) {
        cli_subject_text(&s->subject, scored_by);
        cli_json_string(&j, "scored_by", scored_by);
    }
    if (step->i_tok == a->n_tok - 1)
        cli_json_flag(&j, "last", true);
    cli_json_close(&j, '}');
    putchar('\n');
}

static int write_drift(scorer *s)
{
    if (!s->c->args.drift || s->n_unwritten == 0)
        return CLI_OK;
    s->n_unwritten = 0;
    return cli_end(s->c, mid_drift_write(s->c->ctx, s->drift));
}

/* The answer's extreme, over as many tokens as the calibration answers had at most, joins the check, one answer for
 * each prompt. What it proves is in the file before anybody hears of it. */
static int watch_drift(scorer *s, const mid_sample *sample, const mid_rule *rule, const double *score, uint32_t n)
{
    const uint32_t n_seen = rule && rule->max_tok && rule->max_tok < n ? rule->max_tok : n;
    mid_drift_state state = MID_DRIFT_HOLDS;
    mid_drift_verdict verdict;
    double extreme = -INFINITY;
    bool heard = false;
    uint32_t i;
    int code;

    if (!s->drift || n == 0)
        return CLI_OK;
    for (i = 0; i < n_seen; i++)
        extreme = score[i] > extreme ? score[i] : extreme;
    code = cli_end(s->c, mid_drift_push_prompt(s->drift, sample->prompt, extreme, &state, &heard));
    s->n_unwritten += heard;
    if (code == CLI_OK && (s->n_unwritten >= WRITE_EVERY || (state == MID_DRIFT_WITHDRAWN && !s->drifted)))
        code = write_drift(s);
    if (code == CLI_OK && state == MID_DRIFT_WITHDRAWN && !s->drifted) {
        mid_drift_read(s->drift, &verdict);
        cli_note(s->c, "%s: %s", s->c->args.rule, verdict.words);
        s->drifted = true;
    }
    return code;
}

/* Whatever ended the run, what was heard is kept. */
static int end_drift(scorer *s, int code)
{
    const int wrote = s->drift ? write_drift(s) : CLI_OK;
    mid_drift_verdict verdict;

    if (code == CLI_OK)
        code = wrote;
    if (code != CLI_OK || !s->c->args.drift || s->drifted)
        return code;
    mid_drift_read(s->drift, &verdict);
    cli_note(s->c, "%s: %s", s->c->args.drift, verdict.words);
    return code;
}

static void count_withdrawn(scorer *s, const judged *a)
{
    const mid_rule *rule = a->rule;

    if (!rule || rule->kind == MID_PROMISE_NONE)
        return;
    if (a->state.unscored)
        s->n_unscored += 1;
    else if (rule->max_tok && a->state.n_tok > rule->max_tok)
        s->n_longer += 1;
    else if (a->cut_short)
        s->n_short += 1;
    else if (!mid_rule_holds(rule, &a->state))
        s->n_cleared += 1;
}

static void say_withdrawn(const cli *c, const scorer *s)
{
    const struct { size_t n; const char *why; } all[] = {
        { s->n_longer, "longer than what it was calibrated on" },
        { s->n_short, "cut by --max-tok before the length at which its misses were counted" },
        { s->n_cleared, "cleared once, which is where it ends" },
        { s->n_unscored, "with a token that has no score" },
    };
    size_t i;

    for (i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].n)
            cli_note(c, "the promise of %s does not hold for %zu answer%s, %s", c->args.rule, all[i].n,
                     all[i].n == 1 ? "" : "s", all[i].why);
}

static int take(void *user, const mid_sample *sample, mid_trace *trace)
{
    scorer *s = user;
    const uint32_t n = mid_trace_n_tok(trace);
    double *score = malloc((n ? n : 1) * sizeof *score);
    judged a = { .n_tok = n };
    int code = CLI_OK;
    mid_step step;
    uint32_t i;

    if (!score)
        code = cli_fail(s->c, "out of memory");
    if (code == CLI_OK)
        code = find_rule(s, sample, &a.rule);
    if (code == CLI_OK)
        code = cli_end(s->c, mid_stream_score(s->c->ctx, s->monitor->stream, trace, score, NULL));
    if (code == CLI_OK)
        code = watch_drift(s, sample, a.rule, score, n);
    a.degraded = code == CLI_OK && mid_stream_gone(s->monitor->stream);
    s->n_degraded += a.degraded;
    a.cut_short = a.rule && is_cut_short(s, a.rule, n);
    for (i = 0; code == CLI_OK && i < n; i++) {
        mid_trace_step(trace, i, NULL, &step);
        print_step(s, sample, &step, score[i], &a);
    }
    s->n_empty += n == 0;
    if (code == CLI_OK)
        count_withdrawn(s, &a);
    free(score);
    mid_trace_close(trace);
    return code;
}

/* Whose scores these are, and whether the rule is for them. */
static int bind(cli *c, const mid_model *model, scorer *s)
{
    const mid_source_opts opts = cli_source_opts(c, model);
    mid_signals signals;
    mid_status status = MID_OK;
    int code = cli_monitor_bind(c, model, s->monitor);

    if (code != CLI_OK)
        return code;
    s->max_tok = opts.max_tok;
    status = mid_source_signals(c->ctx, model, &opts, &signals);
    if (status == MID_OK)
        status = mid_rule_subject_of(c->ctx, &s->monitor->spec, NULL, &signals, s->monitor->weights, &s->subject);
    if (status == MID_OK && s->file) {
        status = mid_rule_file_check(c->ctx, s->file, &s->subject);
        if (status != MID_OK)
            return cli_fail(c, "%s: %s", c->args.rule, mid_ctx_message(c->ctx));
        return cli_drift_open(c, s->file, false, &s->drift, &s->drifted);
    }
    return cli_end(c, status);
}

/* Without --max-tok answers are read at least as far as the rule's promise goes; a file asks for no more than 2^16. */
static void set_length(cli *c, const mid_rule_file *file)
{
    uint32_t most = mid_source_opts_default().max_tok;
    size_t i;

    if (c->args.max_tok)
        return;
    for (i = 0; i < mid_rule_file_n(file); i++)
        if (mid_rule_file_at(file, i, NULL)->max_tok > most)
            most = mid_rule_file_at(file, i, NULL)->max_tok;
    c->args.max_tok = most < 1 << 16 ? most : 1 << 16;
}

/* Answers cut before the rule's are no drift of the prompts, and would withdraw its promise for good. */
static int check_length(cli *c, const mid_rule_file *file)
{
    size_t i;

    for (i = 0; c->args.drift && i < mid_rule_file_n(file); i++) {
        const uint32_t most = mid_rule_file_at(file, i, NULL)->max_tok;
        if (c->args.max_tok < most)
            return cli_usage(c, "--drift compares answers with the rule's, of up to %u tokens; --max-tok %u cuts them shorter",
                             most, c->args.max_tok);
    }
    return CLI_OK;
}

static int run(cli *c)
{
    cli_monitor monitor;
    scorer s = { .c = c, .monitor = &monitor };
    const cli_answers answers = { .take = take, .user = &s };
    mid_dataset *data = NULL;
    mid_model *model = NULL;
    int code;

    if (c->args.drift && !c->args.rule)
        return cli_usage(c, "--drift is about a rule: give --rule too");
    code = cli_monitor_find(c, c->args.monitor, &monitor);
    c->args.source = "recorded";
    if (code == CLI_OK && c->args.rule)
        code = cli_end(c, mid_rule_file_load(c->ctx, c->args.rule, &s.file));
    if (code == CLI_OK && s.file)
        set_length(c, s.file);
    if (code == CLI_OK && s.file)
        code = check_length(c, s.file);
    if (code == CLI_OK)
        code = cli_dataset_open(c, &data);
    if (code == CLI_OK)
        code = check_rules(&s, data);
    if (code == CLI_OK)
        code = cli_model_open(c, MID_GROUP_N, monitor.layer, &model);
    if (code == CLI_OK)
        code = bind(c, model, &s);
    if (code == CLI_OK)
        code = cli_answers_run(c, model, data, &answers);
    code = end_drift(&s, code);
    if (code == CLI_OK && s.n_degraded)
        cli_note(c, "%zu answer%s scored without a member that was missing; no promise holds for %s", s.n_degraded,
                 s.n_degraded == 1 ? " was" : "s were", s.n_degraded == 1 ? "it" : "them");
    if (code == CLI_OK && s.n_empty)
        cli_note(c, "left out, for want of a token: %zu answer%s", s.n_empty, s.n_empty == 1 ? "" : "s");
    if (code == CLI_OK)
        say_withdrawn(c, &s);
    mid_drift_close(s.drift);
    mid_rule_file_close(s.file);
    cli_monitor_close(&monitor);
    mid_model_close(model);
    mid_dataset_close(data);
    return code;
}

const cli_verb cli_verb_score = {
    .name = "score", .words = "",
    .takes = "!monitor in dataset rule drift model form max-tok limit quantise plugin plugin-timeout data cache "
             "threads quiet help",
    .summary = "let a monitor read recorded answers, one JSON line a token",
    .about = "Lines have id, i_tok, at_byte, text and score (higher = more unsafe). --model is the observer that\n"
             "reads the answers; a fitted monitor wants the one it was fitted with, and the same --form. With --rule,\n"
             "a file that calibrate wrote for these very scores, lines also have the verdict (allow, hold, stop,\n"
             "cleared), alarm (was there one up to here?) and promise (does the rule's still hold?); answers are then\n"
             "read as far as the rule's, unless --max-tok cuts them. The promise is withdrawn, and said so, when the\n"
             "answers of this run are no longer like those it was made on. With --drift the check goes on where\n"
             "the last run with that file stopped, and a promise once withdrawn stays so; else each run begins\n"
             "anew. An answer's first line says whose scores they are (scored_by), which calibrate puts into the\n"
             "rule, and its last one that it is the last, so that an answer whose scoring was broken off is not\n"
             "taken for a short one.",
    .example = "midstream score --monitor probe.safetensors --dataset xstest --limit 50 > scores.jsonl",
    .run = run,
};
