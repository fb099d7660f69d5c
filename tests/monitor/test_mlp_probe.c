/* The dense net by hand: units that give |x| of the mean row's first value, then ReLU(|x| - 1), then twice that plus
 * 1/4. */
#include "learned.h"

enum { D = 2, WIDTH_1 = 256, WIDTH_2 = 128, WIDTH_3 = 64 };

static float zero[WIDTH_1 * WIDTH_2];

static void put_layer(mid_weights *w, int l, const float *x, size_t n_in, size_t n_out, const float *bias)
{
    char name[8];

    snprintf(name, sizeof name, "w%d", l);
    put(w, name, x, n_in, n_out);
    snprintf(name, sizeof name, "b%d", l);
    put(w, name, bias, 1, n_out);
}

static mid_weights *by_hand(void)
{
    static float w1[D * WIDTH_1], w2[WIDTH_1 * WIDTH_2], w3[WIDTH_2 * WIDTH_3], w4[WIDTH_3], b3[WIDTH_3];
    static const float b4 = 0.25f;
    mid_weights *w = hand_weights("mlp_probe", NULL);

    w1[0] = 1;                          /* from x_0 to unit 0 */
    w1[1] = -1;                         /* from x_0 to unit 1 */
    w2[0] = w2[WIDTH_2] = 1;            /* from units 0 and 1 to unit 0 */
    w3[0] = 1;
    b3[0] = -1;
    w4[0] = 2;
    put_layer(w, 1, w1, D, WIDTH_1, zero);
    put_layer(w, 2, w2, WIDTH_1, WIDTH_2, zero);
    put_layer(w, 3, w3, WIDTH_2, WIDTH_3, b3);
    put_layer(w, 4, w4, WIDTH_3, 1, &b4);
    put_number(w, "layer", 0);
    return w;
}

TEST(mlp_probe, golden)
{
    static const float h[][D] = { { 3, 9 }, { -5, 9 }, { -10, 9 }, { 16, 9 } };     /* means 3, -1, -4, 1 */
    static const double want[] = { 4.25, 0.25, 6.25, 0.25 };
    const mid_signals signals = signals_of(1, D);
    mid_monitor *m = hand_monitor(by_hand(), "mlp_probe", &signals);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 4; i++) {
        const mid_step step = hidden_step(i, h[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-6);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(mlp_probe, learns_what_no_line_tells)
{
    const mid_signals signals = signals_of(1, D);

    CHECK(learned_auroc("mlp_probe", NULL, &signals, write_crossed, TASK_SEED, NULL) > 0.9);
    CHECK(learned_auroc("probe_linear", NULL, &signals, write_crossed, TASK_SEED, NULL) < 0.7);
}

TEST(mlp_probe, refuses)
{
    static const char *const tensor[] = { "w1", "b1", "w2", "b2", "w3", "b3", "w4", "b4" };
    const mid_signals signals = signals_of(1, D), wide = signals_of(1, D + 1);
    mid_weights *w;
    size_t i;

    for (i = 0; i < sizeof tensor / sizeof tensor[0]; i++) {
        w = by_hand();
        put(w, tensor[i], zero, 3, 5);
        hand_refused(w, "mlp_probe", &signals, MID_EFORMAT, tensor[i]);
    }
    hand_refused(by_hand(), "mlp_probe", &wide, MID_EFORMAT, "w1");
    w = by_hand();
    put_number(w, "layer", 3);
    hand_refused(w, "mlp_probe", &signals, MID_ESIGNAL, "layer 3");
}
