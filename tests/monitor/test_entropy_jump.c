/* entropy_jump, by hand. */
#include "traces.h"

static const mid_signals grey = { .have = MID_SIG_ENTROPY };

TEST(entropy_jump, golden)
{
    static const float entropy[] = { 3, 1, 1.5f, 1.25f, 3.25f, 5 };
    static const double want[] = { 0, 0, 0.5, 0.5, 2, 2 };      /* falls do not count; the rise from 1.25 to 3.25 stands */
    mid_monitor *m = monitor_of("entropy_jump", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 6; i++) {
        const mid_step step = { .have = MID_SIG_ENTROPY, .i_tok = i, .entropy_nats = entropy[i] };
        CHECK_NEAR(push(s, &step), want[i], 1e-12);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}
