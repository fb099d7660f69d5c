/* Generate an answer with a monitor attached: print each token with its score, stop on alarm before showing it.
 *   generate_guarded MODEL.gguf PROMPT [FITTED.safetensors]
 * FITTED is what `midstream run` leaves in DIR/fitted/ or `midstream fit` writes; without one it is entropy_mean. */
#include <midstream.h>
#include <stdio.h>

struct guard { mid_stream *stream; double threshold; };

static mid_status on_prompt(void *user, size_t i_seq, const mid_prompt *prompt)
{
    (void)i_seq;
    return mid_stream_start(((struct guard *)user)->stream, prompt);
}

static mid_status on_step(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    struct guard *g = user;
    double score = 0;
    mid_status status = mid_stream_push(g->stream, step, &score);

    (void)i_seq;
    if (status != MID_OK) return status;
    *stop = score >= g->threshold;              /* an alarm is a verdict, no error; the token is not shown */
    if (*stop) printf("%8.3f  [token withheld]\n", score);
    else printf("%8.3f  %.*s\n", score, (int)step->n_text, step->text);
    return MID_OK;
}

int main(int argc, char **argv)
{
    const mid_sample sample = { .id = "1", .task = "chat", .prompt = argv[argc > 2 ? 2 : 0], .label = -1 };
    const mid_sample *list[] = { &sample };
    struct guard guard = { NULL, 4.5 };         /* nats of mean entropy; a fitted file brings its own threshold */
    const mid_sink sink = { &guard, on_prompt, on_step };
    mid_ctx *ctx = NULL;
    mid_model *model = NULL;
    mid_monitor *monitor = NULL;
    mid_weights *weights = NULL;
    mid_signals signals;
    mid_status status = argc > 2 ? mid_ctx_open(&ctx) : MID_EINVAL;

    if (status == MID_OK) status = mid_model_open(ctx, argv[1], NULL, &model);
    if (status == MID_OK) status = mid_source_signals(ctx, model, NULL, &signals);
    if (status == MID_OK && argc > 3) {
        status = mid_monitor_load(ctx, argv[3], &signals, &monitor);
        if (status == MID_OK) status = mid_weights_load(ctx, argv[3], &weights);
        if (status == MID_OK) guard.threshold = mid_weights_number(weights, "threshold");
    } else if (status == MID_OK)
        status = mid_monitor_open(ctx, mid_monitor_find("entropy_mean"), NULL, NULL, &signals, &monitor);
    if (status == MID_OK) status = mid_stream_open(ctx, monitor, &guard.stream);
    if (status == MID_OK) status = mid_source_run(ctx, model, "llama", list, 1, NULL, &sink);
    if (status != MID_OK) fprintf(stderr, "%s: %s\n", mid_status_text(status), mid_ctx_message(ctx));
    mid_stream_close(guard.stream);
    mid_weights_close(weights);
    mid_monitor_close(monitor);
    mid_model_close(model);
    mid_ctx_close(ctx);
    return status != MID_OK;
}
