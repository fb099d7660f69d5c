/* midstream watch: generate in the terminal and show each token with its risk; stop when the monitor says so. A token
 * is judged before it is shown, so the one that raises the alarm is not. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const char withheld[] = "[token withheld]";
static const char demo_probe[] = "out/demo/fitted/own_chat.probe_linear.safetensors";

typedef struct watcher {
    cli *c;
    cli_monitor monitor;
    double threshold;               /* NaN: none, so no alarm */
    mid_rule_file *file;            /* --rule, or NULL */
    const mid_rule *rule;           /* of that, the one for this prompt */
    mid_rule_state state;
    bool drifted;                   /* --drift says that the promise was withdrawn */
    uint32_t max_tok;               /* where the answer is cut */
    double red_from;                /* the score from which on a token is red: the threshold, if there is one */
    char held[8];                   /* the beginning of a character whose end comes with the next token */
    size_t n_held;
    uint32_t n_tok;
    double score;
    bool alarm;
    const char *trouble;            /* what stopped the monitor, or NULL */
} watcher;

/* 0 green .. 1 red. Scores that may be negative (logits) approach red as odds do, the others in proportion. */
static double risk(const watcher *w, double score)
{
    const bool logit = strcmp(mid_monitor_spec_unit(&w->monitor.spec), "logit") == 0 || w->red_from <= 0;
    const double share = logit ? 2 / (1 + exp(w->red_from - score)) : score / w->red_from;

    return share < 0 ? 0 : share > 1 ? 1 : share;
}

/* Written so that the terminal shows what was generated, and does nothing else: control characters (C0, DEL and, as
 * UTF-8, U+0080 .. U+009F, of which U+009B begins a command as ESC [ does) are spelled. */
static void put_visible(const char *text, size_t n, bool escape)
{
    size_t i;

    for (i = 0; i < n; i++) {
        const unsigned char b = (unsigned char)text[i], next = i + 1 < n ? (unsigned char)text[i + 1] : 0;
        if (b == 0xc2 && next >= 0x80 && next < 0xa0) {
            printf("\\xc2\\x%02x", next);
            i += 1;
        } else if (b == '\n')
            fputs(escape ? "\\n" : "\n", stdout);
        else if (b == '\t')
            fputs(escape ? "\\t" : "\t", stdout);
        else if (b == '\\' && escape)
            fputs("\\\\", stdout);
        else if (b < 0x20 || b == 0x7f)
            printf("\\x%02x", b);
        else
            putchar(b);
    }
}

/* Black on a background from green over yellow to red. Line ends stay uncoloured, or the rest of the line would be. */
static void put_coloured(const char *text, size_t n, double share)
{
    const int red = (int)(90 + 165 * fmin(1, 2 * share)), green = (int)(90 + 140 * fmin(1, 2 - 2 * share));
    size_t i, end;

    for (i = 0; i < n; i = end) {
        if (text[i] == '\n') {
            putchar('\n');
            end = i + 1;
            continue;
        }
        for (end = i; end < n && text[end] != '\n'; end++)
            ;
        printf("\033[38;2;0;0;0;48;2;%d;%d;90m", red, green);
        put_visible(text + i, end - i, false);
        fputs("\033[0m", stdout);
    }
}

/* Bytes of text's longest beginning that does not cut a character in two. */
static size_t whole(const char *text, size_t n)
{
    size_t i = 0;

    while (i < n) {
        const int length = cli_utf8_length(text + i, n - i);
        if (length < 0)
            break;
        i += length ? (size_t)length : 1;
    }
    return i;
}

static void show(watcher *w, const mid_step *step)
{
    char text[1024];
    size_t n = w->n_held, n_now;

    memcpy(text, w->held, n);
    n_now = step->n_text < sizeof text - n ? step->n_text : sizeof text - n;
    memcpy(text + n, step->text, n_now);
    n += n_now;
    n_now = whole(text, n);
    w->n_held = n - n_now;
    memcpy(w->held, text + n_now, w->n_held);
    put_coloured(text, n_now, risk(w, w->score));
}

/* The source only hears that something failed. */
static mid_status checked(watcher *w, mid_status status)
{
    if (status != MID_OK)
        w->trouble = mid_stream_trouble(w->monitor.stream, status);
    return status;
}

static mid_status on_prompt(void *user, size_t i_seq, const mid_prompt *prompt)
{
    watcher *w = user;

    (void)i_seq;
    return checked(w, mid_stream_start(w->monitor.stream, prompt));
}

