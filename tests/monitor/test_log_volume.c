/* Volumes by hand. Rows (1, -1) and (-1, 1) less their means 0: products 2, -2, 2. jitter e = .001:
 *   one row   ln(2 + e)
 *   two rows  (1/2) ln((2 + e)^2 - 4) = (1/2) ln(4 e + e^2)
 * A row (3, 1) has mean 2, so it is (1, -1) once centred. */
#include "hand_weights.h"

#include "base/rng.h"

static mid_weights *by_hand(double orientation, double window)
{
    const mid_param changed[] = { { "window", window, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_weights *w = hand_weights("log_volume", changed);

    put_number(w, "layer", 0);
    put_number(w, "orientation", orientation);
    return w;
}

TEST(log_volume, golden)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[][2] = { { 3, 1 }, { -1, 1 }, { 3, 1 } };
    const double e = 1e-3;
    /* three rows alike but for their sign: eigenvalues 6 + e, e, e; with a window of two the first has left */
    const double want[2][3] = { { log(2 + e), log(4 * e + e * e) / 2, log((6 + e) * e * e) / 3 },
                                { log(2 + e), log(4 * e + e * e) / 2, log(4 * e + e * e) / 2 } };
    int k;
    uint32_t i;

    for (k = 0; k < 2; k++) {
        mid_monitor *m = hand_monitor(by_hand(k ? -1 : 1, k ? 2 : 3), "log_volume", &signals);
        mid_stream *s = stream_of(m, NULL);
        for (i = 0; i < 3; i++) {
            const mid_step step = hidden_step(i, h[i]);
            CHECK_NEAR(push(s, &step), k ? -want[k][i] : want[k][i], 1e-9);
        }
        mid_stream_close(s);
        mid_monitor_close(m);
    }
}

/* The sliding window gives what a stream gives that began with the window's rows. */
TEST(log_volume, forgets)
{
    enum { D = 6, N = 23, W = 8 };
    const mid_signals signals = signals_of(1, D);
    mid_monitor *m = hand_monitor(by_hand(1, W), "log_volume", &signals);
    mid_stream *s = stream_of(m, NULL), *late = stream_of(m, NULL);
    float h[N][D];
    double score = 0, again = 0;
    mid__rng rng;
    uint32_t i, j;

    mid__rng_init(&rng, 12, 0);
    for (i = 0; i < N; i++) {
        mid_step step = hidden_step(i, h[i]);
        for (j = 0; j < D; j++)
            h[i][j] = (float)((int)mid__rng_below(&rng, 256) - 128) / 32;       /* float16 values */
        score = push(s, &step);
    }
    for (i = N - W; i < N; i++) {
        const mid_step step = hidden_step(i, h[i]);
        again = push(late, &step);
    }
    CHECK_NEAR(score, again, 1e-9);
    CHECK(mid_stream_size(s) < 1000);
    mid_stream_close(s);
    mid_stream_close(late);
    mid_monitor_close(m);
}

/* Unsafe answers stay where they are, safe ones wander: volume is small where it is unsafe, and the sign is found. */
TEST(log_volume, sign_is_fitted)
{
    const mid_signals signals = signals_of(2, 4);
    const mid_monitor_ops *ops = mid_monitor_find("log_volume");
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;
    mid__rng rng;
    int i, t, j;

    mid__rng_init(&rng, 3, 0);
    for (i = 0; i < 40; i++) {
        mid_trace *trace = trace_open(&signals, "p", NULL);
        for (t = 0; t < 10; t++) {
            float h[8];
            for (j = 0; j < 8; j++)
                h[j] = (float)((mid__rng_unit(&rng) - 0.5) * (i % 2 && j >= 4 ? 0.1 : 4));     /* on layer 1 alone */
            trace_put(trace, "x", -1, 1, h);
        }
        answers_put(&a, trace, i % 2);
    }
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w));
    CHECK_NEAR(mid_weights_number(w, "orientation"), -1, 0);
    CHECK_NEAR(mid_weights_number(w, "layer"), 1, 0);
    CHECK(mid_weights_number(w, "orientation_auroc") > 0.99);
    mid_weights_close(w);
    param_refused("log_volume", &a, (mid_param){ "window", 65, NULL, NULL }, "window 65");
    answers_clear(&a);
}
