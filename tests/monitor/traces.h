/* Traces and fit sets written by hand, and the few calls every monitor test makes. */
#ifndef MID_TEST_TRACES_H
#define MID_TEST_TRACES_H

#include "test.h"

enum { ALL_SIGNALS = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_ENTROPY | MID_SIG_HIDDEN, ANSWER_MAX = 200 };

/* Layers 0, 1, ... n_layer - 1 of width d; everything that the monitors read. */
static inline mid_signals signals_of(int n_layer, int d)
{
    mid_signals s = { .have = ALL_SIGNALS, .n_layer = n_layer, .n_embd = d, .n_vocab = 100, .observer = "observer-a" };
    int i;

    for (i = 0; i < n_layer; i++)
        s.layer[i] = i;
    return s;
}

static inline mid_trace *trace_open(const mid_signals *signals, const char *prompt, const float *prompt_hidden)
{
    const mid_prompt p = { .text = prompt, .hidden = prompt_hidden };
    mid_trace *t;

    CHECK_OK(mid_trace_open(test_ctx(), signals, &p, &t));
    return t;
}

/* hidden (n_layer, n_embd) */
static inline void trace_put(mid_trace *t, const char *text, float lp, float entropy_nats, const float *hidden)
{
    mid_step step = { .have = ALL_SIGNALS, .i_tok = mid_trace_n_tok(t), .token = 7, .text = text, .lp = lp,
                      .n_text = (uint32_t)strlen(text), .entropy_nats = entropy_nats, .hidden = hidden };
    size_t n;

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

static inline mid_fit_set set_of(const answers *a) { return (mid_fit_set){ a->answer, a->n, 1, 3 }; }

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
