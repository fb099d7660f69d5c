/* nb_walk: the log-odds of a two-answer corpus by hand, and what the walk does with them. */
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

static mid_monitor *open_form(const char *form, double alpha)
{
    const mid_param params[] = { { "form", 0, form, NULL }, { "alpha", alpha, NULL, NULL }, { NULL, 0, NULL, NULL } };
    answers a = { .n = 0 };
    mid_monitor *m;

    answers_put(&a, one_token("No, thank you"), 0);     /* no thank you */
    answers_put(&a, one_token("Yes: mix you, mix it."), 1);     /* yes mix you mix it */
    m = monitor_of("nb_walk", params, &a, &black);
    answers_clear(&a);
    return m;
}

static void check(const char *form, const char *const *text, const double *want, uint32_t n)
{
    mid_monitor *m = open_form(form, 0.5);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < n; i++) {
        const mid_step step = text_step(i, text[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-6);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* V = 6 words; unsafe 5 + 3 = 8, safe 3 + 3 = 6. mix: ln (2.5/8) - ln (.5/6) = ln 3.75; no: ln (.5/8) - ln (1.5/6) =
 * -ln 4; you: ln (1.5/8) - ln (1.5/6) = ln .75; a word of neither: 0. A word counts with the character behind it. */
TEST(nb_walk, golden)
{
    static const char *const text[] = { "MI", "x", " no", "!", " other ", "you", "." };
    static const double walk[] = { 0, 0, 1.3217558400, -0.0645385211, -0.0645385211, -0.0645385211, -0.3522205935 };
    static const double root[] = { 0, 0, 1.3217558400, -0.0456356260, -0.0372613326, -0.0372613326, -0.1761102968 };

    check("walk", text, walk, 7);
    check("root", text, root, 7);
}

/* A hundred times in one class only: ln (100.001 / ...) is beyond the clip. */
TEST(nb_walk, step_is_clipped)
{
    const mid_param params[] = { { "alpha", 0.001, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_step good = text_step(0, "good "), bad = text_step(1, "bad bad ");
    answers a = { .n = 0 };
    char text[500] = "";
    mid_monitor *m;
    mid_stream *s;
    int i;

    for (i = 0; i < 100; i++)
        strcat(text, "bad ");
    answers_put(&a, one_token("good"), 0);
    answers_put(&a, one_token(text), 1);
    m = monitor_of("nb_walk", params, &a, &black);
    s = stream_of(m, NULL);
    CHECK_NEAR(push(s, &good), -4, 1e-6);
    CHECK_NEAR(push(s, &bad), 4, 1e-6);
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

TEST(nb_walk, refuses)
{
    const mid_param alpha[] = { { "alpha", 0, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_param form[] = { { "form", 0, "run", NULL }, { NULL, 0, NULL, NULL } };
    const mid_monitor_ops *ops = mid_monitor_find("nb_walk");
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_monitor *m = NULL;
    mid_fit_set set;

    answers_put(&a, one_token("good"), 0);
    answers_put(&a, one_token("bad"), 1);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, alpha, &set, &w), MID_EINVAL);
    CHECK(w == NULL);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, form, &set, &w), MID_EINVAL);
    CHECK(w == NULL && m == NULL);
    answers_clear(&a);
}
