/* perplexity. By hand: p = 1/2, 1/8 have the geometric mean 1/4. */
#include "traces.h"

static const mid_signals grey = { .have = MID_SIG_LOGPROB };

static mid_step step_of(uint32_t i_tok, float lp)
{
    return (mid_step){ .have = MID_SIG_LOGPROB, .i_tok = i_tok, .lp = lp };
}

TEST(perplexity, golden)
{
    mid_monitor *m = monitor_of("perplexity", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    const mid_step half = step_of(0, logf(0.5f)), eighth = step_of(1, logf(0.125f)), sure = step_of(2, 0);

    CHECK_NEAR(push(s, &half), 2, 1e-6);
    CHECK_NEAR(push(s, &eighth), 4, 1e-6);
    CHECK_NEAR(push(s, &sure), 2.5198420998, 1e-6);     /* 16^(1/3) */
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(perplexity, stays_a_number)
{
    mid_monitor *m = monitor_of("perplexity", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    const mid_step never = step_of(0, -1e30f);

    CHECK_NEAR(push(s, &never), exp(700), 0);
    mid_stream_close(s);
    mid_monitor_close(m);
}