static bool alarm_of(watcher *w)
{
    const mid_verdict verdict = mid_rule_push(w->rule, &w->state, w->score);

    return verdict == MID_VERDICT_STOP || (verdict == MID_VERDICT_HOLD && w->rule->hold_alarms);
}

static mid_status on_step(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    watcher *w = user;
    mid_status status = checked(w, mid_stream_push(w->monitor.stream, step, &w->score));

    (void)i_seq;
    if (status != MID_OK)
        return status;
    w->n_tok += 1;
    w->alarm = w->rule ? alarm_of(w) : w->score >= w->threshold;    /* false while the threshold is NaN */
    if (w->alarm) {
        if (w->c->colour)
            put_coloured(withheld, sizeof withheld - 1, 1);
        else
            printf("%s\t%.6g\n", withheld, w->score);
    } else if (w->c->colour) {
        show(w, step);
    } else {
        put_visible(step->text, step->n_text, true);
        printf("\t%.6g\n", w->score);
    }
    fflush(stdout);
    *stop = w->alarm || cli_stopped();
    return MID_OK;
}

/* --rule. Nobody says anything about the prompt but that it is chat. */
static int choose_rule(watcher *w)
{
    cli *c = w->c;
    const char *by;
    int code = cli_end(c, mid_rule_file_load(c->ctx, c->args.rule, &w->file));

    if (code != CLI_OK)
        return code;
    by = mid_rule_file_by(w->file);
    w->rule = mid_rule_file_find(w->file, by && strcmp(by, "task") == 0 ? "chat" : NULL);
    if (!w->rule)
        return cli_fail(c, "%s: it has a rule for each %s, and none for a prompt of which only the task is known, "
                        "chat; calibrate one without --by", c->args.rule, by);
    w->threshold = w->rule->threshold;
    if (!c->args.max_tok && w->rule->max_tok > mid_source_opts_default().max_tok)
        c->args.max_tok = w->rule->max_tok < 1 << 16 ? w->rule->max_tok : 1 << 16;
    return CLI_OK;
}

/* Was the rule made for this score, and does its promise still stand? One answer that ends at an alarm has no extreme
 * to compare, so drift is looked at and not added to. */
static int bind_rule(watcher *w, const mid_model *model, const mid_source_opts *opts)
{
    cli *c = w->c;
    mid_rule_subject subject;
    mid_signals signals;
    mid_drift *drift = NULL;
    mid_status status = mid_source_signals(c->ctx, model, opts, &signals);
    int code = CLI_OK;

    w->max_tok = opts->max_tok;
    if (status == MID_OK)
        status = mid_rule_subject_of(c->ctx, &w->monitor.spec, NULL, &signals, w->monitor.weights, &subject);
    if (status == MID_OK && mid_rule_file_check(c->ctx, w->file, &subject) != MID_OK)
        return cli_fail(c, "%s: %s", c->args.rule, mid_ctx_message(c->ctx));
    if (status == MID_OK && c->args.drift)
        code = cli_drift_open(c, w->file, true, &drift, &w->drifted);
    mid_drift_close(drift);
    return status == MID_OK ? code : cli_end(c, status);
}

/* The monitor asked for; else the demo's probe; else one that needs no fitting. */
static int choose(watcher *w)
{
    cli *c = w->c;
    const char *name = c->args.monitor, *unit;
    int code;

    if (!name) {
        name = c->args.url ? "topk_entropy" : access(demo_probe, R_OK) == 0 ? demo_probe : "entropy_mean";
        if (c->args.url || strcmp(name, demo_probe) == 0)
            cli_note(c, "monitor %s", name);
        else
            cli_note(c, "monitor entropy_mean, a weak one: make demo fits a probe (%s), midstream fit your own",
                     demo_probe);
    }
    code = cli_monitor_find(c, name, &w->monitor);
    if (code != CLI_OK)
        return code;
    w->threshold = c->args.threshold;
    if (c->args.rule)
        code = choose_rule(w);
    if (code != CLI_OK)
        return code;
    if (isnan(w->threshold) && w->monitor.weights)
        w->threshold = mid_weights_number(w->monitor.weights, "threshold");
    unit = mid_monitor_spec_unit(&w->monitor.spec);
    w->red_from = !isnan(w->threshold) ? w->threshold : strcmp(unit, "nats") == 0 ? 3 : strcmp(unit, "logit") == 0 ? 0 : 1;
    if (isnan(w->threshold))
        cli_note(c, "no --threshold, so no alarm; red from a score of %g", w->red_from);
    return CLI_OK;
}

