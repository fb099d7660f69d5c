/* The box: 101 safe answers of one token, h = (i, -i) for i = 0..100. The 1 and 99 % quantiles of 0..100 are 1 and 99,
 * so the box is [1, 99] x [-99, -1]. */
#include "traces.h"

static void fill(answers *a, const mid_signals *signals)
{
    int i;

    for (i = 0; i <= 101; i++) {
        const float h[2] = { i <= 100 ? (float)i : 500, i <= 100 ? (float)-i : 500 };
        mid_trace *t = trace_open(signals, "p", NULL);
        trace_put(t, "x", -1, 1, h);
        answers_put(a, t, i > 100);
    }
}

TEST(box, golden)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[][2] = { { 0, -50 }, { 50, -50 }, { 99, -1 }, { 100, 0 } };
    static const double want[] = { 0.5, 0.25, 0.5 / 3, 0.375 };        /* means of 1/2, 0, 0, 1: the border is inside */
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    uint32_t i;

    fill(&a, &signals);
    m = monitor_of("box", NULL, &a, &signals);
    s = stream_of(m, NULL);
    for (i = 0; i < 4; i++) {
        const mid_step step = hidden_step(i, h[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-15);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

/* NaN compares false with both bounds and must not pass as inside. */
TEST(box, nan_is_not_inside)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[2] = { 50, NAN };
    const mid_step step = hidden_step(0, h);
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    double score = 42;

    fill(&a, &signals);
    m = monitor_of("box", NULL, &a, &signals);
    s = stream_of(m, NULL);
    CHECK_FAILS(mid_stream_push(s, &step, &score), MID_ENUMERIC);
    CHECK_NEAR(score, 42, 0);
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}
