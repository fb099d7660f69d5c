/* midstream score: one monitor over recorded answers, one JSON line a token. */
#include <stdlib.h>

#include "cli.h"

typedef struct scorer {
    cli *c;
    cli_monitor *monitor;
    size_t n_empty;                 /* answers without a token, so without a line */
} scorer;

static void print_step(const mid_sample *sample, const mid_step *step, double score)
{
    cli_json j = { .to = stdout };

    cli_json_open(&j, NULL, '{');
    cli_json_string(&j, "id", sample->id);
    cli_json_whole(&j, "i_tok", step->i_tok);
    cli_json_whole(&j, "at_byte", step->at_byte);
    cli_json_text(&j, "text", step->text, step->n_text);
    cli_json_number(&j, "score", score);
    cli_json_close(&j, '}');
    putchar('\n');
}

static int take(void *user, const mid_sample *sample, mid_trace *trace)
{
    scorer *s = user;
    const uint32_t n = mid_trace_n_tok(trace);
    double *score = malloc((n ? n : 1) * sizeof *score);
    int code = CLI_OK;
    mid_step step;
    uint32_t i;

    if (!score)
        code = cli_fail(s->c, "out of memory");
    if (code == CLI_OK)
        code = cli_end(s->c, mid_stream_score(s->c->ctx, s->monitor->stream, trace, score, NULL));
    for (i = 0; code == CLI_OK && i < n; i++) {
        mid_trace_step(trace, i, NULL, &step);
        print_step(sample, &step, score[i]);
    }
    s->n_empty += n == 0;
    free(score);
    mid_trace_close(trace);
    return code;
}

static int run(cli *c)
{
    cli_monitor monitor;
    scorer s = { c, &monitor, 0 };
    const cli_answers answers = { .take = take, .user = &s };
    mid_dataset *data = NULL;
    mid_model *model = NULL;
    int code = cli_monitor_find(c, c->args.monitor, &monitor);

    c->args.source = "recorded";
    if (code == CLI_OK)
        code = cli_dataset_open(c, &data);
    if (code == CLI_OK)
        code = cli_model_open(c, MID_GROUP_N, monitor.layer, &model);
    if (code == CLI_OK)
        code = cli_monitor_bind(c, model, &monitor);
    if (code == CLI_OK)
        code = cli_answers_run(c, model, data, &answers);
    if (code == CLI_OK && s.n_empty)
        cli_note(c, "left out, for want of a token: %zu answer%s", s.n_empty, s.n_empty == 1 ? "" : "s");
    cli_monitor_close(&monitor);
    mid_model_close(model);
    mid_dataset_close(data);
    return code;
}

const cli_verb cli_verb_score = {
    .name = "score", .words = "",
    .takes = "!monitor in dataset model form max-tok limit quantise plugin plugin-timeout data cache threads quiet help",
    .summary = "let a monitor read recorded answers, one JSON line a token",
    .about = "Lines have id, i_tok, at_byte, text and score (higher = more unsafe). --model is the observer that\n"
             "reads the answers; a fitted monitor wants the one it was fitted with, and the same --form.",
    .example = "midstream score --monitor probe.safetensors --dataset xstest --limit 50 > scores.jsonl",
    .run = run,
};