/* Why the rule's promise is not about this answer; NULL: it is. */
static const char *why_withdrawn(const watcher *w)
{
    if (w->drifted)
        return "answers since calibration are not like those it was made on";
    if (mid_stream_gone(w->monitor.stream))
        return "a member of the hybrid was missing";
    if (w->state.unscored)
        return "a token had no score";
    if (w->rule->max_tok && w->state.n_tok > w->rule->max_tok)
        return "the answer is longer than what it was calibrated on";
    if (!mid_rule_holds(w->rule, &w->state))
        return "the answer was cleared once, which is where it ends";
    if (!isnan(w->rule->miss) && !w->alarm && w->n_tok == w->max_tok && w->n_tok < w->rule->max_tok)
        return "the answer was cut before the length at which misses were counted";
    return NULL;
}

static void tell_promise(const watcher *w)
{
    const char *why = why_withdrawn(w);

    if (w->rule->kind == MID_PROMISE_NONE)
        printf("no promise: %s\n", w->rule->promise);
    else if (why)
        printf("the promise is withdrawn: %s\n", why);
    else
        printf("promise: %s\n", w->rule->promise);
}

static void conclude(const watcher *w)
{
    if (w->c->colour)
        fputs("\n\n", stdout);
    if (w->alarm)
        printf("%sstopped by %s before token %u was shown: score %.4g reached the threshold %.4g%s\n",
               w->c->colour ? "\033[1;31m" : "", w->monitor.name, w->n_tok, w->score, w->threshold,
               w->c->colour ? "\033[0m" : "");
    else
        printf("%s after %u tokens: last score %.4g%s\n", cli_stopped() ? "stopped" : "ended", w->n_tok, w->score,
               isnan(w->threshold) ? "" : ", no alarm");
    if (w->rule)
        tell_promise(w);
}

static int run(cli *c)
{
    const mid_sample sample = { .id = "watch", .task = "chat", .prompt = c->args.word.at[0], .label = -1,
                                .onset_byte = -1, .prompt_label = -1, .answerable = -1 };
    const mid_sample *samples[] = { &sample };
    watcher w = { .c = c };
    const mid_sink sink = { .user = &w, .prompt = on_prompt, .step = on_step };
    mid_model *model = NULL;
    mid_source_opts opts;
    mid_status status;
    int code;

    if (c->args.drift && !c->args.rule)
        return cli_usage(c, "--drift is about a rule: give --rule too");
    if (c->args.rule && !isnan(c->args.threshold))
        return cli_usage(c, "--rule has a threshold of its own: give one of --rule and --threshold");
    code = choose(&w);

    if (code == CLI_OK)
        code = cli_model_open(c, 1, w.monitor.layer, &model);
    if (code == CLI_OK)
        code = cli_monitor_bind(c, model, &w.monitor);
    if (code == CLI_OK) {
        opts = cli_source_opts(c, model);
        if (w.file)
            code = bind_rule(&w, model, &opts);
    }
    if (code == CLI_OK) {
        status = mid_source_run(c->ctx, model, c->args.url ? "openai" : "llama", samples, 1, &opts, &sink);
        code = w.trouble ? cli_fail(c, "%s: %s", w.monitor.name, w.trouble) : cli_end(c, status);
    }
    if (code == CLI_OK)
        conclude(&w);
    mid_rule_file_close(w.file);
    cli_monitor_close(&w.monitor);
    mid_model_close(model);
    return code;
}

const cli_verb cli_verb_watch = {
    .name = "watch", .words = "PROMPT", .n_word_min = 1, .n_word_max = 1,
    .takes = "model url key-env monitor threshold rule drift max-tok temperature seed form quantise plugin plugin-timeout cache "
             "threads quiet help",
    .summary = "generate an answer in the terminal, tokens coloured by risk; stop on alarm",
    .about = "Green is safe, red is at or over the threshold; a token that gets there is withheld and ends the\n"
             "answer. Without --monitor it is the probe that make demo fitted\n"
             "(out/demo/fitted/own_chat.probe_linear.safetensors), else entropy_mean; with --url it is topk_entropy,\n"
             "since a server tells the likeliest tokens only. Piped, or with NO_COLOR set, every token is a line:\n"
             "text, tab, score. With --rule, a file that calibrate wrote, the rule decides, and the last line says\n"
             "whether its promise holds for this answer, or why it is withdrawn. --drift looks at what score --drift\n"
             "found out; one answer, cut at an alarm, adds nothing to it.",
    .example = "midstream watch --monitor entropy_mean --threshold 2 \"Write a short poem about the sea.\"",
    .run = run,
};
