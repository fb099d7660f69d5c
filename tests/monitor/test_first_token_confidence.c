/* first_token_confidence: the prompt's figure with a minus, from the first token to the last. */
#include "traces.h"

static const mid_signals grey = { .have = MID_SIG_TEXT | MID_SIG_AFFIRM };

TEST(first_token_confidence, stands_for_every_token)
{
    mid_monitor *m = monitor_of("first_token_confidence", NULL, NULL, &grey);
    const mid_prompt prompt = { .text = "p", .affirm = 0.75f };
    mid_stream *s = stream_of(m, &prompt);
    const mid_step a = text_step(0, "No"), b = text_step(1, ".");

    CHECK_NEAR(push(s, &a), -0.75, 0);
    CHECK_NEAR(push(s, &b), -0.75, 0);
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(first_token_confidence, refuses_a_prompt_without_it)
{
    mid_monitor *m = monitor_of("first_token_confidence", NULL, NULL, &grey);
    const mid_prompt none = { .text = "p" };
    mid_stream *s;

    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    CHECK_FAILS(mid_stream_start(s, &none), MID_ESIGNAL);
    CHECK_FAILS(mid_stream_start(s, NULL), MID_ESIGNAL);
    mid_stream_close(s);
    mid_monitor_close(m);
}
