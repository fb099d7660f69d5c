/* topk_entropy and margin. By hand: p = 1/2, 1/4 of a distribution that has more. */
#include "traces.h"

static const mid_signals grey = { .have = MID_SIG_TOP };
static const int32_t token[] = { 3, 1, 2 };
static const float lp[] = { -0.69314718f, -1.38629436f, -2.07944154f }, one[] = { 0, -1, -2 };

static mid_step step_of(uint32_t i_tok, const float *top_lp, uint32_t n)
{
    return (mid_step){ .have = MID_SIG_TOP, .i_tok = i_tok, .n_top = n, .top_token = token, .top_lp = top_lp };
}

static mid_stream *open_form(const char *form, const char *over, double k, mid_monitor **m)
{
    const mid_param params[] = {
        { "form", 0, form, NULL }, { "over", 0, over, NULL }, { "k", k, NULL, NULL }, { NULL, 0, NULL, NULL }
    };

    *m = monitor_of("topk_entropy", params, NULL, &grey);
    return stream_of(*m, NULL);
}

static void check(const char *form, double k, uint32_t n, double want)
{
    const mid_step step = step_of(0, lp, n);
    mid_monitor *m;
    mid_stream *s = open_form(form, "mean", k, &m);

    CHECK_NEAR(push(s, &step), want, 1e-6);
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(topk_entropy, forms)
{
    check("raw", 2, 3, 0.6931471806);           /* 1/2 ln 2 + 1/4 ln 4 = ln 2 */
    check("raw", 20, 2, 0.6931471806);          /* the step has no more */
    check("raw", 20, 3, 0.9530773733);          /* and 1/8 ln 8 */
    check("renormalised", 2, 3, 0.6365141683);  /* q = 2/3, 1/3: ln 3 - 2/3 ln 2 */
    check("tail", 2, 3, 1.0397207708);          /* 1/2, 1/4, 1/4: 3/2 ln 2 */
    check("renormalised", 1, 3, 0);
}

TEST(topk_entropy, mean_and_max)
{
    const mid_step a = step_of(0, lp, 2), b = step_of(1, one, 1);
    mid_monitor *m;
    mid_stream *s = open_form("tail", "mean", 20, &m);

    push(s, &a);
    CHECK_NEAR(push(s, &b), 0.5198603854, 1e-6);
    mid_stream_close(s);
    mid_monitor_close(m);
    s = open_form("tail", "max", 20, &m);
    push(s, &a);
    CHECK_NEAR(push(s, &b), 1.0397207708, 1e-6);
    mid_stream_close(s);
    mid_monitor_close(m);
}

static void refuses(const char *form, const char *over, double k, const char *says)
{
    const mid_param params[] = {
        { "form", 0, form, NULL }, { "over", 0, over, NULL }, { "k", k, NULL, NULL }, { NULL, 0, NULL, NULL }
    };
    mid_monitor *m = NULL;

    CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("topk_entropy"), params, NULL, &grey, &m), MID_EINVAL);
    CHECK_SAYS(says);
    CHECK(m == NULL);
}

TEST(topk_entropy, refuses)
{
    refuses("log2", "mean", 20, "form 'log2'");
    refuses("raw", "median", 20, "over 'median'");
    refuses("raw", "mean", 21, "k 21");
    refuses("raw", "mean", 0, "k 0");
    refuses("raw", "mean", 2.5, "k 2.5");
}

TEST(margin, golden)
{
    mid_monitor *m = monitor_of("margin", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL);
    const mid_step a = step_of(0, lp, 3), b = step_of(1, one, 2);

    CHECK_NEAR(push(s, &a), -0.6931471806, 1e-6);       /* -(ln 1/2 - ln 1/4) */
    CHECK_NEAR(push(s, &b), -0.8465735903, 1e-6);       /* the mean with -1 */
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* A step with too few alternatives is missing, whatever its bit says. */
TEST(margin, too_few)
{
    mid_monitor *m = monitor_of("margin", NULL, NULL, &grey), *k = monitor_of("topk_entropy", NULL, NULL, &grey);
    mid_stream *s = stream_of(m, NULL), *s_k = stream_of(k, NULL);
    const mid_step single = step_of(0, lp, 1), none = step_of(0, NULL, 0);
    double score = 42;

    CHECK_FAILS(mid_stream_push(s, &single, &score), MID_ESIGNAL);
    CHECK_FAILS(mid_stream_push(s_k, &none, &score), MID_ESIGNAL);
    CHECK_NEAR(score, 42, 0);
    mid_stream_close(s);
    mid_stream_close(s_k);
    mid_monitor_close(m);
    mid_monitor_close(k);
}
