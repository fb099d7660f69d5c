/* surprisal_mean and surprisal_max. By hand: p = 1/2, 1, 1/8 have -ln p = ln 2, 0, 3 ln 2. */
#include "traces.h"

static const mid_signals grey = { .have = MID_SIG_LOGPROB };

static mid_step step_of(uint32_t i_tok, float lp)
{
    return (mid_step){ .have = MID_SIG_LOGPROB, .i_tok = i_tok, .lp = lp };
}

TEST(surprisal, mean)
{
    mid_monitor *m = monitor_of("surprisal_mean", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    const mid_step a = step_of(0, -0.6931472f), b = step_of(1, 0), c = step_of(2, -2.0794415f);

    CHECK_NEAR(push(s, &a), 0.6931471806, 1e-7);        /* ln 2 */
    CHECK_NEAR(push(s, &b), 0.3465735903, 1e-7);        /* ln 2 / 2 */
    CHECK_NEAR(push(s, &c), 0.9241962407, 1e-7);        /* 4 ln 2 / 3 */
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(surprisal, max)
{
    mid_monitor *m = monitor_of("surprisal_max", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    const mid_step a = step_of(0, -0.5f), b = step_of(1, -3), c = step_of(2, -1);

    CHECK_NEAR(push(s, &a), 0.5, 0);
    CHECK_NEAR(push(s, &b), 3, 0);
    CHECK_NEAR(push(s, &c), 3, 0);
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(surprisal, impossible_token)
{
    mid_monitor *m = monitor_of("surprisal_mean", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    const mid_step a = step_of(0, -1), never = step_of(1, -INFINITY), b = step_of(1, -2);
    double score = 42;

    push(s, &a);
    CHECK_FAILS(mid_stream_push(s, &never, &score), MID_ENUMERIC);
    CHECK_NEAR(score, 42, 0);
    CHECK_NEAR(push(s, &b), 1.5, 0);                    /* the refused step left no trace */
    mid_stream_close(s);
    mid_monitor_close(m);
}
