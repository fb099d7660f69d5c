/* Divergences 1, 3 of layer 0 and 4, 8 of layer 1, read at layer 1 with orientation -1: -4, -6. */
#include "hand_weights.h"

static mid_step lens_step(uint32_t i_tok, const float *lens)
{
    return (mid_step){ .have = MID_SIG_LENS, .i_tok = i_tok, .lens = lens };
}

TEST(lens_kl, golden)
{
    const mid_signals signals = signals_of(2, 1);
    const float lens[][2 * MID_LENS_N] = { { 1, 0, 0, 4, 0, 0 }, { 3, 0, 0, 8, 0, 0 } };
    const double want[] = { -4, -6 };
    mid_weights *w = hand_weights("lens_kl", NULL);
    mid_monitor *m;
    mid_stream *s;
    uint32_t i;

    put_number(w, "layer", 1);
    put_number(w, "orientation", -1);
    m = hand_monitor(w, "lens_kl", &signals);
    s = stream_of(m, NULL);
    for (i = 0; i < 2; i++) {
        const mid_step step = lens_step(i, lens[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-15);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* traces.h makes the divergence of layer l entropy / (l + 1), and unsafe answers are given less entropy here; noise on
 * layer 0 is larger by nothing, so either layer ranks alike and the first is kept. */
TEST(lens_kl, sign_is_fitted)
{
    const mid_signals signals = signals_of(2, 1);
    const float h[2] = { 0, 0 };
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;
    int i, t;

    for (i = 0; i < 20; i++) {
        mid_trace *trace = trace_open(&signals, "p", h);
        for (t = 0; t < 4; t++)
            trace_put(trace, "x", -1, 1 + (float)((i * 3 + t) % 4) + (i % 2 ? 0 : 2), h);
        answers_put(&a, trace, i % 2);
    }
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("lens_kl"), NULL, &set, &w));
    CHECK_NEAR(mid_weights_number(w, "orientation"), -1, 0);
    CHECK_NEAR(mid_weights_number(w, "layer"), 0, 0);
    mid_weights_close(w);
    answers_clear(&a);
}

/* Answers whose divergence on layer 0 ranks three in four pairs rightly, and on the last layer all of them, but is no
 * larger than a rounding error there. */
static void noisy_answers(int n_layer, answers *a)
{
    const mid_signals signals = signals_of(n_layer, 1);
    int i;
    uint32_t t;

    for (i = 0; i < 20; i++) {
        const float lens[2 * MID_LENS_N] = { n_layer > 1 ? 1 + (float)(i % 4) : 1e-6f * (float)(i % 2), 0, 0,
                                             1e-6f * (float)(i % 2), 1, 0 };
        const float h[2] = { 0, 0 };
        mid_trace *trace = trace_open(&signals, "p", h);
        for (t = 0; t < 4; t++) {
            const mid_step step = lens_step(t, lens);
            CHECK_OK(mid_trace_append(trace, &step));
        }
        answers_put(a, trace, i % 2);
    }
}

/* A run once chose the model's last layer, whose lens is the prediction itself. */
TEST(lens_kl, rounding_is_no_divergence)
{
    answers a = { .n = 0 };
    const mid_param last[] = { { "layer", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_weights *w;
    mid_fit_set set;

    noisy_answers(2, &a);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("lens_kl"), NULL, &set, &w));
    CHECK_NEAR(mid_weights_number(w, "layer"), 0, 0);
    mid_weights_close(w);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find("lens_kl"), last, &set, &w), MID_EUNDEFINED);
    answers_clear(&a);
    noisy_answers(1, &a);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find("lens_kl"), NULL, &set, &w), MID_EUNDEFINED);
    answers_clear(&a);
}
