/* Did a trained monitor learn a task? Synthetic answers of two classes, fitted on some and tried on others. */
#ifndef MID_TEST_LEARNED_H
#define MID_TEST_LEARNED_H

#include "hand_weights.h"

#include "base/rng.h"

/* Append the tokens of one answer of this class. */
typedef void (*write_fn)(mid__rng *rng, mid_trace *t, int label);

/* Uniform in +-reach. */
static inline float around_zero(mid__rng *rng, double reach) { return (float)(reach * (2 * mid__rng_unit(rng) - 1)); }

static inline void scatter_weights(mid__rng *rng, float *w, size_t n, double reach)
{
    size_t i;

    for (i = 0; i < n; i++)
        w[i] = around_zero(rng, reach);
}

static inline void put_task(answers *a, const mid_signals *signals, mid__rng *rng, write_fn write, int n)
{
    static const float prompt_row[16];
    int i;

    assert_true(signals->n_layer * signals->n_embd <= 16);
    for (i = 0; i < n; i++) {
        mid_trace *t = trace_open(signals, "p", prompt_row);
        write(rng, t, i & 1);
        answers_put(a, t, i & 1);
    }
}

/* AUROC of the last token's score. */
static inline double auroc_at_end(const mid_monitor *m, const answers *a)
{
    double last[ANSWER_MAX], score[256], auroc;
    uint8_t label[ANSWER_MAX];
    mid_stream *s;
    size_t i;

    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    for (i = 0; i < a->n; i++) {
        const uint32_t n_tok = mid_trace_n_tok(a->answer[i].trace);
        assert_true(n_tok >= 1 && n_tok <= 256);
        CHECK_OK(mid_stream_score(test_ctx(), s, a->answer[i].trace, score, NULL));
        last[i] = score[n_tok - 1];
        label[i] = (uint8_t)a->answer[i].label;
    }
    mid_stream_close(s);
    CHECK_OK(mid_auroc(test_ctx(), last, label, a->n, &auroc));
    return auroc;
}

/* Fitted on ANSWER_MAX answers, it tells as many new ones apart. */
static inline void check_learns(const char *name, const mid_signals *signals, write_fn write, uint64_t seed,
                                double at_least)
{
    answers fit = { .n = 0 }, held_out = { .n = 0 };
    mid_monitor *m;
    mid__rng rng;
    double auroc;

    mid__rng_init(&rng, seed, 0);
    put_task(&fit, signals, &rng, write, ANSWER_MAX);
    put_task(&held_out, signals, &rng, write, ANSWER_MAX);
    m = monitor_of(name, NULL, &fit, signals);
    auroc = auroc_at_end(m, &held_out);
    print_message("  %s, seed %llu: AUROC %.3f on new answers\n", name, (unsigned long long)seed, auroc);
    CHECK(auroc > at_least);
    mid_monitor_close(m);
    answers_clear(&fit);
    answers_clear(&held_out);
}

/* A tensor that is one column short is refused by name. */
static inline void check_refuses(mid_weights *(*make)(void), const char *name, const mid_signals *signals,
                                 const char *tensor, size_t n_row, size_t n_col)
{
    float *x = calloc(n_row * n_col, sizeof *x);
    mid_weights *w = make();
    char quoted[32];

    assert_non_null(x);
    put(w, tensor, x, n_row, n_col - 1);
    snprintf(quoted, sizeof quoted, "'%s'", tensor);
    hand_refused(w, name, signals, MID_EFORMAT, quoted);
    free(x);
}

#endif
