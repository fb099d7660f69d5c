/* length and random: what they say, and that they know nothing. */
#include "traces.h"

static const mid_signals none = { .have = 0 };

TEST(control, length)
{
    mid_monitor *m = monitor_of("length", NULL, NULL, &none);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 5; i++) {
        const mid_step step = { .i_tok = i };
        CHECK_NEAR(push(s, &step), i + 1, 0);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* The coins of prompt "a" and tokens 1, 2 are not those of prompt "b", nor of tokens 1, 3. */
TEST(control, random_is_fixed_by_prompt_and_tokens)
{
    static const struct { const char *prompt; int32_t token[2]; } row[] = {
        { "a", { 1, 2 } }, { "a", { 1, 2 } }, { "b", { 1, 2 } }, { "a", { 1, 3 } } };
    mid_monitor *m = monitor_of("random", NULL, NULL, &none);
    double score[4][2];
    size_t i;
    uint32_t k;

    for (i = 0; i < 4; i++) {
        const mid_prompt prompt = { .text = row[i].prompt };
        mid_stream *s = stream_of(m, &prompt);
        for (k = 0; k < 2; k++) {
            const mid_step step = { .i_tok = k, .token = row[i].token[k] };
            score[i][k] = push(s, &step);
            CHECK(score[i][k] >= 0 && score[i][k] < 1);
        }
        mid_stream_close(s);
    }
    CHECK(score[0][0] == score[1][0] && score[0][1] == score[1][1]);
    CHECK(score[0][0] != score[2][0] && score[0][1] != score[2][1]);
    CHECK(score[0][0] == score[3][0] && score[0][1] != score[3][1]);
    CHECK(score[0][0] != score[0][1]);
    mid_monitor_close(m);
}

/* Mean of 2000 uniform numbers: 1/2 within five standard errors, 5 sqrt(1 / (12 n)) = .032. */
TEST(control, random_is_uniform)
{
    mid_monitor *m = monitor_of("random", NULL, NULL, &none);
    mid_stream *s = stream_of(m, NULL);
    double sum = 0;
    uint32_t i;

    for (i = 0; i < 2000; i++) {
        const mid_step step = { .i_tok = i, .token = (int32_t)(i % 3) };
        sum += push(s, &step);
    }
    CHECK_NEAR(sum / 2000, 0.5, 0.033);
    mid_stream_close(s);
    mid_monitor_close(m);
}
