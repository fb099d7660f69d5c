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
    size_t n_withdrawn;             /* answers for which the rule's promise does not hold to the end */
    mid_drift *drift;               /* are these answers still like those the rule was calibrated on? NULL without a rule */
    bool drifted;
    uint8_t *seen;                  /* (PROMPT_N / 8) a bit for each prompt, by its hash */
} scorer;

enum { PROMPT_N = 1 << 20 };

/* What a rule has a version for. */
static const char *field_of(const mid_sample *sample, const char *by)
{
    const struct { const char *name, *value; } all[] = {
        { "task", sample->task }, { "lang", sample->lang }, { "category", sample->category },
            { "model", sample->response_model },
    };
    size_t i;

    for (i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, by) == 0)
            return all[i].value;
    return NULL;
}

/* The rule for a sample; *rule NULL if there is no --rule. */
static int find_rule(const scorer *s, const mid_sample *sample, const mid_rule **rule)
{
    const char *by = s->file ? mid_rule_file_by(s->file) : NULL, *value = by ? field_of(sample, by) : NULL;

    *rule = s->file ? mid_rule_file_find(s->file, value) : NULL;
    if (s->file && !*rule)
        return cli_fail(s->c, "%s: no rule for %s '%s', which sample '%s' has", s->c->args.rule, by,
                        value ? value : "", sample->id);
    return CLI_OK;
}

static void print_step(const scorer *s, const mid_sample *sample, const mid_step *step, double score,
                       const mid_rule *rule, mid_rule_state *state)
{
    cli_json j = { .to = stdout };
    char scored_by[CLI_SUBJECT_BYTES];

    cli_json_open(&j, NULL, '{');
    cli_json_string(&j, "id", sample->id);
    cli_json_whole(&j, "i_tok", step->i_tok);
    cli_json_whole(&j, "at_byte", step->at_byte);
    cli_json_text(&j, "text", step->text, step->n_text);
    cli_json_exact(&j, "score", score);
    if (rule) {
        const mid_verdict verdict = mid_rule_push(rule, state, score);
        cli_json_string(&j, "verdict", mid_verdict_name(verdict));
        cli_json_flag(&j, "alarm", state->stopped);
        cli_json_flag(&j, "promise", mid_rule_holds(rule, state) && !s->drifted);
    }
    if (step->i_tok == 0) {
        cli_subject_text(&s->subject, scored_by);
        cli_json_string(&j, "scored_by", scored_by);
    }
    cli_json_close(&j, '}');
    putchar('\n');
}

/* The answer's extreme joins the check, one answer for each prompt; of two prompts with one hash the second is not heard. */
static int watch_drift(scorer *s, const mid_sample *sample, const double *score, uint32_t n)
{
    const uint32_t bit = cli_hash(sample->prompt) % PROMPT_N;
    mid_drift_state state = MID_DRIFT_HOLDS;
    mid_drift_verdict verdict;
    double extreme = -INFINITY;
    uint32_t i;
    int code;

    if (!s->drift || n == 0 || (s->seen[bit / 8] >> bit % 8 & 1))
        return CLI_OK;
    s->seen[bit / 8] |= (uint8_t)(1u << bit % 8);
    for (i = 0; i < n; i++)
        extreme = score[i] > extreme ? score[i] : extreme;
    code = cli_end(s->c, mid_drift_push(s->drift, extreme, &state));
    if (code == CLI_OK && state == MID_DRIFT_WITHDRAWN && !s->drifted) {
        mid_drift_read(s->drift, &verdict);
        cli_note(s->c, "%s: %s", s->c->args.rule, verdict.words);
        s->drifted = true;
    }
    return code;
}

