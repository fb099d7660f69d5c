/* Four layers; SAME_TOP 0 1 1 1 settles at the second (share 1/4), 1 0 1 1 at the third (2/4), 1 1 1 0 never (4/4),
 * 1 1 1 1 at once (0). */
#include "hand_weights.h"

TEST(lens_depth, golden)
{
    static const int same[][4] = { { 0, 1, 1, 1 }, { 1, 0, 1, 1 }, { 1, 1, 1, 0 }, { 1, 1, 1, 1 } };
    const double depth[] = { 0.25, 0.5, 1, 0 };
    const mid_signals signals = signals_of(4, 1);
    mid_weights *w = hand_weights("lens_depth", NULL);
    mid_monitor *m;
    mid_stream *s;
    double sum = 0;
    int i, l;

    put_number(w, "orientation", 1);
    m = hand_monitor(w, "lens_depth", &signals);
    s = stream_of(m, NULL);
    for (i = 0; i < 4; i++) {
        float lens[4 * MID_LENS_N] = { 0 };
        const mid_step step = { .have = MID_SIG_LENS, .i_tok = (uint32_t)i, .lens = lens };
        for (l = 0; l < 4; l++)
            lens[l * MID_LENS_N + MID_LENS_SAME_TOP] = (float)same[i][l];
        sum += depth[i];
        CHECK_NEAR(push(s, &step), sum / (i + 1), 1e-15);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(lens_depth, sign_is_fitted)
{
    const mid_signals signals = signals_of(3, 1);
    const float h[3] = { 0, 0, 0 };
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;
    int i, t;

    for (i = 0; i < 20; i++) {          /* traces.h: layer l agrees where l + 2 > entropy; unsafe answers settle late */
        mid_trace *trace = trace_open(&signals, "p", h);
        for (t = 0; t < 4; t++)
            trace_put(trace, "x", -1, (float)((i + t) % 2) + (i % 2 ? 2.5f : 0.5f), h);
        answers_put(&a, trace, i % 2);
    }
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("lens_depth"), NULL, &set, &w));
    CHECK_NEAR(mid_weights_number(w, "orientation"), 1, 0);
    mid_weights_close(w);
    answers_clear(&a);
}
