/* w = (2, -1), b = 1 on layer 1 of two: rows (1, 0) and (0, 3) give 3 and -2, means 3 and 1/2. */
#include "hand_weights.h"

#include "monitor/linear.h"
#include "monitor/running.h"

TEST(linear, golden)
{
    const mid_signals signals = signals_of(2, 2);
    const float h[][4] = { { 9, 9, 1, 0 }, { 9, 9, 0, 3 }, { 9, 9, NAN, 0 } };
    float w[] = { 2, -1 };
    mid_weights *weights = hand_weights("td_forecast", NULL);
    mid__running state = { 0 };
    double score = 42;
    void *plan;
    uint32_t i;

    CHECK_OK(mid__linear_keep(test_ctx(), &(mid__linear){ w, 1 }, 2, weights));
    put_number(weights, "layer", 1);
    CHECK_OK(mid__row_open(test_ctx(), "x", weights, &signals, &mid__linear_method, &plan));
    for (i = 0; i < 2; i++) {
        const mid_step step = hidden_step(i, h[i]);
        CHECK_OK(mid__row_push(plan, &state, &step, &score));
        CHECK_NEAR(score, i ? 0.5 : 3, 1e-15);
    }
    CHECK_FAILS(mid__row_push(plan, &state, &(mid_step){ .hidden = h[2] }, &score), MID_ENUMERIC);
    CHECK_INT(state.n, 2);
    put_number(weights, "layer", 2);
    mid__row_close(plan);
    CHECK_FAILS(mid__row_open(test_ctx(), "x", weights, &signals, &mid__linear_method, &plan), MID_ESIGNAL);
    mid_weights_close(weights);
}
