/* Areas by hand. Layers 0, 4, 6 with weights of the trapezoid rule over all: (4/2, 4/2 + 2/2, 2/2) / 6 = 1/3, 1/2, 1/6. */
#include "hand_weights.h"

static mid_signals three_layers(void)
{
    mid_signals s = signals_of(3, 1);

    s.layer[1] = 4;
    s.layer[2] = 6;
    return s;
}

TEST(hidden_detect, golden)
{
    const mid_signals signals = three_layers();
    const float area[] = { 1.0f / 3, 0.5f, 1.0f / 6 }, cosine[][3] = { { 0.3f, 0.2f, 0.6f }, { 0, 0.4f, 0 } };
    const double want[] = { -0.3, -0.25 };      /* .1 + .1 + .1; then the mean with .2 */
    mid_weights *w = hand_weights("hidden_detect", NULL);
    mid_monitor *m;
    mid_stream *s;
    int i, l;

    put(w, "area", area, 1, 3);
    put_number(w, "orientation", -1);
    m = hand_monitor(w, "hidden_detect", &signals);
    s = stream_of(m, NULL);
    for (i = 0; i < 2; i++) {
        float lens[3 * MID_LENS_N] = { 0 };
        const mid_step step = { .have = MID_SIG_LENS, .i_tok = (uint32_t)i, .lens = lens };
        for (l = 0; l < 3; l++)
            lens[l * MID_LENS_N + MID_LENS_REFUSAL_COS] = cosine[i][l];
        CHECK_NEAR(push(s, &step), want[i], 1e-7);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* An answer of one token whose layers lean so. */
static void put_leaning(answers *a, const mid_signals *signals, float first, float second, float last, int label)
{
    float lens[3 * MID_LENS_N] = { 0 };
    mid_step step = { .have = MID_SIG_LENS, .lens = lens };
    mid_trace *t = trace_open(signals, "p", NULL);

    lens[MID_LENS_REFUSAL_COS] = first;
    lens[MID_LENS_N + MID_LENS_REFUSAL_COS] = second;
    lens[2 * MID_LENS_N + MID_LENS_REFUSAL_COS] = last;
    CHECK_OK(mid_trace_append(t, &step));
    answers_put(a, t, label);
}

/* Gaps .4, .3 and .1: the first two layers beat the last and are kept, each with half of their span. Refusing marks safe. */
TEST(hidden_detect, keeps_layers_that_beat_the_last)
{
    const mid_signals signals = three_layers();
    const mid_monitor_ops *ops = mid_monitor_find("hidden_detect");
    answers a = { .n = 0 };
    const float *area;
    mid_weights *w;
    mid_fit_set set;
    int i;

    for (i = 0; i < 10; i++) {
        put_leaning(&a, &signals, 0.5f, 0.4f, 0.2f, 0);
        put_leaning(&a, &signals, 0.1f, 0.1f, 0.1f, 1);
    }
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w));
    CHECK_OK(mid_weights_expect(test_ctx(), w, "area", 1, 3, &area));
    CHECK_NEAR(area[0], 0.5, 1e-7);
    CHECK_NEAR(area[1], 0.5, 1e-7);
    CHECK_NEAR(area[2], 0, 0);
    CHECK_NEAR(mid_weights_number(w, "orientation"), -1, 0);
    mid_weights_close(w);
    answers_clear(&a);
    for (i = 0; i < 10; i++) {          /* no layer beats the last: it stands alone */
        put_leaning(&a, &signals, 0.1f, 0.1f, 0.5f, 1);
        put_leaning(&a, &signals, 0.1f, 0.1f, 0.1f, 0);
    }
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w));
    CHECK_OK(mid_weights_expect(test_ctx(), w, "area", 1, 3, &area));
    CHECK(area[0] == 0 && area[1] == 0 && area[2] == 1);
    CHECK_NEAR(mid_weights_number(w, "orientation"), 1, 0);
    mid_weights_close(w);
    answers_clear(&a);
}
