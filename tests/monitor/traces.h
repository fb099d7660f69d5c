/* Traces and fit sets written by hand, and the few calls every monitor test makes. */
#ifndef MID_TEST_TRACES_H
#define MID_TEST_TRACES_H

#include "test.h"

enum {
    ALL_SIGNALS = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_ENTROPY | MID_SIG_TOP | MID_SIG_HIDDEN | MID_SIG_SPREAD |
                  MID_SIG_ALONE | MID_SIG_AFFIRM | MID_SIG_SAMPLES | MID_SIG_JUDGE | MID_SIG_ATTENTION | MID_SIG_LENS,
    ANSWER_MAX = 200, N_HEAD = 6, N_HEAD_LAYER = 2
};
/* Floats that mid_trace_step() needs for traces of such a source. */
#define SCRATCH_N(n_layer, d) ((n_layer) * (d) + N_HEAD * MID_ATTENTION_N)

/* Layers 0, 1, ... n_layer - 1 of width d; everything that the monitors read. */
static inline mid_signals signals_of(int n_layer, int d)
{
    mid_signals s = { .have = ALL_SIGNALS, .n_layer = n_layer, .n_embd = d, .n_vocab = 100, .n_top = 3,
                      .n_head = N_HEAD, .n_head_layer = N_HEAD_LAYER, .observer = "observer-a" };
    int i;

    for (i = 0; i < n_layer; i++)
        s.layer[i] = i;
    return s;
}

static inline mid_trace *trace_open(const mid_signals *signals, const char *prompt, const float *prompt_hidden)
{
    static const char *const alike[] = { "Sure, I can help with that.", "Sure, I can help with it.", "Sure, I can help!" };
    static const char *const unlike[] = { "Sure, I can help.", "That answer is d\xc3\xa4rk.", "" };
    const bool unsure = prompt_hidden && prompt_hidden[0] > 0.5f;
    float gram[MID_SAMPLE_AT_N * 8 * 3 * 3];
    const mid_prompt p = { .text = prompt, .hidden = prompt_hidden, .n_tok = 5, .affirm = 0.5f, .sample = unsure ? unlike : alike,
                           .n_sample = 3, .sample_gram = signals->n_layer ? gram : NULL };
    mid_trace *t;
    int i;

    assert_true(signals->n_layer <= 8);
    for (i = 0; i < MID_SAMPLE_AT_N * signals->n_layer * 9; i++)       /* of vectors at 60 degrees that grow */
        gram[i] = (i % 9 % 4 == 0 ? 1 : 0.5f) * (float)(1 + i / 9);

    CHECK_OK(mid_trace_open(test_ctx(), signals, &p, &t));
    return t;
}

/* Heads look at the prompt, half of them when the token is likely, half of them when many are. */
static inline void attention_of(float lp, float entropy_nats, float *attention)
{
    int k;

    for (k = 0; k < N_HEAD; k++) {
        float *head = attention + k * MID_ATTENTION_N;
        head[MID_ATTENTION_CONTEXT] = 0.1f + 0.8f * (k % 2 ? 1 / (1 - lp) : entropy_nats / (1 + entropy_nats));
        head[MID_ATTENTION_SELF] = (1 - head[MID_ATTENTION_CONTEXT]) / 2;
        head[MID_ATTENTION_PREVIOUS] = (1 - head[MID_ATTENTION_CONTEXT]) / (3 + (float)k);
    }
}

/* Layers come nearer to the end's prediction the later they are. */
static inline void lens_of(int n_layer, float lp, float entropy_nats, float *lens)
{
    int l;

    for (l = 0; l < n_layer; l++) {
        lens[l * MID_LENS_N + MID_LENS_KL_NATS] = entropy_nats / (float)(l + 1);
        lens[l * MID_LENS_N + MID_LENS_SAME_TOP] = (float)l + 2 > entropy_nats;
        lens[l * MID_LENS_N + MID_LENS_REFUSAL_COS] = lp / 10 + 0.1f * (float)l;
    }
}

