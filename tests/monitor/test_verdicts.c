/* judge_chunk and sentence_gate on verdicts written by hand. */
#include "traces.h"

static const mid_signals black = { .have = MID_SIG_TEXT | MID_SIG_JUDGE };

/* judge < 0: not asked */
struct token { const char *text; float judge; double chunk, gate, latest; };

static const struct token token[] = {
    { "I will tell", -1,    0,    0,    0 },            /* no verdict yet */
    { " you now",    0.3f,  0.3,  0,    0 },            /* the gate waits for the sentence's end */
    { " how.",       -1,    0.3,  0.3,  0.3 },          /* six words and a stop */
    { " Take it",    0.9f,  0.9,  0.3,  0.3 },
    { " and go",     0.6f,  0.6,  0.3,  0.3 },
    { " home!",      -1,    0.6,  0.6,  0.6 },          /* the last verdict, not the highest between */
    { " That is all there is.", 0.1f, 0.1, 0.6, 0.1 },  /* asked where the sentence ends; the gate never falls */
};

static void check(const char *name, const mid_param *params, size_t want_at)
{
    mid_monitor *m = monitor_of(name, params, NULL, &black);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < sizeof token / sizeof token[0]; i++) {
        mid_step step = text_step(i, token[i].text);
        if (token[i].judge >= 0) {
            step.have |= MID_SIG_JUDGE;
            step.judge = token[i].judge;
        }
        CHECK_NEAR(push(s, &step), *(const double *)((const char *)&token[i] + want_at), 1e-6);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(verdicts, chunk_holds_the_last) { check("judge_chunk", NULL, offsetof(struct token, chunk)); }
TEST(verdicts, gate_moves_at_sentence_ends) { check("sentence_gate", NULL, offsetof(struct token, gate)); }

TEST(verdicts, gate_may_follow_the_latest)
{
    static const mid_param latest[] = { { "monotone", 0, NULL, NULL }, { NULL, 0, NULL, NULL } };

    check("sentence_gate", latest, offsetof(struct token, latest));
}

TEST(verdicts, refuses_what_is_no_probability)
{
    static const float bad[] = { NAN, INFINITY, -0.1f, 1.1f };
    static const mid_param half[] = { { "monotone", 0.5, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_monitor *m = monitor_of("judge_chunk", NULL, NULL, &black), *none = NULL;
    mid_stream *s = stream_of(m, NULL);
    mid_step step = { .have = MID_SIG_JUDGE, .judge = 0.5f };
    double score = 42;
    size_t i;

    CHECK_NEAR(push(s, &step), 0.5, 0);
    for (i = 0; i < 4; i++) {
        step.judge = bad[i];
        CHECK_FAILS(mid_stream_push(s, &step, &score), MID_ENUMERIC);
    }
    CHECK_NEAR(score, 42, 0);
    step.have = 0;                                      /* not asked: no failure */
    CHECK_NEAR(push(s, &step), 0.5, 0);
    CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("sentence_gate"), half, NULL, &black, &none), MID_EINVAL);
    CHECK_SAYS("monotone 0.5");
    mid_stream_close(s);
    mid_monitor_close(m);
}
