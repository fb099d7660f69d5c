/* White monitors fitted and run on answers read from standard input, for whitebox.py to do the same in numpy.
 *     monitor n_layer n_embd n_head n_head_layer n_prompt_tok n_answer lambda (of td_forecast; 9: default)
 *     and per answer: label n_tok, per token: lp, hidden (n_layer, n_embd), attention (n_head, 3)
 * Answers a line of numbers chosen by the fit (layer, orientation, alpha, c, ridge, lambda; nan where there is none), then
 * one line of scores per answer. */
#include "driver.h"

static mid_trace *read_trace(mid_ctx *ctx, const mid_signals *signals, uint32_t n_prompt_tok, uint32_t n_tok)
{
    const size_t n_hidden = (size_t)signals->n_layer * (size_t)signals->n_embd;
    const size_t n_attention = (size_t)signals->n_head * MID_ATTENTION_N;
    float *hidden = room(n_hidden, sizeof *hidden), *attention = room(n_attention, sizeof *attention);
    const mid_prompt prompt = { .text = "", .n_tok = n_prompt_tok };
    mid_trace *trace;
    uint32_t t;
    size_t i;

    ok(ctx, mid_trace_open(ctx, signals, &prompt, &trace));
    for (t = 0; t < n_tok; t++) {
        mid_step step = { .have = signals->have, .i_tok = t, .hidden = hidden, .attention = attention };
        step.lp = (float)number();
        for (i = 0; i < n_hidden; i++)
            hidden[i] = (float)number();
        for (i = 0; i < n_attention; i++)
            attention[i] = (float)number();
        ok(ctx, mid_trace_append(trace, &step));
    }
    free(hidden);
    free(attention);
    return trace;
}

static void run(mid_ctx *ctx, const char *name)
{
    static const char *const chosen[] = { "layer", "orientation", "alpha", "c", "ridge", "lambda" };
    const mid_monitor_ops *ops = mid_monitor_find(name);
    mid_signals signals = { .have = MID_SIG_LOGPROB | MID_SIG_HIDDEN | MID_SIG_ATTENTION };
    mid_param params[2] = { { NULL, 0, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_fit_answer *answer;
    mid_fit_set set = { .seed = 1, .n_fold = 3 };
    uint32_t n_prompt_tok;
    mid_weights *weights;
    mid_monitor *m;
    mid_stream *s;
    size_t i;

    if (!ops)
        exit(2);
    signals.n_layer = (int)count();
    signals.n_embd = (int)count();
    signals.n_head = (int)count();
    signals.n_head_layer = (int)count();
    n_prompt_tok = (uint32_t)count();
    set.n = count();
    params[0].number = number();
    if (params[0].number != 9)
        params[0].name = "lambda";
    for (i = 0; i < (size_t)signals.n_layer; i++)
        signals.layer[i] = (int)i;
    answer = room(set.n, sizeof *answer);
    for (i = 0; i < set.n; i++) {
        answer[i].label = (int)count();
        answer[i].group = (uint32_t)i;
        answer[i].trace = read_trace(ctx, &signals, n_prompt_tok, (uint32_t)count());
    }
    set.answer = answer;
    ok(ctx, mid_monitor_fit(ctx, ops, params, &set, &weights));
    ok(ctx, mid_monitor_open(ctx, ops, NULL, weights, &signals, &m));
    ok(ctx, mid_stream_open(ctx, m, &s));
    for (i = 0; i < sizeof chosen / sizeof chosen[0]; i++)
        printf("%.17g ", mid_weights_number(weights, chosen[i]));
    printf("\n");
    for (i = 0; i < set.n; i++) {
        double *score = room(mid_trace_n_tok(answer[i].trace), sizeof *score);
        ok(ctx, mid_stream_score(ctx, s, answer[i].trace, score, NULL));
        row(score, mid_trace_n_tok(answer[i].trace));
        free(score);
        mid_trace_close((mid_trace *)(uintptr_t)answer[i].trace);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_weights_close(weights);
    free(answer);
}

int main(void)
{
    char name[64];
    mid_ctx *ctx;

    ok(NULL, mid_ctx_open(&ctx));
    while (scanf("%63s", name) == 1)
        run(ctx, name);
    mid_ctx_close(ctx);
    return 0;
}
