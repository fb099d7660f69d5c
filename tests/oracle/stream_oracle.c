/* Scores of any monitor of text and probabilities on answers read from standard input, for stream.py to compare with
 * its own. A case is
 *     monitor n_param n_answer, n_param times: name and a number or 'text
 *     per answer: label n_tok, per token: text in hex (- for none), lp, lp_alone, entropy, n_top, n_top values
 * The monitor is fitted on all answers if it learns, and a line of scores is printed for each. */
#include "driver.h"

enum { PARAM_MAX = 4, WORD_MAX = 4096 };

static const char *read_word(void)
{
    static char word[WORD_MAX];

    if (scanf("%4095s", word) != 1) {
        fprintf(stderr, "oracle: a case is cut short\n");
        exit(2);
    }
    return word;
}

static char *read_text(void)
{
    const char *word = read_word();
    char *text = strdup(word);

    if (!text)
        exit(2);
    return text;
}

static uint32_t read_hex(char *text)
{
    const char *hex = read_word();
    uint32_t n = 0;
    unsigned byte;

    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        text[n++] = (char)byte;
    return n;
}

static mid_trace *read_trace(mid_ctx *ctx, const mid_signals *signals)
{
    const uint32_t n_tok = (uint32_t)number();
    int32_t top_token[MID_TOP_MAX] = { 0 };
    char text[WORD_MAX];
    float top_lp[MID_TOP_MAX];
    uint32_t i, j, n_byte = 0;
    mid_trace *t;

    ok(ctx, mid_trace_open(ctx, signals, NULL, &t));
    for (i = 0; i < n_tok; i++) {
        mid_step step = { .have = signals->have, .i_tok = i, .at_byte = n_byte, .text = text, .top_lp = top_lp,
                          .top_token = top_token };
        step.n_text = read_hex(text);
        step.lp = (float)number();
        step.lp_alone = (float)number();
        step.entropy_nats = (float)number();
        step.n_top = (uint32_t)number();
        for (j = 0; j < step.n_top; j++)
            top_lp[j] = (float)number();
        ok(ctx, mid_trace_append(t, &step));
        n_byte += step.n_text;
    }
    return t;
}

static void score(mid_ctx *ctx, const mid_monitor *m, const mid_trace *t)
{
    const uint32_t n_tok = mid_trace_n_tok(t);
    double *out = room(n_tok, sizeof *out);
    mid_stream *s;

    ok(ctx, mid_stream_open(ctx, m, &s));
    ok(ctx, mid_stream_score(ctx, s, t, out, NULL));
    row(out, n_tok);
    mid_stream_close(s);
    free(out);
}

static void run_case(mid_ctx *ctx, const mid_monitor_ops *ops)
{
    const mid_signals signals = { .have = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_ALONE | MID_SIG_ENTROPY | MID_SIG_TOP,
                                  .n_top = MID_TOP_MAX };
    const size_t n_param = count(), n = count();
    mid_param params[PARAM_MAX + 1] = { { NULL, 0, NULL, NULL } };
    mid_fit_answer *answer = room(n, sizeof *answer);
    const mid_fit_set set = { .answer = answer, .n = n, .seed = 1, .n_fold = 3 };
    mid_weights *w = NULL;
    mid_monitor *m;
    size_t i;

    if (n_param > PARAM_MAX)
        exit(2);
    for (i = 0; i < n_param; i++) {
        const char *value;
        params[i].name = read_text();
        value = read_word();
        if (value[0] == '\'')
            params[i].text = strdup(value + 1);
        else
            params[i].number = strtod(value, NULL);
    }
    for (i = 0; i < n; i++) {
        answer[i].label = (int)number();
        answer[i].group = (uint32_t)i;
        answer[i].trace = read_trace(ctx, &signals);
    }
    ok(ctx, mid_monitor_fit(ctx, ops, params, &set, &w));
    ok(ctx, mid_monitor_open(ctx, ops, params, w, &signals, &m));
    for (i = 0; i < n; i++)
        score(ctx, m, answer[i].trace);
    mid_monitor_close(m);
    mid_weights_close(w);
    for (i = 0; i < n; i++)
        mid_trace_close((mid_trace *)(uintptr_t)answer[i].trace);
    for (i = 0; i < n_param; i++) {
        free((char *)(uintptr_t)params[i].name);
        free((char *)(uintptr_t)params[i].text);
    }
    free(answer);
}

int main(void)
{
    mid_ctx *ctx;
    char name[64];

    ok(NULL, mid_ctx_open(&ctx));
    while (scanf("%63s", name) == 1) {
        const mid_monitor_ops *ops = mid_monitor_find(name);
        if (!ops) {
            fprintf(stderr, "oracle: no monitor '%s'\n", name);
            return 2;
        }
        run_case(ctx, ops);
    }
    mid_ctx_close(ctx);
    return 0;
}
