/* The streaming probe by hand: two layers of one value each, z = h^0 + 2 h^1 + 1/2, and a moving average of which the
 * largest value counts. */
#include "learned.h"

static const mid_param half[] = { { "beta", 0.5, NULL, NULL }, { NULL, 0, NULL, NULL } };

/* layers (n): those that the weights name, in their order. */
static mid_weights *by_hand(const float *layers, size_t n)
{
    static const float w_hand[] = { 1, 2 }, b = 0.5f;
    mid_weights *w = hand_weights("probe_streaming", half);

    put(w, "w", w_hand, 1, 2);
    put(w, "b", &b, 1, 1);
    put(w, "layers", layers, 1, n);
    return w;
}

static void check_scores(const float *layers, const float (*h)[2], const double *want, uint32_t n)
{
    const mid_signals signals = signals_of(2, 1);
    mid_monitor *m = hand_monitor(by_hand(layers, 2), "probe_streaming", &signals);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < n; i++) {
        const mid_step step = hidden_step(i, h[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-12);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(probe_streaming, golden)
{
    static const float h[][2] = { { 1, 0 }, { 0, 1 }, { -1, -1 }, { 4, 4 } };   /* z = 3/2, 5/2, -5/2, 25/2 */
    static const double want[] = { 1.5, 2, 2, 6.125 };                          /* e = 3/2, 2, -1/4, 49/8 */
    static const float upright[] = { 0, 1 }, swapped[] = { 1, 0 };
    static const double want_swapped[] = { 2.5, 2.5, 2.5, 6.125 };              /* z = 5/2, 3/2, -5/2, 25/2 */

    check_scores(upright, h, want, 4);
    check_scores(swapped, h, want_swapped, 4);
}

/* A first token that is very negative is not the largest for long, and no floor at 0 hides it. */
TEST(probe_streaming, starts_from_the_first_token)
{
    static const float h[][2] = { { -8, -1 }, { 0, 0 } };
    static const float upright[] = { 0, 1 };
    static const double want[] = { -9.5, -4.5 };

    check_scores(upright, h, want, 2);
}

/* Unsafe answers show it in four tokens only, and only in both layers together. */
static void write(mid__rng *rng, mid_trace *t, int label)
{
    const uint32_t n_tok = some_tok(rng);
    uint32_t i;

    for (i = 0; i < n_tok; i++) {
        const float shown = label && i >= 2 && i < 6 ? 2 : 0;
        float h[2];
        h[0] = about_normal(rng);
        h[1] = shown + about_normal(rng) / 2 - h[0];
        trace_put(t, "x", -1, 1, h);
    }
}

TEST(probe_streaming, learns)
{
    static const mid_param half_flat[] = { { "beta", 0.5, NULL, NULL }, { "through", 0, NULL, NULL },
                                           { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(2, 1);

    CHECK(learned_auroc("probe_streaming", half, &signals, write, TASK_SEED, NULL) > 0.9);
    CHECK(learned_auroc("probe_streaming", half_flat, &signals, write, TASK_SEED, NULL) > 0.9);
}

TEST(probe_streaming, refuses)
{
    static const float upright[] = { 0, 1, 0 }, strange[] = { 0, 7 };
    static float many[MID_LAYER_MAX + 1];
    const mid_signals signals = signals_of(2, 1);
    answers a = { .n = 0 };

    hand_refused(by_hand(upright, 3), "probe_streaming", &signals, MID_EFORMAT, "w");
    hand_refused(by_hand(many, MID_LAYER_MAX + 1), "probe_streaming", &signals, MID_EFORMAT, "names 65 layers");
    hand_refused(by_hand(strange, 2), "probe_streaming", &signals, MID_ESIGNAL, "layer 7");
    put_task(&a, &signals, write, 4, TASK_SEED, 3);
    param_refused("probe_streaming", &a, (mid_param){ "beta", 1, NULL, NULL }, "beta 1");
    param_refused("probe_streaming", &a, (mid_param){ "beta", NAN, NULL, NULL }, "beta");
    param_refused("probe_streaming", &a, (mid_param){ "through", 2, NULL, NULL }, "through 2");
    answers_clear(&a);
}
