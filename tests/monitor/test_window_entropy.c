/* window_entropy, by hand with windows of two tokens. */
#include "traces.h"

static const mid_signals grey = { .have = MID_SIG_ENTROPY };

TEST(window_entropy, golden)
{
    static const float entropy[] = { 4, 0, 1, 2, 3, 3, 0 };
    /* running mean, {4,0} closes, its mean stands, {1,2} is lower, {3,3} closes, the open one does not count */
    static const double want[] = { 4, 2, 2, 2, 2, 3, 3 };
    const mid_param params[] = { { "window", 2, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_monitor *m = monitor_of("window_entropy", params, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 7; i++) {
        const mid_step step = { .have = MID_SIG_ENTROPY, .i_tok = i, .entropy_nats = entropy[i] };
        CHECK_NEAR(push(s, &step), want[i], 1e-12);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(window_entropy, refuses)
{
    static const double bad[] = { 0, 1.5, -3, 1e9, NAN };
    mid_monitor *m = NULL;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const mid_param params[] = { { "window", bad[i], NULL, NULL }, { NULL, 0, NULL, NULL } };
        CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("window_entropy"), params, NULL, &grey, &m), MID_EINVAL);
    }
    CHECK(m == NULL);
}
