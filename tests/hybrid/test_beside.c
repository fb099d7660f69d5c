/* A second observer reads the same answer in tokens of its own: "abc" "d" "ef" beside "ab" "cd" "ef". */
#include "monitor/traces.h"

enum { N_TOK = 3 };

static mid_trace *trace_of(const char *observer, const char *const *text, const float *lp, size_t n)
{
    mid_signals signals = { .have = MID_SIG_TEXT | MID_SIG_LOGPROB, .n_vocab = 10 };
    size_t i, at = 0;
    mid_trace *t;

    snprintf(signals.observer, sizeof signals.observer, "%s", observer);
    CHECK_OK(mid_trace_open(test_ctx(), &signals, NULL, &t));
    for (i = 0; i < n; i++) {
        const mid_step step = { .have = signals.have, .i_tok = (uint32_t)i, .at_byte = (uint32_t)at, .text = text[i],
                                .n_text = (uint32_t)strlen(text[i]), .lp = lp[i] };
        CHECK_OK(mid_trace_append(t, &step));
        at += strlen(text[i]);
    }
    return t;
}

static mid_trace *pair_of(const char *second, const float *lp, const float *lp_beside)
{
    static const char *const text[] = { "ab", "cd", "ef" }, *const other[] = { "abc", "d", "ef" };
    mid_trace *t = trace_of("one", text, lp, N_TOK);

    CHECK_OK(mid_trace_put_beside(test_ctx(), t, trace_of(second, other, lp_beside, N_TOK)));
    return t;
}

static mid_trace *pair(const float *lp, const float *lp_beside) { return pair_of("two", lp, lp_beside); }

TEST(beside, tokens_that_have_ended)
{
    static const float lp[N_TOK] = { -1, -2, -3 };
    mid_trace *t = pair(lp, lp);

    CHECK_INT(mid_trace_n_beside(t, 0), 0);                 /* "ab" ends within "abc" */
    CHECK_INT(mid_trace_n_beside(t, 1), 2);
    CHECK_INT(mid_trace_n_beside(t, 2), 3);
    CHECK_INT(mid_trace_n_beside(t, 3), 0);                 /* there is no such token */
    CHECK(mid_trace_signals(t)->beside == mid_trace_signals(mid_trace_beside(t)));
    mid_trace_close(t);
}

TEST(beside, refuses)
{
    static const char *const text[] = { "ab" }, *const other[] = { "ax" }, *const longer[] = { "abc" };
    static const float lp[] = { -1 };
    mid_trace *t = trace_of("one", text, lp, 1), *bad = trace_of("two", other, lp, 1), *good = trace_of("two", longer, lp, 1);

    CHECK_FAILS(mid_trace_put_beside(test_ctx(), t, bad), MID_EINVAL);
    CHECK_SAYS("texts differ");
    CHECK_OK(mid_trace_put_beside(test_ctx(), t, good));
    CHECK_FAILS(mid_trace_put_beside(test_ctx(), t, bad), MID_EINVAL);
    mid_trace_close(bad);
    mid_trace_close(t);
}

/* What stands beside a trace is not part of its bytes. */
TEST(beside, is_not_packed)
{
    static const float lp[N_TOK] = { -1, -2, -3 };
    mid_trace *t = pair(lp, lp), *back;
    void *bytes;
    size_t n;

    CHECK_OK(mid_trace_pack(test_ctx(), t, &bytes, &n));
    CHECK_OK(mid_trace_unpack(test_ctx(), bytes, n, &back));
    CHECK(!mid_trace_beside(back));
    CHECK(!(mid_trace_signals(back)->have & MID_SIG_BESIDE));
    mid_free(bytes);
    mid_trace_close(back);
    mid_trace_close(t);
}

/* Four answers; the second observer is surer of the safe ones. */
static void fill(answers *a)
{
    static const float lp[N_TOK] = { -1, -2, -3 }, safe[N_TOK] = { -4, -5, -6 }, unsafe[N_TOK] = { -8, -9, -10 };
    int i;

    for (i = 0; i < 12; i++)
        answers_put(a, pair(lp, i % 2 ? unsafe : safe), i % 2);
}

static const mid_param both[] = { { "of", 0, "surprisal_mean, beside:surprisal_mean", NULL }, { 0 } };

/* By hand, with z scores that change nothing (mean 0, deviation 1): 1; ((1 + 2) / 2 + (4 + 5) / 2) / 2 = 3; (2 + 5) / 2. */
TEST(beside, a_member_reads_the_second_observer)
{
    static const double expected[N_TOK] = { 1, 3, 3.5 };
    float plain[8 * 2];
    const mid_monitor_ops *ops = mid_monitor_find("mean_z");
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_weights *w;
    mid_monitor *m;
    mid_stream *s;
    double score[N_TOK];
    int i;

    fill(&a);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, both, &set, &w));
    for (i = 0; i < 16; i++)
        plain[i] = (float)(i % 2);
    CHECK_OK(mid_weights_set(test_ctx(), w, "normal.0", plain, 8, 2));
    CHECK_OK(mid_weights_set(test_ctx(), w, "normal.1", plain, 8, 2));
    CHECK_OK(mid_monitor_open(test_ctx(), ops, both, w, mid_trace_signals(a.answer[0].trace), &m));
    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    CHECK_OK(mid_stream_score(test_ctx(), s, a.answer[0].trace, score, NULL));
    for (i = 0; i < N_TOK; i++)
        CHECK_NEAR(score[i], expected[i], 1e-12);
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_weights_close(w);
    answers_clear(&a);
}

/* A hybrid's own numbers are of the second observer it was fitted with, whether its member learns or not. */
TEST(beside, another_second_observer)
{
    static const float lp[N_TOK] = { -1, -2, -3 };
    const mid_monitor_ops *ops = mid_monitor_find("mean_z");
    mid_trace *other = pair_of("three", lp, lp);
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_weights *w;
    mid_monitor *m;

    fill(&a);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, both, &set, &w));
    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, both, w, mid_trace_signals(other), &m), MID_EMISMATCH);
    CHECK_SAYS("was fitted with observer two beside the first, here it is three");
    mid_weights_close(w);
    answers_put(&a, other, 1);                              /* and the two are not mixed in one fit */
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, both, &set, &w), MID_EMISMATCH);
    CHECK_SAYS("fit on one");
    answers_clear(&a);
}

TEST(beside, without_a_second_observer)
{
    static const char *const text[] = { "ab" };
    static const float lp[] = { -1 };
    const mid_monitor_ops *ops = mid_monitor_find("mean_z");
    mid_trace *alone = trace_of("one", text, lp, 1);
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_weights *w;
    mid_monitor *m;

    fill(&a);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, both, &set, &w));
    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, both, w, mid_trace_signals(alone), &m), MID_ESIGNAL);
    CHECK_SAYS("a second observer");
    mid_trace_close(alone);
    mid_weights_close(w);
    answers_clear(&a);
}

/* A member of the second observer that needs more than every source gives unasked. */
TEST(beside, refuses_members_that_ask_for_more)
{
    static const mid_param wants[] = { { "of", 0, "surprisal_mean, beside:lens_kl", NULL }, { 0 } };
    mid_monitor_reads reads;

    CHECK_FAILS(mid_monitor_reads_of(test_ctx(), mid_monitor_find("mean_z"), wants, &reads), MID_EINVAL);
    CHECK_SAYS("gives unasked");
}
