/* pmi, by hand: what the prompt adds to ln p, with a minus. */
#include "traces.h"

static const mid_signals grey = { .have = MID_SIG_LOGPROB | MID_SIG_ALONE };

static mid_step step_of(uint32_t i_tok, float lp, float lp_alone)
{
    return (mid_step){ .have = MID_SIG_LOGPROB | MID_SIG_ALONE, .i_tok = i_tok, .lp = lp, .lp_alone = lp_alone };
}

TEST(pmi, golden)
{
    mid_monitor *m = monitor_of("pmi", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    const mid_step a = step_of(0, -1, -4), b = step_of(1, -2, -1.5f), c = step_of(2, -0.5f, -0.5f);

    CHECK_NEAR(push(s, &a), -3, 1e-12);
    CHECK_NEAR(push(s, &b), -1.25, 1e-12);              /* -(3 - .5) / 2 */
    CHECK_NEAR(push(s, &c), -2.5 / 3, 1e-12);
    mid_stream_close(s);
    mid_monitor_close(m);
}
