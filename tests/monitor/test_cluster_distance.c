/* Clusters by hand: two centres at (0, 0) with radius 2 and (10, 0) with radius 4. */
#include "hand_weights.h"

static mid_weights *by_hand(void)
{
    const float centre[] = { 0, 0, 10, 0 }, radius[] = { 2, 4 };
    mid_weights *w = hand_weights("cluster_distance", NULL);

    put(w, "centre", centre, 2, 2);
    put(w, "radius", radius, 1, 2);
    put_number(w, "layer", 0);
    return w;
}

TEST(cluster_distance, golden)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[][2] = { { 0, 1 }, { 10, -4 }, { 5, 0 }, { 0, 0 } };
    const double near[] = { 0.5, 1, 1.25, 0 };  /* (5, 0): 5/2 from the first centre, 5/4 from the second */
    mid_monitor *m = hand_monitor(by_hand(), "cluster_distance", &signals);
    mid_stream *s = stream_of(m, NULL);
    double sum = 0;
    uint32_t i;

    for (i = 0; i < 4; i++) {
        const mid_step step = hidden_step(i, h[i]);
        sum += near[i];
        CHECK_NEAR(push(s, &step), sum / (i + 1), 1e-15);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* Two clumps of safe rows and unsafe rows between them: a box around all would not see them. */
TEST(cluster_distance, sees_between_clumps)
{
    const mid_signals signals = signals_of(1, 2);
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    int i;

    for (i = 0; i < 60; i++)
        put_row2(&a, &signals, (float)(i % 2 * 100 + i % 5), (float)(i % 7), 0);
    for (i = 0; i < 20; i++)
        put_row2(&a, &signals, 50 + (float)(i % 3), (float)(i % 7), 1);
    m = monitor_of("cluster_distance", NULL, &a, &signals);
    s = stream_of(m, NULL);
    CHECK(push(s, &(mid_step){ .have = MID_SIG_HIDDEN, .hidden = (const float[]){ 2, 3 } }) < 1);
    CHECK_OK(mid_stream_start(s, NULL));
    CHECK(push(s, &(mid_step){ .have = MID_SIG_HIDDEN, .hidden = (const float[]){ 102, 3 } }) < 1);
    CHECK_OK(mid_stream_start(s, NULL));
    CHECK(push(s, &(mid_step){ .have = MID_SIG_HIDDEN, .hidden = (const float[]){ 50, 3 } }) > 5);
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

TEST(cluster_distance, refuses_bad_weights)
{
    const mid_signals signals = signals_of(1, 2);
    const float zero[] = { 0, 1 }, wide[] = { 1, 2, 3 };
    mid_weights *w = by_hand();

    put(w, "radius", zero, 1, 2);
    hand_refused(w, "cluster_distance", &signals, MID_EFORMAT, "radius 0 of cluster 0");
    w = by_hand();
    put(w, "centre", wide, 1, 3);
    hand_refused(w, "cluster_distance", &signals, MID_EFORMAT, "'centre'");
}