static int take(void *user, const mid_sample *sample, mid_trace *trace)
{
    scorer *s = user;
    const uint32_t n = mid_trace_n_tok(trace);
    double *score = malloc((n ? n : 1) * sizeof *score);
    const mid_rule *rule = NULL;
    mid_rule_state state = { 0 };
    int code = CLI_OK;
    mid_step step;
    uint32_t i;

    if (!score)
        code = cli_fail(s->c, "out of memory");
    if (code == CLI_OK)
        code = find_rule(s, sample, &rule);
    if (code == CLI_OK)
        code = cli_end(s->c, mid_stream_score(s->c->ctx, s->monitor->stream, trace, score, NULL));
    if (code == CLI_OK)
        code = watch_drift(s, sample, score, n);
    for (i = 0; code == CLI_OK && i < n; i++) {
        mid_trace_step(trace, i, NULL, &step);
        print_step(s, sample, &step, score[i], rule, &state);
    }
    s->n_empty += n == 0;
    s->n_withdrawn += code == CLI_OK && rule && rule->kind != MID_PROMISE_NONE && !mid_rule_holds(rule, &state);
    free(score);
    mid_trace_close(trace);
    return code;
}

static mid_status open_drift(cli *c, scorer *s)
{
    const mid_rule_extremes *e = mid_rule_file_extremes(s->file);

    s->seen = calloc(PROMPT_N / 8, 1);
    return s->seen ? mid_drift_open(c->ctx, e->extreme, e->group, e->n, NULL, &s->drift) : MID_ENOMEM;
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
    status = mid_source_signals(c->ctx, model, &opts, &signals);
    if (status == MID_OK)
        status = mid_rule_subject_of(c->ctx, &s->monitor->spec, &signals, s->monitor->weights, &s->subject);
    if (status == MID_OK && s->file) {
        status = mid_rule_file_check(c->ctx, s->file, &s->subject);
        if (status != MID_OK)
            return cli_fail(c, "%s: %s", c->args.rule, mid_ctx_message(c->ctx));
        status = open_drift(c, s);
    }
    return cli_end(c, status);
}

static int run(cli *c)
{
    cli_monitor monitor;
    scorer s = { .c = c, .monitor = &monitor };
    const cli_answers answers = { .take = take, .user = &s };
    mid_dataset *data = NULL;
    mid_model *model = NULL;
    int code = cli_monitor_find(c, c->args.monitor, &monitor);

    c->args.source = "recorded";
    if (code == CLI_OK && c->args.rule)
        code = cli_end(c, mid_rule_file_load(c->ctx, c->args.rule, &s.file));
    if (code == CLI_OK)
        code = cli_dataset_open(c, &data);
    if (code == CLI_OK)
        code = cli_model_open(c, MID_GROUP_N, monitor.layer, &model);
    if (code == CLI_OK)
        code = bind(c, model, &s);
    if (code == CLI_OK)
        code = cli_answers_run(c, model, data, &answers);
    if (code == CLI_OK && s.n_empty)
        cli_note(c, "left out, for want of a token: %zu answer%s", s.n_empty, s.n_empty == 1 ? "" : "s");
    if (code == CLI_OK && s.n_withdrawn)
        cli_note(c, "the promise of %s does not hold for %zu answer%s, longer than what it was calibrated on",
                 c->args.rule,
                 s.n_withdrawn, s.n_withdrawn == 1 ? "" : "s");
    mid_drift_close(s.drift);
    free(s.seen);
    mid_rule_file_close(s.file);
    cli_monitor_close(&monitor);
    mid_model_close(model);
    mid_dataset_close(data);
    return code;
}

const cli_verb cli_verb_score = {
    .name = "score", .words = "",
    .takes = "!monitor in dataset rule model form max-tok limit quantise plugin plugin-timeout data cache threads "
             "quiet help",
    .summary = "let a monitor read recorded answers, one JSON line a token",
    .about = "Lines have id, i_tok, at_byte, text and score (higher = more unsafe). --model is the observer that\n"
             "reads the answers; a fitted monitor wants the one it was fitted with, and the same --form. With --rule,\n"
             "a file that calibrate wrote for these very scores, lines also have the verdict (allow, hold, stop,\n"
             "cleared), alarm (was there one up to here?) and promise (does the rule's still hold?); the promise is\n"
             "withdrawn, and said so, when the answers are no longer like those it was made on. An answer's\n"
             "first line says whose scores they are (scored_by), which calibrate puts into the rule.",
    .example = "midstream score --monitor probe.safetensors --dataset xstest --limit 50 > scores.jsonl",
    .run = run,
};
