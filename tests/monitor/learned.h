/* Did a trained monitor learn a task? Synthetic answers of two classes, fitted on some and tried on others. */
#ifndef MID_TEST_LEARNED_H
#define MID_TEST_LEARNED_H

#include "hand_weights.h"

#include "base/rng.h"

enum { TASK_SEED = 20260412 };

/* Append the tokens of one answer of this class. */
typedef void (*write_fn)(mid__rng *rng, mid_trace *t, int label);

/* Uniform in +-reach. */
static inline float around_zero(mid__rng *rng, double reach) { return (float)(reach * (2 * mid__rng_unit(rng) - 1)); }

/* About normal, mean 0 and deviation 1. */
static inline float about_normal(mid__rng *rng)
{
    double sum = -6;
    int i;

    for (i = 0; i < 12; i++)
        sum += mid__rng_unit(rng);
    return (float)sum;
}

/* Tokens of an answer: 6 to 16. */
static inline uint32_t some_tok(mid__rng *rng) { return 6 + mid__rng_below(rng, 11); }

static inline void scatter_weights(mid__rng *rng, float *w, size_t n, double reach)
{
    size_t i;

    for (i = 0; i < n; i++)
        w[i] = around_zero(rng, reach);
}

/* n answers, every other one unsafe. */
static inline void put_task(answers *a, const mid_signals *signals, write_fn write, int n, uint64_t seed, uint64_t i_stream)
{
    static const float prompt_row[16];
    mid__rng rng;
    int i;

    assert_true(signals->n_layer * signals->n_embd <= 16);
    mid__rng_init(&rng, seed, i_stream);
    for (i = 0; i < n; i++) {
        mid_trace *t = trace_open(signals, "p", prompt_row);
        write(&rng, t, i & 1);
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

/* Fitted on ANSWER_MAX answers, how well it tells as many new ones apart. w: what it learned, owned; or NULL. */
static inline double learned_auroc(const char *name, const mid_param *params, const mid_signals *signals, write_fn write,
                                   uint64_t seed, mid_weights **w)
{
    const mid_monitor_ops *ops = mid_monitor_find(name);
    answers fit = { .n = 0 }, fresh = { .n = 0 };
    mid_weights *learned;
    mid_fit_set set;
    mid_monitor *m;
    double auroc;

    assert_non_null(ops);
    put_task(&fit, signals, write, ANSWER_MAX, seed, 1);
    put_task(&fresh, signals, write, ANSWER_MAX, seed, 2);
    set = set_of(&fit);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, params, &set, &learned));
    CHECK_OK(mid_monitor_open(test_ctx(), ops, params, learned, signals, &m));
    auroc = auroc_at_end(m, &fresh);
    print_message("  %s, seed %llu: AUROC %.3f on new answers\n", name, (unsigned long long)seed, auroc);
    mid_monitor_close(m);
    if (w)
        *w = learned;
    else
        mid_weights_close(learned);
    answers_clear(&fit);
    answers_clear(&fresh);
    return auroc;
}

static inline void check_learns(const char *name, const mid_signals *signals, write_fn write, uint64_t seed,
                                double at_least)
{
    CHECK(learned_auroc(name, NULL, signals, write, seed, NULL) > at_least);
}

/* A task that no line solves: unsafe answers are those whose two values have the same sign. */
static inline void write_crossed(mid__rng *rng, mid_trace *t, int label)
{
    const uint32_t n_tok = some_tok(rng);
    const float side = about_normal(rng) > 0 ? 2 : -2;
    uint32_t i;

    for (i = 0; i < n_tok; i++) {
        const float x = side + about_normal(rng), y = (label ? side : -side) + about_normal(rng);
        const float h[] = { x, y };
        trace_put(t, "x", -1, 1, h);
    }
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
