/* Refusal cues: minus the weights seen so far, by hand. */
#include "traces.h"

static const mid_signals black = { .have = MID_SIG_TEXT };

static void check_scores(const char *list, const char *const *token, const double *want, uint32_t n)
{
    const mid_param params[] = { { "list", 0, list, NULL }, { NULL, 0, NULL, NULL } };
    mid_monitor *m = monitor_of("refusal_cue", params, NULL, &black);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < n; i++) {
        const mid_step step = text_step(i, token[i]);
        const double score = push(s, &step);
        CHECK_NEAR(score, want[i], 1e-15);
        CHECK(score < 0 || !signbit(score));            /* no cue is 0, not -0 */
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* "i can't" counts when the space behind it comes, "i can't help" likewise; a curly apostrophe is an apostrophe, and
 * here a token cuts it in two. */
TEST(refusal_cue, golden)
{
    static const char text[] = "{\"term\":\"i can't\",\"weight\":0.5}\n{\"term\":\"i can't help\",\"weight\":1}\n";
    static const char *const token[] = { "I", " can\xe2\x80", "\x99t", " help", " you. ", "I can't, sorry" };
    static const double want[] = { 0, 0, 0, -0.5, -1.5, -2 };

    check_scores(test_write("cue.jsonl", text, strlen(text)), token, want, 6);
}

TEST(refusal_cue, own_list_knows_compliance)
{
    static const char *const token[] = { "Sure! Here is", " how you do it:" };
    static const double want[] = { 0, 0 };

    check_scores("", token, want, 2);
}

/* In data/lexicon/refusal.jsonl "i can't help with" weighs 1; shorter cues inside it add to that. */
TEST(refusal_cue, own_list_knows_refusal)
{
    mid_monitor *m = monitor_of("refusal_cue", NULL, NULL, &black);
    mid_stream *s = stream_of(m, NULL);
    const mid_step step = text_step(0, "I can't help with that.");

    CHECK(push(s, &step) <= -1);
    mid_stream_close(s);
    mid_monitor_close(m);
}
