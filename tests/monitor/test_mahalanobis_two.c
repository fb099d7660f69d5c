/* Two clouds by hand: the first around (0, 0) with whitening diag(1, 1/2), the other around (4, 0) with diag(1/2, 1), so
 * that MD^2 of (x, y) is x^2 + y^2/4 from the first and (x - 4)^2/4 + y^2 from the other. */
#include "hand_weights.h"

static mid_weights *by_hand(const char *name, const mid_param *changed)
{
    const float mu[] = { 0, 0 }, whiten[] = { 1, 0, 0, 0.5f }, mu_other[] = { 4, 0 }, whiten_other[] = { 0.5f, 0, 0, 1 };
    mid_weights *w = hand_weights(name, changed);

    put(w, "mu", mu, 1, 2);
    put(w, "whiten", whiten, 2, 2);
    put(w, "mu_other", mu_other, 1, 2);
    put(w, "whiten_other", whiten_other, 2, 2);
    put_number(w, "layer", 0);
    return w;
}

TEST(mahalanobis_two, relative_golden)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[][2] = { { 0, 0 }, { 4, 2 }, { 2, 0 } };
    /* 0 - 4, (16 + 1) - 4 and 4 - 1; (4, 2) is 4 from the other cloud: 2^2. Means of -4, 13, 3 */
    const double want[] = { -4, 4.5, 4 };
    mid_monitor *m = hand_monitor(by_hand("mahalanobis_relative", NULL), "mahalanobis_relative", &signals);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 3; i++) {
        const mid_step step = hidden_step(i, h[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-15);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* x_t = |row| from the first less half its distance from 4: rows (x, 0) give |x| - |x - 4| / 2. Windows of 2, 2 in a row. */
TEST(mahalanobis_two, traj_guard_golden)
{
    const mid_param changed[] = { { "window", 2, NULL, NULL }, { "in_a_row", 2, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, 2);
    const float x[] = { 0, 4, 4, 0, 0 };        /* values -2, 4, 4, -2, -2; window means -2, 1, 4, 1, -2 */
    const double want[] = { -2, -2, 1, 1, -2 };
    mid_monitor *m = hand_monitor(by_hand("traj_guard", changed), "traj_guard", &signals);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 5; i++) {
        const float h[2] = { x[i], 0 };
        const mid_step step = hidden_step(i, h);
        CHECK_NEAR(push(s, &step), want[i], 1e-15);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* Fitted on two clouds, rows of either are told apart, and a row far from both is not called unsafe for being far. */
TEST(mahalanobis_two, told_apart)
{
    static const char *const name[] = { "mahalanobis_relative", "traj_guard" };
    const mid_signals signals = signals_of(1, 2);
    const float safe[2] = { 1, 2 }, unsafe[2] = { 9, 2 };
    answers a = { .n = 0 };
    int i;

    for (i = 0; i < 50; i++) {
        put_row2(&a, &signals, (float)(i % 3), (float)(i % 5), 0);
        put_row2(&a, &signals, 8 + (float)(i % 3), (float)(i % 5), 1);
    }
    for (i = 0; i < 2; i++) {
        mid_monitor *m = monitor_of(name[i], NULL, &a, &signals);
        mid_stream *s = stream_of(m, NULL);
        mid_step step = hidden_step(0, safe);
        CHECK(push(s, &step) < 0);
        CHECK_OK(mid_stream_start(s, NULL));
        step = hidden_step(0, unsafe);
        CHECK(push(s, &step) > 0);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    param_refused("traj_guard", &a, (mid_param){ "window", 65, NULL, NULL }, "window 65");
    param_refused("traj_guard", &a, (mid_param){ "in_a_row", 0, NULL, NULL }, "in_a_row 0");
    answers_clear(&a);
}

TEST(mahalanobis_two, undefined)
{
    const mid_signals signals = signals_of(1, 2);
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_fit_set set;

    put_row2(&a, &signals, 1, 2, 0);
    put_row2(&a, &signals, 2, 1, 0);
    put_row2(&a, &signals, 5, 1, 0);
    put_row2(&a, &signals, 9, 9, 1);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find("traj_guard"), NULL, &set, &w), MID_EUNDEFINED);
    CHECK_SAYS("1 unsafe rows");
    answers_clear(&a);
}
