/* renyi_uniform, fisher_rao, self_certainty and token_rank: running means of their own column, turned as the fit
 * answers say. That the columns hold what they should is tests/signal's business. */
#include "traces.h"

static const mid_signals grey = { .have = MID_SIG_SPREAD };

/* An answer of two tokens whose columns are level, 10 level, 100 level, 1000 level and the same plus 1. */
static mid_trace *trace_of(float level)
{
    mid_trace *t;
    uint32_t i;

    CHECK_OK(mid_trace_open(test_ctx(), &grey, NULL, &t));
    for (i = 0; i < 2; i++) {
        const float spread[] = { level + (float)i, 10 * level + (float)i, 100 * level + (float)i, 1000 * level + (float)i };
        const mid_step step = { .have = MID_SIG_SPREAD, .i_tok = i, .spread = spread };
        CHECK_OK(mid_trace_append(t, &step));
    }
    return t;
}

/* The score at the end of an answer of level 3 when unsafe answers have this level and safe ones 2. */
static void check(const char *name, float unsafe, double want, double orientation)
{
    const mid_monitor_ops *ops = mid_monitor_find(name);
    answers a = { .n = 0 };
    mid_trace *t = trace_of(3);
    double score[2];
    mid_monitor *m;
    mid_stream *s;
    int i;

    for (i = 0; i < 6; i++)
        answers_put(&a, trace_of(i % 2 ? unsafe : 2), i % 2);
    if (ops->fit) {
        const mid_fit_set set = set_of(&a);
        mid_weights *w;
        CHECK_OK(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w));
        CHECK_NEAR(mid_weights_number(w, "orientation"), orientation, 0);
        mid_weights_close(w);
    }
    m = monitor_of(name, NULL, &a, &grey);
    s = stream_of(m, NULL);
    CHECK_OK(mid_stream_score(test_ctx(), s, t, score, NULL));
    CHECK_NEAR(score[1], want, 1e-5);
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_trace_close(t);
    answers_clear(&a);
}

TEST(spread_mean, orientation)
{
    check("renyi_uniform", 5, 3.5, 1);
    check("renyi_uniform", 1, -3.5, -1);
    check("renyi_uniform", 2, -3.5, -1);        /* nothing to choose on: sure is safe */
    check("fisher_rao", 5, 30.5, 1);
    check("fisher_rao", 1, -30.5, -1);
    check("self_certainty", 5, 300.5, 1);
    check("self_certainty", 1, -300.5, -1);
}

TEST(spread_mean, rank_has_a_sign_of_its_own)
{
    check("token_rank", 5, 3000.5, 0);
    check("token_rank", 1, 3000.5, 0);
}
