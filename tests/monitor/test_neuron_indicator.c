/* Features by hand. Rows (x, y): x is 0 or 2 in safe and 4 or 6 in unsafe answers, y the same in both:
 *   mean 1 and 5, deviation 1 each: delta_x = 4 / 2 = 2, standardised v = (x - 3) / 1; delta_y = 0.  So c = 2 (x - 3). */
#include "hand_weights.h"

static void fill(answers *a, const mid_signals *signals)
{
    int i;

    for (i = 0; i < 8; i++)
        put_row2(a, signals, (float)(i % 2 * 2 + i / 4 * 4), (float)(i / 2 % 2), i / 4);
}

TEST(neuron_indicator, golden)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[][2] = { { 3, 9 }, { 5, 0 }, { 0, 0 }, { 6, 1 } };
    const double want[] = { 0, 4, 4, 6 };       /* the largest of 0, 4, -6, 6 so far */
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    uint32_t i;

    fill(&a, &signals);
    m = monitor_of("neuron_indicator", NULL, &a, &signals);
    s = stream_of(m, NULL);
    for (i = 0; i < 4; i++) {
        const mid_step step = hidden_step(i, h[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-6);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

/* On principal components the same rows give the same answer: the first axis is x, whatever its sign. */
TEST(neuron_indicator, components)
{
    const mid_param params[] = { { "features", 0, "components", NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, 2);
    const float h[2] = { 5, 0.5f };
    const mid_step step = hidden_step(0, h);
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;

    fill(&a, &signals);
    m = monitor_of("neuron_indicator", params, &a, &signals);
    s = stream_of(m, NULL);
    CHECK_NEAR(push(s, &step), 4, 1e-5);
    mid_stream_close(s);
    mid_monitor_close(m);
    param_refused("neuron_indicator", &a, (mid_param){ "features", 0, "autoencoder", NULL }, "neurons or components");
    answers_clear(&a);
}

/* Of many neurons only the 32 that differ most get a weight. */
TEST(neuron_indicator, takes_few)
{
    enum { D = 50 };
    const mid_signals signals = signals_of(1, D);
    const mid_monitor_ops *ops = mid_monitor_find("neuron_indicator");
    answers a = { .n = 0 };
    const float *w;
    mid_weights *weights;
    mid_fit_set set;
    float h[D];
    int i, j, n = 0;

    for (i = 0; i < 40; i++) {
        mid_trace *t = trace_open(&signals, "p", NULL);
        for (j = 0; j < D; j++)
            h[j] = (float)((i * 7 + j * 3) % 11) + (float)(i % 2 * j) / 10;
        trace_put(t, "x", -1, 1, h);
        answers_put(&a, t, i % 2);
    }
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, NULL, &set, &weights));
    CHECK_OK(mid_weights_expect(test_ctx(), weights, "w", 1, D, &w));
    for (j = 0; j < D; j++)
        n += w[j] != 0;
    CHECK_INT(n, 32);
    CHECK(w[D - 1] > 0);
    mid_weights_close(weights);
    answers_clear(&a);
}
