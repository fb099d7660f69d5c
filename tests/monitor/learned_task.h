/* Small tasks to learn: answers of random rows, and how well a monitor fitted on some of them tells others apart. */
#ifndef MID_TEST_LEARNED_TASK_H
#define MID_TEST_LEARNED_TASK_H

#include "hand_weights.h"

#include "base/rng.h"
#include "midstream/metric.h"

enum { TASK_SEED = 20260412, TASK_FIT_N = 200, TASK_TEST_N = 100, TASK_ROW_MAX = 8, TASK_TOK_MAX = 16 };

/* Write the rows (n_layer, d) of one token. lean (TASK_ROW_MAX) is noise that an answer's tokens share. */
typedef void (*task_row)(mid__rng *rng, int label, const float *lean, uint32_t t, float *h);

/* About normal, mean 0 and deviation 1. */
static inline float task_noise(mid__rng *rng)
{
    double sum = -6;
    int i;

    for (i = 0; i < 12; i++)
        sum += mid__rng_unit(rng);
    return (float)sum;
}

/* Answers of 6 to TASK_TOK_MAX tokens, every other one unsafe. */
static inline void task_fill(answers *a, const mid_signals *signals, task_row row, size_t n, uint64_t i_stream)
{
    float h[TASK_ROW_MAX], lean[TASK_ROW_MAX];
    mid__rng rng;
    size_t i, j;
    uint32_t t, n_tok;

    mid__rng_init(&rng, TASK_SEED, i_stream);
    for (i = 0; i < n; i++) {
        mid_trace *trace = trace_open(signals, "p", NULL);
        n_tok = 6 + mid__rng_below(&rng, TASK_TOK_MAX - 5);
        for (j = 0; j < TASK_ROW_MAX; j++)
            lean[j] = task_noise(&rng);
        for (t = 0; t < n_tok; t++) {
            row(&rng, i % 2, lean, t, h);
            trace_put(trace, "x", -1, 1, h);
        }
        answers_put(a, trace, i % 2);
    }
}

/* AUROC of the scores at the end of answers that the fit has not seen. *w, unless w is NULL, is what was learned. */
static inline double task_auroc(const char *name, const mid_param *params, const mid_signals *signals, task_row row,
                                mid_weights **w)
{
    const mid_monitor_ops *ops = mid_monitor_find(name);
    answers fit = { .n = 0 }, test = { .n = 0 };
    mid_weights *learned;
    double score[TASK_TEST_N], each[TASK_TOK_MAX], auroc = NAN;
    uint8_t label[TASK_TEST_N];
    mid_fit_set set;
    mid_monitor *m;
    mid_stream *s;
    size_t i;

    assert_non_null(ops);
    task_fill(&fit, signals, row, TASK_FIT_N, 1);
    task_fill(&test, signals, row, TASK_TEST_N, 2);
    set = set_of(&fit);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, params, &set, &learned));
    CHECK_OK(mid_monitor_open(test_ctx(), ops, params, learned, signals, &m));
    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    for (i = 0; i < test.n; i++) {
        CHECK_OK(mid_stream_score(test_ctx(), s, test.answer[i].trace, each, NULL));
        score[i] = each[mid_trace_n_tok(test.answer[i].trace) - 1];
        label[i] = (uint8_t)test.answer[i].label;
    }
    CHECK_OK(mid_auroc(test_ctx(), score, label, test.n, &auroc));
    print_message("  %s: AUROC %.3f, seed %d\n", name, auroc, TASK_SEED);
    mid_stream_close(s);
    mid_monitor_close(m);
    if (w)
        *w = learned;
    else
        mid_weights_close(learned);
    answers_clear(&fit);
    answers_clear(&test);
    return auroc;
}

#endif
