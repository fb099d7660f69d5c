/* Score an answer that somebody recorded: a local model reads it, token by token, as if it were being generated.
 *   score_recorded MODEL.gguf PROMPT ANSWER [MONITOR]
 * The steps are kept in a trace first; a trace can be scored again with any monitor, and gives the same bits each time. */
#include <midstream.h>
#include <stdio.h>
#include <stdlib.h>

static mid_status score_all(mid_ctx *ctx, const mid_trace *trace, const char *name)
{
    const mid_monitor_ops *ops = mid_monitor_find(name);
    double *score = calloc(mid_trace_n_tok(trace) + 1, sizeof *score);
    mid_monitor *monitor = NULL;
    mid_stream *stream = NULL;
    mid_step step;
    uint32_t t;
    mid_status status = !ops ? MID_ENOTFOUND : score ? MID_OK : MID_ENOMEM;

    if (status == MID_OK) status = mid_monitor_open(ctx, ops, NULL, NULL, mid_trace_signals(trace), &monitor);
    if (status == MID_OK) status = mid_stream_open(ctx, monitor, &stream);
    if (status == MID_OK) status = mid_stream_score(ctx, stream, trace, score, NULL);
    for (t = 0; status == MID_OK && t < mid_trace_n_tok(trace); t++) {
        mid_trace_step(trace, t, NULL, &step);
        printf("%8.3f  %.*s\n", score[t], (int)step.n_text, step.text);
    }
    mid_stream_close(stream);
    mid_monitor_close(monitor);
    free(score);
    return status;
}

int main(int argc, char **argv)
{
    const mid_sample sample = { .id = "1", .task = "chat", .prompt = argv[argc > 3 ? 2 : 0],
                                .response = argv[argc > 3 ? 3 : 0], .label = -1 };
    const mid_sample *list[] = { &sample };
    mid_ctx *ctx = NULL;
    mid_model *model = NULL;
    mid_trace *trace = NULL;
    mid_status status = argc > 3 ? mid_ctx_open(&ctx) : MID_EINVAL;

    if (status == MID_OK) status = mid_model_open(ctx, argv[1], NULL, &model);
    if (status == MID_OK) status = mid_source_trace(ctx, model, "recorded", list, 1, NULL, &trace);
    if (status == MID_OK) status = score_all(ctx, trace, argc > 4 ? argv[4] : "surprisal_mean");
    if (status != MID_OK) fprintf(stderr, "%s: %s\n", mid_status_text(status), mid_ctx_message(ctx));
    mid_trace_close(trace);
    mid_model_close(model);
    mid_ctx_close(ctx);
    return status != MID_OK;
}
