/* surprisal_sentence and entropy_sentence. By hand: the first sentence has tokens 1, 2, 3, the second 6 and then 0. */
#include "traces.h"

static const mid_signals grey = { .have = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_ENTROPY };

static void check(const char *name)
{
    static const char *const text[] = { "One two three", " four", " five.", " And", " so" };
    static const float x[] = { 1, 2, 3, 6, 0 };
    static const double want[] = { 1, 1.5, 2, 4, 2.5 };         /* (2 + 6) / 2, (2 + 3) / 2 */
    mid_monitor *m = monitor_of(name, NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 5; i++) {
        mid_step step = text_step(i, text[i]);
        step.have = grey.have;
        step.lp = -x[i];
        step.entropy_nats = x[i];
        CHECK_NEAR(push(s, &step), want[i], 1e-12);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(sentence_mean, surprisal) { check("surprisal_sentence"); }
TEST(sentence_mean, entropy) { check("entropy_sentence"); }
