/* What a contract says of any open monitor and its streams, alone or with aggregators behind it. */
#ifndef MID_TEST_CONTRACT_H
#define MID_TEST_CONTRACT_H

#include "traces.h"

static inline mid_weights *copy_of(const mid_weights *w)
{
    mid_weights *copy;
    void *bytes;
    size_t n;

    CHECK_OK(mid_weights_pack(test_ctx(), w, &bytes, &n));
    CHECK_OK(mid_weights_unpack(test_ctx(), bytes, n, &copy));
    mid_free(bytes);
    return copy;
}

static inline void check_same_weights(const mid_weights *w, const mid_weights *other)
{
    void *a, *b;
    size_t n_a, n_b;

    CHECK_OK(mid_weights_pack(test_ctx(), w, &a, &n_a));
    CHECK_OK(mid_weights_pack(test_ctx(), other, &b, &n_b));
    CHECK_INT(n_a, n_b);
    assert_memory_equal(a, b, n_a);
    mid_free(a);
    mid_free(b);
}

/* Scores of an answer, none of them NaN or too high; owned. */
static inline double *scores_of(mid_stream *s, const mid_trace *t)
{
    const uint32_t n_tok = mid_trace_n_tok(t);
    double *score = calloc(n_tok + 1, sizeof *score);
    uint32_t i;

    assert_non_null(score);
    CHECK_OK(mid_stream_score(test_ctx(), s, t, score, NULL));
    for (i = 0; i < n_tok; i++)
        CHECK(!isnan(score[i]) && score[i] < INFINITY);
    return score;
}

/* Another monitor gives the same bits on this answer. */
static inline void check_same_scores(mid_stream *s, const mid_monitor *other, const mid_trace *t)
{
    double *a = scores_of(s, t), *b;
    mid_stream *o;

    CHECK_OK(mid_stream_open(test_ctx(), other, &o));
    b = scores_of(o, t);
    assert_memory_equal(a, b, mid_trace_n_tok(t) * sizeof *a);
    mid_stream_close(o);
    free(a);
    free(b);
}

/* Push tokens from .. to - 1 of an answer, and check that the scores are these; want NULL: whatever they are. */
static inline void push_some(mid_stream *s, const mid_trace *t, uint32_t from, uint32_t to, const double *want)
{
    float *scratch = malloc((mid_trace_scratch(t) + 1) * sizeof *scratch);
    mid_step step;
    uint32_t i;

    assert_non_null(scratch);
    for (i = from; i < to; i++) {
        double score;
        mid_trace_step(t, i, scratch, &step);
        score = push(s, &step);
        if (want)
            assert_memory_equal(&score, &want[i], sizeof score);
    }
    free(scratch);
}

/* Begin an answer's stream. */
static inline void start_on(mid_stream *s, const mid_trace *t)
{
    float *scratch = malloc((mid_trace_scratch(t) + 1) * sizeof *scratch);
    mid_prompt prompt;

    assert_non_null(scratch);
    mid_trace_prompt(t, scratch, &prompt);
    CHECK_OK(mid_stream_start(s, &prompt));
    free(scratch);
}

/* Saved at every token (and so in mid-character), restored into another stream that was elsewhere. */
static inline void check_snapshot(const mid_monitor *m, mid_stream *s, const mid_trace *t)
{
    const uint32_t n_tok = mid_trace_n_tok(t);
    double *whole = scores_of(s, t);
    void *saved = malloc(mid_stream_size(s) + 1);
    mid_stream *other;
    uint32_t at;

    assert_non_null(saved);
    for (at = 0; at <= n_tok; at++) {
        start_on(s, t);
        push_some(s, t, 0, at, whole);
        mid_stream_save(s, saved);
        CHECK_OK(mid_stream_open(test_ctx(), m, &other));
        start_on(other, t);
        push_some(other, t, n_tok / 8, 3 * n_tok / 8, NULL);
        push_some(s, t, 0, at, NULL);
        mid_stream_restore(other, saved);
        push_some(other, t, at, n_tok, whole);
        mid_stream_close(other);
    }
    free(saved);
    free(whole);
}

/* Push a step that must be refused, or must not matter: state and score as before. */
static inline void check_step_refused(mid_stream *s, const mid_step *bad, mid_status want)
{
    const size_t n = mid_stream_size(s);
    void *before = malloc(n + 1), *after = malloc(n + 1);
    double score = 42;

    assert_true(before && after);
    mid_stream_save(s, before);
    CHECK_FAILS(mid_stream_push(s, bad, &score), want);
    mid_stream_save(s, after);
    assert_memory_equal(before, after, n);
    CHECK_NEAR(score, 42, 0);
    free(before);
    free(after);
}

#endif
