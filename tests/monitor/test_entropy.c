/* entropy_mean and entropy_max. By hand: H = ln 4 for four equal tokens, 0 for a certain one. */
#include "traces.h"

static const mid_signals grey = { .have = MID_SIG_ENTROPY };

static mid_step step_of(uint32_t i_tok, float entropy_nats)
{
    return (mid_step){ .have = MID_SIG_ENTROPY, .i_tok = i_tok, .entropy_nats = entropy_nats };
}

TEST(entropy, mean)
{
    mid_monitor *m = monitor_of("entropy_mean", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    const mid_step a = step_of(0, 1.3862944f), b = step_of(1, 0), c = step_of(2, 0.6931472f);

    CHECK_NEAR(push(s, &a), 1.3862943611, 1e-7);        /* ln 4 */
    CHECK_NEAR(push(s, &b), 0.6931471806, 1e-7);        /* (ln 4 + 0) / 2 */
    CHECK_NEAR(push(s, &c), 0.6931471806, 1e-7);        /* (ln 4 + 0 + ln 2) / 3 */
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(entropy, max)
{
    mid_monitor *m = monitor_of("entropy_max", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    const mid_step a = step_of(0, 0), b = step_of(1, 2.5f), c = step_of(2, 1);

    CHECK_NEAR(push(s, &a), 0, 0);
    CHECK_NEAR(push(s, &b), 2.5, 0);
    CHECK_NEAR(push(s, &c), 2.5, 0);
    mid_stream_close(s);
    mid_monitor_close(m);
}
