/* The guard head by hand, and a task of single tokens. Of the 64 numbers of the map, one half is h_0 and the other h_1:
 * their mean is (h_0 + h_1) / 2 and their deviation |h_0 - h_1| / 2, so that x is +1 in one half, -1 in the other. */
#include "learned.h"

enum { WIDTH = 64, D = 2, N_MORE = 4 * WIDTH + 2 };

static const uint64_t seed = 20260301;

/* Margin .75 - .25 + 2 (x_0 + .5): 3.5 where h_0 > h_1 and -.5 where h_0 < h_1. */
static mid_weights *weights_for(const mid_param *changed)
{
    mid_weights *weights = hand_weights("two_head_guard", changed);
    float w[WIDTH * D] = { 0 }, b[WIDTH] = { 0 }, more[N_MORE] = { 0 };
    int j;

    for (j = 0; j < WIDTH; j++) {
        w[j * D + (j >= WIDTH / 2)] = 1;
        more[j] = 1;                            /* gain */
    }
    more[WIDTH] = 0.5f;                         /* shift of x_0 */
    more[2 * WIDTH] = -0.5f;                    /* safe's weight of x_0, and unsafe's */
    more[3 * WIDTH] = 1.5f;
    more[4 * WIDTH] = 0.25f;
    more[4 * WIDTH + 1] = 0.75f;
    put(weights, "w", w, WIDTH, D);
    put(weights, "b", b, 1, WIDTH);
    put(weights, "more", more, 1, N_MORE);
    put_number(weights, "layer", 0);
    return weights;
}

static mid_weights *weights_default(void) { return weights_for(NULL); }

TEST(two_head_guard, golden)
{
    static const float h[][D] = { { 3, 1 }, { 1, 3 }, { 5, 1 }, { 90, 1 }, { 2, 1 } };
    static const double n[] = { 1, 2, 3, 16 };
    static const double want[][5] = {
        { 3.5, -0.5, 3.5, 3.5, 3.5 }, { 3.5, -0.5, -0.5, 3.5, 3.5 }, { 3.5, -0.5, -0.5, -0.5, 3.5 },
        { 3.5, -0.5, -0.5, -0.5, -0.5 }
    };
    const mid_signals signals = signals_of(1, D);
    int i;
    uint32_t t;

    for (i = 0; i < 4; i++) {
        const mid_param params[] = { { "n", n[i], NULL, NULL }, { NULL, 0, NULL, NULL } };
        mid_weights *w = weights_for(params);
        mid_monitor *m;
        mid_stream *s;
        CHECK_OK(mid_monitor_open(test_ctx(), mid_monitor_find("two_head_guard"), params, w, &signals, &m));
        s = stream_of(m, NULL);
        for (t = 0; t < 5; t++) {
            const mid_step step = hidden_step(t, h[t]);
            CHECK_NEAR(push(s, &step), want[i][t], 1e-4);       /* off by the 1e-5 within the root */
        }
        mid_stream_close(s);
        mid_monitor_close(m);
        mid_weights_close(w);
    }
}

/* A row without any spread is its shift: the 1e-5 keeps it a number. */
TEST(two_head_guard, flat_row)
{
    static const float flat[D] = { 4, 4 };
    const mid_signals signals = signals_of(1, D);
    mid_monitor *m = hand_monitor(weights_default(), "two_head_guard", &signals);
    mid_stream *s = stream_of(m, NULL);
    const mid_step step = hidden_step(0, flat);

    CHECK_NEAR(push(s, &step), 0.5 + 2 * 0.5, 1e-6);
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* Rows point one way or the other and lie in noise. */
static void write_pointing(mid__rng *rng, mid_trace *t, int label)
{
    const int n = 4 + (int)mid__rng_below(rng, 20);
    int i;

    for (i = 0; i < n; i++) {
        const float h[4] = { around_zero(rng, 2) + (label ? 1.2f : -1.2f), around_zero(rng, 2) - (label ? 1.2f : -1.2f),
                             around_zero(rng, 2), around_zero(rng, 1) };
        trace_put(t, "x", -1, 1, h);
    }
}

TEST(two_head_guard, learns)
{
    const mid_signals signals = signals_of(1, 4);

    check_learns("two_head_guard", &signals, write_pointing, seed, 0.9);
}

TEST(two_head_guard, refuses)
{
    const mid_signals signals = signals_of(1, D);
    answers a = { .n = 0 };
    mid_weights *w = weights_default();
    int i;

    check_refuses(weights_default, "two_head_guard", &signals, "w", WIDTH, D);
    check_refuses(weights_default, "two_head_guard", &signals, "b", 1, WIDTH);
    check_refuses(weights_default, "two_head_guard", &signals, "more", 1, N_MORE);
    put_number(w, "layer", 7);
    hand_refused(w, "two_head_guard", &signals, MID_ESIGNAL, "layer 7");
    for (i = 0; i < 4; i++)
        put_row2(&a, &signals, (float)i, 1, i & 1);
    param_refused("two_head_guard", &a, (mid_param){ "n", 0, NULL, NULL }, "n 0");
    param_refused("two_head_guard", &a, (mid_param){ "n", 17, NULL, NULL }, "n 17");
    param_refused("two_head_guard", &a, (mid_param){ "n", 1.5, NULL, NULL }, "n 1.5");
    answers_clear(&a);
}
