/* Ratios by hand. A prompt of 10 tokens; a head that gives it .5: .05 per prompt token, at t = 1 .5 and at t = 2 .25 per
 * answer token, so R = 1/11 and 1/6. One that gives it nothing has R = 0, one that gives it all R = 1. */
#include "hand_weights.h"

#include "base/rng.h"

/* Six heads, the first two looking so; w reads these two alone. */
static mid_step heads(uint32_t i_tok, float first, float second, float *attention)
{
    memset(attention, 0, N_HEAD * MID_ATTENTION_N * sizeof *attention);
    attention[MID_ATTENTION_CONTEXT] = first;
    attention[MID_ATTENTION_N + MID_ATTENTION_CONTEXT] = second;
    return (mid_step){ .have = MID_SIG_ATTENTION, .i_tok = i_tok, .attention = attention };
}

TEST(lookback_ratio, golden)
{
    const mid_signals signals = signals_of(1, 1);
    const mid_prompt prompt = { .text = "p", .n_tok = 10 }, unknown = { .text = "p" };
    const float w[N_HEAD] = { 11, 6 }, b = -1;
    float attention[N_HEAD * MID_ATTENTION_N];
    mid_weights *weights = hand_weights("lookback_ratio", NULL);
    mid_monitor *m;
    mid_stream *s;
    mid_step step;
    uint32_t t;

    put(weights, "w", w, 1, N_HEAD);
    put(weights, "b", &b, 1, 1);
    m = hand_monitor(weights, "lookback_ratio", &signals);
    s = stream_of(m, &prompt);
    step = heads(0, 0.5f, 0, attention);
    CHECK_NEAR(push(s, &step), 0, 1e-7);                /* 11/11 + 0 - 1 */
    step = heads(1, 0, 0.5f, attention);
    CHECK_NEAR(push(s, &step), 0, 1e-7);                /* 0 + 6/6 - 1, and the mean with 0 */
    step = heads(2, 1, 1, attention);
    CHECK_NEAR(push(s, &step), 16.0 / 3, 1e-6);         /* 11 + 6 - 1 = 16 */
    for (t = 3; t < 11; t++) {
        step = heads(t, 0, 0, attention);
        push(s, &step);
    }
    step = heads(11, 0, 0, attention);
    CHECK_NEAR(push(s, &step), -1, 1e-7);               /* eight tokens of -1: the 16 has left the window */
    CHECK_FAILS(mid_stream_start(s, &unknown), MID_ESIGNAL);
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* More heads than are read at a time, against the formula; weights a little outside [0, 1] count as 0 and 1. */
TEST(lookback_ratio, many_heads)
{
    enum { MANY = 150, N_PROMPT = 7 };
    const uint64_t seed = 20241124;
    mid_signals signals = signals_of(1, 1);
    const mid_prompt prompt = { .text = "p", .n_tok = N_PROMPT };
    mid_weights *weights = hand_weights("lookback_ratio", NULL);
    float attention[MANY * MID_ATTENTION_N] = { 0 }, w[MANY], b = 0.5f, kept;
    float *last = &attention[(MANY - 1) * MID_ATTENTION_N + MID_ATTENTION_CONTEXT];
    const mid_step step = { .have = MID_SIG_ATTENTION, .attention = attention };
    double want = (double)b, score;
    mid_monitor *m;
    mid_stream *s;
    mid__rng rng;
    size_t k;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    signals.n_head = MANY;
    signals.n_head_layer = 1;
    for (k = 0; k < MANY; k++) {
        const float c = (float)(1.2 * mid__rng_unit(&rng) - 0.1);
        const double context = fmin(fmax((double)c, 0), 1), there = context / N_PROMPT;
        attention[k * MID_ATTENTION_N + MID_ATTENTION_CONTEXT] = c;
        w[k] = (float)(mid__rng_unit(&rng) - 0.5);
        want += (double)w[k] * there / (there + (1 - context) / 1);     /* the first token */
    }
    put(weights, "w", w, 1, MANY);
    put(weights, "b", &b, 1, 1);
    m = hand_monitor(weights, "lookback_ratio", &signals);
    s = stream_of(m, &prompt);
    kept = *last;
    *last = NAN;
    CHECK_INT(mid_stream_push(s, &step, &score), MID_ENUMERIC);
    *last = kept;
    CHECK_NEAR(push(s, &step), want, 1e-12);            /* an error changed nothing */
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* Unsafe answers look away from the prompt. */
TEST(lookback_ratio, learns)
{
    const mid_signals signals = signals_of(1, 1);
    const float h = 0;
    double score[2];
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    int i, t;

    for (i = 0; i < 60; i++) {          /* traces.h: even heads look at the prompt by entropy */
        mid_trace *trace = trace_open(&signals, "p", &h);
        for (t = 0; t < 12; t++)
            trace_put(trace, "x", -1, (float)((i * 5 + t * 3) % 4) + (i % 2 ? 0.2f : 2), &h);
        answers_put(&a, trace, i % 2);
    }
    m = monitor_of("lookback_ratio", NULL, &a, &signals);
    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    for (i = 0; i < 2; i++) {
        double all[12];
        CHECK_OK(mid_stream_score(test_ctx(), s, a.answer[i].trace, all, NULL));
        score[i] = all[11];
    }
    CHECK(score[1] > score[0] + 0.5);
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}
