/* The polynomial by hand: y_1 = x_0 + 1/2,  y_2 = y_1 + (x_0 + x_1 + 1)^2 / 2,  y_3 = y_2 - x_1^3, x the mean row. */
#include "learned.h"

enum { RANK = 16, D = 2 };

static mid_weights *by_hand(double order, double margin)
{
    const mid_param changed[] = { { "order", order, NULL, NULL }, { "margin", margin, NULL, NULL },
                                  { NULL, 0, NULL, NULL } };
    static const float w_hand[] = { 1, 0 }, b = 0.5f;
    float u[2 * RANK][D] = { { 1, 1 } }, c[2 * RANK] = { 1 }, lambda[2 * RANK] = { 0.5f };
    mid_weights *w = hand_weights("polynomial_probe", changed);

    u[RANK][1] = 1;
    lambda[RANK] = -1;
    put(w, "w", w_hand, 1, D);
    put(w, "b", &b, 1, 1);
    if (order > 1) {
        put(w, "u", u[0], RANK * (size_t)(order - 1), D);
        put(w, "c", c, 1, RANK * (size_t)(order - 1));
        put(w, "lambda", lambda, 1, RANK * (size_t)(order - 1));
    }
    put_number(w, "layer", 0);
    return w;
}

/* Means (1, 2): y = 3/2, 19/2, 3/2.  Means (-1, 1): y = -1/2, 0, -1. */
static void check_scores(double order, double margin, double first, double second)
{
    static const float h[][D] = { { 1, 2 }, { -3, 0 } };
    const mid_signals signals = signals_of(1, D);
    mid_monitor *m = hand_monitor(by_hand(order, margin), "polynomial_probe", &signals);
    mid_stream *s = stream_of(m, NULL);
    mid_step step = hidden_step(0, h[0]);

    CHECK_NEAR(push(s, &step), first, 1e-12);
    step = hidden_step(1, h[1]);
    CHECK_NEAR(push(s, &step), second, 1e-12);
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(polynomial_probe, orders)
{
    check_scores(1, 0, 1.5, -0.5);
    check_scores(2, 0, 9.5, 0);
    check_scores(3, 0, 1.5, -1);
}

TEST(polynomial_probe, margin_stops_early)
{
    check_scores(3, 1, 1.5, -1);        /* sure at once; never sure */
    check_scores(3, 5, 9.5, -1);        /* sure at the second order */
    check_scores(3, 0.4, 1.5, -0.5);    /* sure at once, on either side of 0 */
    check_scores(2, 1.5, 9.5, 0);       /* on the margin is not beyond it */
}

TEST(polynomial_probe, learns_what_no_line_tells)
{
    static const mid_param line[] = { { "order", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, D);

    CHECK(learned_auroc("polynomial_probe", NULL, &signals, write_crossed, TASK_SEED, NULL) > 0.9);
    CHECK(learned_auroc("polynomial_probe", line, &signals, write_crossed, TASK_SEED, NULL) < 0.7);
}

TEST(polynomial_probe, refuses)
{
    static const char *const tensor[] = { "w", "b", "u", "c", "lambda" };
    static const float strange[15];
    const mid_signals signals = signals_of(1, D);
    answers a = { .n = 0 };
    mid_weights *w;
    size_t i;

    for (i = 0; i < sizeof tensor / sizeof tensor[0]; i++) {
        w = by_hand(3, 0);
        put(w, tensor[i], strange, 3, 5);
        hand_refused(w, "polynomial_probe", &signals, MID_EFORMAT, tensor[i]);
    }
    w = by_hand(2, 0);                  /* the file says order 3, and holds the tensors of order 2 */
    put_number(w, "param.order", 3);
    hand_refused(w, "polynomial_probe", &signals, MID_EFORMAT, "u");
    w = by_hand(3, 0);
    put_number(w, "param.order", 6);
    hand_refused(w, "polynomial_probe", &signals, MID_EINVAL, "order 6");
    w = by_hand(3, 0);
    put_number(w, "layer", 3);
    hand_refused(w, "polynomial_probe", &signals, MID_ESIGNAL, "layer 3");
    put_task(&a, &signals, write_crossed, 4, TASK_SEED, 3);
    param_refused("polynomial_probe", &a, (mid_param){ "order", 0, NULL, NULL }, "order 0");
    param_refused("polynomial_probe", &a, (mid_param){ "order", 2.5, NULL, NULL }, "order 2.5");
    param_refused("polynomial_probe", &a, (mid_param){ "margin", -1, NULL, NULL }, "margin -1");
    answers_clear(&a);
}
