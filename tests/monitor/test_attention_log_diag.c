/* Two heads in each of three layers. Layer 1's give the token itself e^-1 and e^-2, then e^-2 and nothing (1e-12). */
#include "hand_weights.h"

TEST(attention_log_diag, golden)
{
    const mid_signals signals = signals_of(1, 1);
    const double first = -3, second = -2 + log(1e-12);
    float attention[N_HEAD * MID_ATTENTION_N];
    const mid_step step = { .have = MID_SIG_ATTENTION, .attention = attention };
    mid_weights *w = hand_weights("attention_log_diag", NULL);
    mid_monitor *m;
    mid_stream *s;
    int k;

    for (k = 0; k < N_HEAD * MID_ATTENTION_N; k++)
        attention[k] = 0.9f;            /* other heads and figures do not matter */
    put_number(w, "layer", 1);
    put_number(w, "orientation", -1);
    m = hand_monitor(w, "attention_log_diag", &signals);
    s = stream_of(m, NULL);
    attention[2 * MID_ATTENTION_N + MID_ATTENTION_SELF] = expf(-1);
    attention[3 * MID_ATTENTION_N + MID_ATTENTION_SELF] = expf(-2);
    CHECK_NEAR(push(s, &step), -first, 1e-6);
    attention[2 * MID_ATTENTION_N + MID_ATTENTION_SELF] = expf(-2);
    attention[3 * MID_ATTENTION_N + MID_ATTENTION_SELF] = 0;
    CHECK_NEAR(push(s, &step), -(first + second) / 2, 1e-6);
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* Only layer 2 tells the classes apart. */
TEST(attention_log_diag, layer_and_sign_are_fitted)
{
    const mid_signals signals = signals_of(1, 1);
    const mid_monitor_ops *ops = mid_monitor_find("attention_log_diag");
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;
    int i, t, k;

    for (i = 0; i < 20; i++) {
        mid_trace *trace = trace_open(&signals, "p", NULL);
        for (t = 0; t < 4; t++) {
            float attention[N_HEAD * MID_ATTENTION_N];
            const mid_step step = { .have = MID_SIG_ATTENTION, .i_tok = (uint32_t)t, .attention = attention };
            for (k = 0; k < N_HEAD * MID_ATTENTION_N; k++)
                attention[k] = 0.5f;
            if (i % 2)
                attention[5 * MID_ATTENTION_N + MID_ATTENTION_SELF] = 0.25f;
            CHECK_OK(mid_trace_append(trace, &step));
        }
        answers_put(&a, trace, i % 2);
    }
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w));
    CHECK_NEAR(mid_weights_number(w, "layer"), 2, 0);
    CHECK_NEAR(mid_weights_number(w, "orientation"), -1, 0);
    mid_weights_close(w);
    param_refused("attention_log_diag", &a, (mid_param){ "layer", 3, NULL, NULL }, "layer 3");
    answers_clear(&a);
}