/* hidden (n_layer, n_embd). The other signals are made from lp and entropy. */
static inline void trace_put(mid_trace *t, const char *text, float lp, float entropy_nats, const float *hidden)
{
    const int32_t top_token[] = { 7, 8, 9 };
    const float top_lp[] = { -0.1f - entropy_nats / 8, -2 - entropy_nats / 16, -4 };
    const float spread[MID_SPREAD_N] = { 4.6f - entropy_nats, 1 - entropy_nats / 5, 9 - 2 * entropy_nats, -lp };
    mid_step step = { .have = ALL_SIGNALS & ~MID_SIG_SPARSE, .i_tok = mid_trace_n_tok(t), .token = 7, .text = text,
                      .lp = lp, .n_text = (uint32_t)strlen(text), .entropy_nats = entropy_nats, .hidden = hidden,
                      .n_top = 3, .top_token = top_token, .top_lp = top_lp, .spread = spread,
                      .lp_alone = lp - entropy_nats / 4 };
    float attention[N_HEAD * MID_ATTENTION_N], lens[8 * MID_LENS_N];
    size_t n;

    attention_of(lp, entropy_nats, attention);
    lens_of(mid_trace_signals(t)->n_layer, lp, entropy_nats, lens);
    step.attention = attention;
    step.lens = lens;
    if (step.i_tok % 3 == 1) {          /* where a judge was asked */
        step.have |= MID_SIG_JUDGE;
        step.judge = 1 / (1 - lp);
    }
    mid_trace_text(t, &n);
    step.at_byte = (uint32_t)n;
    CHECK_OK(mid_trace_append(t, &step));
}

/* Answers that own their traces, each a prompt group of its own. */
typedef struct answers { mid_fit_answer answer[ANSWER_MAX]; size_t n; } answers;

static inline void answers_put(answers *a, mid_trace *given, int label)
{
    assert_true(a->n < ANSWER_MAX);
    a->answer[a->n] = (mid_fit_answer){ given, label, (uint32_t)a->n };
    a->n++;
}

static inline void answers_clear(answers *a)
{
    while (a->n)
        mid_trace_close((mid_trace *)(uintptr_t)a->answer[--a->n].trace);
}

static inline mid_fit_set set_of(const answers *a) { return (mid_fit_set){ a->answer, a->n, 1, 3, NULL }; }

/* Fit if there is something to learn, and open. */
static inline mid_monitor *monitor_of(const char *name, const mid_param *params, const answers *a,
                                      const mid_signals *signals)
{
    const mid_monitor_ops *ops = mid_monitor_find(name);
    mid_weights *w = NULL;
    mid_monitor *m;

    assert_non_null(ops);
    if (ops->fit) {
        const mid_fit_set set = set_of(a);
        CHECK_OK(mid_monitor_fit(test_ctx(), ops, params, &set, &w));
    }
    CHECK_OK(mid_monitor_open(test_ctx(), ops, params, w, signals, &m));
    mid_weights_close(w);
    return m;
}

static inline mid_stream *stream_of(const mid_monitor *m, const mid_prompt *prompt)
{
    mid_stream *s;

    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    CHECK_OK(mid_stream_start(s, prompt));
    return s;
}

/* Steps that carry one signal only. */
static inline mid_step text_step(uint32_t i_tok, const char *text)
{
    return (mid_step){ .have = MID_SIG_TEXT, .i_tok = i_tok, .text = text, .n_text = (uint32_t)strlen(text) };
}

static inline mid_step hidden_step(uint32_t i_tok, const float *hidden)
{
    return (mid_step){ .have = MID_SIG_HIDDEN, .i_tok = i_tok, .hidden = hidden };
}

static inline double push(mid_stream *s, const mid_step *step)
{
    double score = NAN;

    CHECK_OK(mid_stream_push(s, step, &score));
    return score;
}

#endif
