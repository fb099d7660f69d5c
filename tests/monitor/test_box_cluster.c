/* Two boxes by hand: [0, 2] x [0, 1] of widths 2 and 1, and [10, 14] x [0, 1] of widths 4 and 1. */
#include "hand_weights.h"

static mid_weights *by_hand(void)
{
    const float lo[] = { 0, 0, 10, 0 }, hi[] = { 2, 1, 14, 1 }, width[] = { 2, 1, 4, 1 };
    mid_weights *w = hand_weights("box_cluster", NULL);

    put(w, "lo", lo, 2, 2);
    put(w, "hi", hi, 2, 2);
    put(w, "width", width, 2, 2);
    put_number(w, "layer", 0);
    return w;
}

TEST(box_cluster, golden)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[][2] = { { 1, 0.5f }, { 3, 1 }, { 9, -1 }, { 14, 1 } };
    /* inside; (3 - 2) / 2 over two dimensions; (10 - 9) / 4 + 1 / 1 of the second box; on the border */
    const double far[] = { 0, 0.25, 0.625, 0 };
    mid_monitor *m = hand_monitor(by_hand(), "box_cluster", &signals);
    mid_stream *s = stream_of(m, NULL);
    double sum = 0;
    uint32_t i;

    for (i = 0; i < 4; i++) {
        const mid_step step = hidden_step(i, h[i]);
        sum += far[i];
        CHECK_NEAR(push(s, &step), sum / (i + 1), 1e-15);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* What `box` cannot see: rows between two clumps lie inside the one box around both. */
TEST(box_cluster, sees_between_clumps)
{
    const mid_signals signals = signals_of(1, 2);
    const float between[2] = { 50, 3 };
    const mid_step step = hidden_step(0, between);
    static const char *const name[] = { "box", "box_cluster" };
    double score[2];
    answers a = { .n = 0 };
    int i;

    for (i = 0; i < 60; i++)
        put_row2(&a, &signals, (float)(i % 2 * 100 + i % 5), (float)(i % 7), 0);
    for (i = 0; i < 20; i++)
        put_row2(&a, &signals, 50 + (float)(i % 3), (float)(i % 7), 1);
    for (i = 0; i < 2; i++) {
        mid_monitor *m = monitor_of(name[i], NULL, &a, &signals);
        mid_stream *s = stream_of(m, NULL);
        score[i] = push(s, &step);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    CHECK_NEAR(score[0], 0, 0);
    CHECK(score[1] > 1);
    answers_clear(&a);
}

TEST(box_cluster, refuses_bad_weights)
{
    const mid_signals signals = signals_of(1, 2);
    const float zero[] = { 2, 1, 0, 1 };
    mid_weights *w = by_hand();

    put(w, "width", zero, 2, 2);
    hand_refused(w, "box_cluster", &signals, MID_EFORMAT, "width 0 of box 1");
}

/* Wide rows go through vectors of 16 values and a rest of 5: one box [0, 1]^21 of width 2, two values of three lie j / 8
 * above or below it. */
TEST(box_cluster, wide_rows)
{
    enum { D = 21 };
    const mid_signals signals = signals_of(1, D);
    float lo[D] = { 0 }, hi[D], width[D], h[D];
    const mid_step step = hidden_step(0, h);
    mid_weights *w = hand_weights("box_cluster", NULL);
    mid_monitor *m;
    mid_stream *s;
    double want = 0;
    int j;

    for (j = 0; j < D; j++) {
        hi[j] = 1;
        width[j] = 2;
        h[j] = j % 3 == 0 ? 0.5f : j % 3 == 1 ? 1 + (float)j / 8 : -(float)j / 8;
        want += j % 3 ? j / 8.0 / 2 / D : 0;
    }
    put(w, "lo", lo, 1, D);
    put(w, "hi", hi, 1, D);
    put(w, "width", width, 1, D);
    put_number(w, "layer", 0);
    m = hand_monitor(w, "box_cluster", &signals);
    s = stream_of(m, NULL);
    CHECK_NEAR(push(s, &step), want, 1e-12);
    mid_stream_close(s);
    mid_monitor_close(m);
}
