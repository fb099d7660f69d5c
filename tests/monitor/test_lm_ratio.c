/* lm_ratio: the models are test_kneser_ney.c's; here the window, the split of words, and strangers' files. */
#include "traces.h"

static const mid_signals black = { .have = MID_SIG_TEXT };

static mid_trace *one_token(const char *text)
{
    const mid_step step = text_step(0, text);
    mid_trace *t;

    CHECK_OK(mid_trace_open(test_ctx(), &black, NULL, &t));
    CHECK_OK(mid_trace_append(t, &step));
    return t;
}

static mid_weights *fit(double window)
{
    const mid_param params[] = { { "window", window, NULL, NULL }, { NULL, 0, NULL, NULL } };
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;

    answers_put(&a, one_token("A"), 0);
    answers_put(&a, one_token("b, b"), 1);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("lm_ratio"), params, &set, &w));
    answers_clear(&a);
    return w;
}

/* ln P_1 / P_0 of b, b, a, c after - -, - b, b b, b a; the probabilities are worked out in test_kneser_ney.c, and
 * class 0 gives b .9 * .9 * .3 = .243 first, then .3 (no context is there), a .4 and c .3; class 1 gives a and c after
 * b b and b a .9 P and P of .0166667. */
TEST(lm_ratio, golden)
{
    static const char *const text[] = { "B", " b", " a ", "c", "." };
    const double step[] = { log(0.973 / 0.243), log(0.973 / 0.3), log(0.9 * 0.05 / 3 / 0.4), log(0.05 / 3 / 0.3) };
    const double want[] = { 0, step[0], (step[1] + step[2]) / 2, (step[1] + step[2]) / 2, (step[2] + step[3]) / 2 };
    mid_weights *w = fit(2);
    mid_monitor *m;
    mid_stream *s;
    uint32_t i;

    CHECK_OK(mid_monitor_open(test_ctx(), mid_monitor_find("lm_ratio"), NULL, w, &black, &m));
    s = stream_of(m, NULL);
    for (i = 0; i < 5; i++) {
        const mid_step next = text_step(i, text[i]);
        CHECK_NEAR(push(s, &next), want[i], 1e-5);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_weights_close(w);
}

static void refuses_table(const char *name, const float *data, size_t n_row, size_t n_col)
{
    mid_weights *w = fit(32);
    mid_monitor *m = NULL;

    CHECK_OK(mid_weights_set(test_ctx(), w, name, data, n_row, n_col));
    CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("lm_ratio"), NULL, w, &black, &m), MID_EFORMAT);
    CHECK_SAYS(name);
    CHECK(m == NULL);
    mid_weights_close(w);
}

/* Values that would make ln P anything but a number at most 0; and a table without a free row is read to its end only.
 * */
TEST(lm_ratio, strangers)
{
    static const float word[][5] = { { 3, 0, .5f, 1, 1 }, { 3, .5f, 2, 1, 1 }, { 3, .5f, .5f, 0, 1 }, { 3, .5f, .5f, 1, -1 } };
    static const float pair[] = { 3, 0, 0, 0, 1 }, triple[] = { 3, -.5f, 0 }, unknown[] = { 0, .5f }, full[] = { 3, 0, 0 };
    const mid_step next = text_step(0, "b b b ");
    mid_weights *w = fit(32);
    mid_monitor *m;
    mid_stream *s;
    size_t i;

    for (i = 0; i < 4; i++)
        refuses_table("word", word[i], 1, 5);
    refuses_table("word", word[0], 1, 4);
    refuses_table("pair", pair, 1, 5);
    refuses_table("triple", triple, 1, 3);
    refuses_table("unknown", unknown, 1, 2);
    CHECK_OK(mid_weights_set(test_ctx(), w, "triple", full, 1, 3));
    CHECK_OK(mid_monitor_open(test_ctx(), mid_monitor_find("lm_ratio"), NULL, w, &black, &m));
    s = stream_of(m, NULL);
    CHECK(isfinite(push(s, &next)));
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_weights_close(w);
}

TEST(lm_ratio, refuses)
{
    static const double bad[] = { 0, 129, 1.5, NAN };
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_fit_set set;
    size_t i;

    answers_put(&a, one_token("a"), 0);
    answers_put(&a, one_token("b"), 1);
    set = set_of(&a);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const mid_param params[] = { { "window", bad[i], NULL, NULL }, { NULL, 0, NULL, NULL } };
        CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find("lm_ratio"), params, &set, &w), MID_EINVAL);
    }
    CHECK(w == NULL);
    answers_clear(&a);
}
