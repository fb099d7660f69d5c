/* Hybrids fitted on answers read from standard input, over members that learn nothing, for fusion.py.
 *     name n_param, n_param * (key value), n_answer, for each: label group n_tok, n_tok * (ln p, entropy)
 * A value is a number or, of "of" and "cost", a text without blanks. Answers with the tensors "name n_row n_col
 * values", the numbers "name 1 1 value", "scores 1 n values" of all tokens, and "end". */
#include "midstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 2000, PARAM_MAX = 8 };

static void ok(mid_ctx *ctx, mid_status status)
{
    if (status != MID_OK) {
        fprintf(stderr, "fusion_oracle: %s: %s\n", mid_status_name(status), mid_ctx_message(ctx));
        exit(2);
    }
}

static void need(int n, int want)
{
    if (n != want) {
        fprintf(stderr, "fusion_oracle: a set is cut short\n");
        exit(2);
    }
}

static mid_trace *read_answer(mid_ctx *ctx, mid_fit_answer *out)
{
    static const mid_signals signals = { .have = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_ENTROPY, .n_vocab = 100,
                                         .observer = "oracle" };
    const mid_prompt prompt = { .text = "p", .n_tok = 1 };
    mid_step step = { .have = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_ENTROPY, .text = "x", .n_text = 1 };
    mid_trace *t;
    uint32_t n_tok;

    need(scanf("%d %u %u", &out->label, &out->group, &n_tok), 3);
    ok(ctx, mid_trace_open(ctx, &signals, &prompt, &t));
    for (; step.i_tok < n_tok; step.i_tok++) {
        need(scanf("%f %f", &step.lp, &step.entropy_nats), 2);
        step.at_byte = step.i_tok;
        ok(ctx, mid_trace_append(t, &step));
    }
    out->trace = t;
    return t;
}

static void show(const char *name, size_t n_row, size_t n_col, const float *x)
{
    size_t i;

    printf("%s %zu %zu", name, n_row, n_col);
    for (i = 0; i < n_row * n_col; i++)
        printf(" %.17g", (double)x[i]);
    printf("\n");
}

static void show_weights(const mid_weights *w)
{
    static const char *const tensor[] = { "normal.0", "normal.1", "normal.2", "band", "order", "cell", "w", "cut", "weight", "b",
                                          "ratio", "reliability", "prior", "stream", "base", "c" };
    static const char *const number[] = { "fit_recall", "fit_cost", "reads", "regret", "c" };
    const float *x;
    size_t i, n_row, n_col;

    for (i = 0; i < sizeof tensor / sizeof tensor[0]; i++)
        if (mid_weights_get(NULL, w, tensor[i], &x, &n_row, &n_col) == MID_OK)
            show(tensor[i], n_row, n_col, x);
    for (i = 0; i < sizeof number / sizeof number[0]; i++)
        if (mid_weights_text(w, number[i]))
            printf("%s 1 1 %.17g\n", number[i], mid_weights_number(w, number[i]));
}

static void show_scores(mid_ctx *ctx, const mid_monitor *m, const mid_fit_set *set)
{
    mid_stream *s;
    size_t i, n = 0;
    uint32_t t;

    ok(ctx, mid_stream_open(ctx, m, &s));
    for (i = 0; i < set->n; i++)
        n += mid_trace_n_tok(set->answer[i].trace);
    printf("scores 1 %zu", n);
    for (i = 0; i < set->n; i++) {
        const uint32_t n_tok = mid_trace_n_tok(set->answer[i].trace);
        double *score = calloc(n_tok + 1, sizeof *score);
        if (!score)
            exit(2);
        ok(ctx, mid_stream_score(ctx, s, set->answer[i].trace, score, NULL));
        for (t = 0; t < n_tok; t++)
            printf(" %.17g", score[t]);
        free(score);
    }
    printf("\nend\n");
    mid_stream_close(s);
}

static void one(mid_ctx *ctx, const char *name)
{
    static mid_fit_answer answer[ANSWER_MAX];
    char key[PARAM_MAX][40], value[PARAM_MAX][200];
    mid_param params[PARAM_MAX + 1] = { { NULL, 0, NULL, NULL } };
    const mid_monitor_ops *ops = mid_monitor_find(name);
    mid_fit_set set = { .answer = answer, .seed = 1 };
    mid_weights *w;
    mid_monitor *m;
    size_t i, n_param;

    need(scanf("%zu", &n_param), 1);
    need(ops && n_param <= PARAM_MAX, 1);
    for (i = 0; i < n_param; i++) {
        const bool read = scanf("%39s %199s", key[i], value[i]) == 2;
        const bool text = read && (!strcmp(key[i], "of") || !strcmp(key[i], "cost"));
        params[i] = (mid_param){ key[i], text ? 0 : strtod(value[i], NULL), text ? value[i] : NULL, NULL };
    }
    need(scanf("%zu", &set.n), 1);
    need(set.n <= ANSWER_MAX, 1);
    for (i = 0; i < set.n; i++)
        read_answer(ctx, &answer[i]);
    ok(ctx, mid_monitor_fit(ctx, ops, params, &set, &w));
    show_weights(w);
    ok(ctx, mid_monitor_open(ctx, ops, params, w, mid_trace_signals(answer[0].trace), &m));
    show_scores(ctx, m, &set);
    mid_monitor_close(m);
    mid_weights_close(w);
    for (i = 0; i < set.n; i++)
        mid_trace_close((mid_trace *)(uintptr_t)answer[i].trace);
}

int main(void)
{
    char name[40];
    mid_ctx *ctx;

    if (mid_ctx_open(&ctx) != MID_OK)
        return 2;
    while (scanf("%39s", name) == 1)
        one(ctx, name);
    mid_ctx_close(ctx);
    return 0;
}
