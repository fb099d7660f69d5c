/* Replaying fit answers through a monitor gives what its scores give: entropy_mean on answers of known entropy. */
#include "traces.h"

#include "monitor/replay.h"

static mid_status open_nothing(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, const mid_signals *signals,
                               void **plan)
{
    (void)ctx; (void)weights; (void)params; (void)signals;
    *plan = NULL;
    return MID_OK;
}

static void close_nothing(void *plan) { (void)plan; }

TEST(replay, mean_over_horizons)
{
    const mid_signals signals = signals_of(1, 1);
    mid_monitor_ops ops = *mid_monitor_find("entropy_mean");
    answers a = { .n = 0 };
    mid_fit_set set;
    double auroc;
    int i, t;

    for (i = 0; i < 10; i++) {          /* the first token says nothing, from the second on unsafe ones are higher */
        mid_trace *trace = trace_open(&signals, "p", NULL);
        for (t = 0; t < 4; t++)
            trace_put(trace, "x", -1, t && i % 2 ? 2 : 1, (const float[]){ 0 });
        answers_put(&a, trace, i % 2);
    }
    ops.open = open_nothing;
    ops.close = close_nothing;
    set = set_of(&a);
    CHECK_OK(mid__replay_auroc(test_ctx(), &ops, &set, NULL, NULL, &auroc));
    CHECK_NEAR(auroc, (0.5 + 1 + 1) / 3, 1e-12);        /* after 1, 2 and 4 tokens; nobody went further */
    answers_clear(&a);
}
