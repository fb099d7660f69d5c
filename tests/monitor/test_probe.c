/* The probes by hand. One dimension; a safe answer at h = 3 and an unsafe one at h = 5, so the standardised rows are -1
 * and +1. With C = 1 the weight w minimises 2 ln(1 + e^-w) + w^2 / 2: w (1 + e^w) = 2, and the intercept is 0.
 * A row h then has the logit z = w (h - 4). */
#include "traces.h"

static void fill(answers *a, const mid_signals *signals, bool in_prompt)
{
    int label;

    for (label = 0; label <= 1; label++) {
        const float tells = label ? 5 : 3, says_nothing = 4;
        mid_trace *t = trace_open(signals, "p", in_prompt ? &tells : &says_nothing);
        trace_put(t, "x", -1, 1, in_prompt ? &says_nothing : &tells);
        answers_put(a, t, label);
    }
}

static double solve_w(void)
{
    double w = 0.6;
    int i;

    for (i = 0; i < 60; i++)
        w -= (w * (1 + exp(w)) - 2) / (1 + exp(w) + w * exp(w));
    return w;
}

/* Score rows h (n) after fitting with C = 1, and in probe_ema beta = 1/2. */
static void check_probe(const char *name, const float *h, const double *want_per_w, uint32_t n, float prompt_row)
{
    const bool is_ema = strcmp(name, "probe_ema") == 0;
    const mid_param params[] = { { "c", 1, NULL, NULL }, { is_ema ? "beta" : NULL, 0.5, NULL, NULL },
                                 { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, 1);
    const mid_prompt prompt = { .text = "p", .hidden = &prompt_row };
    const double w = solve_w();
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    uint32_t i;

    fill(&a, &signals, strcmp(name, "prompt_only") == 0);
    m = monitor_of(name, params, &a, &signals);
    s = stream_of(m, &prompt);
    for (i = 0; i < n; i++) {
        const mid_step step = hidden_step(i, &h[i]);
        CHECK_NEAR(push(s, &step), want_per_w[i] * w, 2e-6);    /* w and b are stored as float32 */
    }
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

TEST(probe, linear)
{
    static const float h[] = { 6, 4, 1 };                       /* z / w = 2, 0, -3 */
    static const double want[] = { 2, 1, -1.0 / 3 };

    CHECK_NEAR(solve_w(), 0.6748, 1e-4);
    check_probe("probe_linear", h, want, 3, 4);
}

TEST(probe, ema)
{
    static const float h[] = { 6, 4, 1 };
    static const double want[] = { 2, 1, -1 };                  /* 2; (2 + 0) / 2; (1 - 3) / 2 */

    check_probe("probe_ema", h, want, 3, 4);
}

TEST(probe, prompt_only)
{
    static const float h[] = { 6, NAN, 1 };                     /* the answer is not read */
    static const double want[] = { 3, 3, 3 };

    check_probe("prompt_only", h, want, 3, 7);
}

TEST(probe, prompt_only_needs_the_prompt)
{
    const mid_signals signals = signals_of(1, 1);
    const mid_prompt unknown = { .text = "p" };
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;

    fill(&a, &signals, true);
    m = monitor_of("prompt_only", NULL, &a, &signals);
    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    CHECK_FAILS(mid_stream_start(s, &unknown), MID_ESIGNAL);
    CHECK_FAILS(mid_stream_start(s, NULL), MID_ESIGNAL);
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

/* Of two layers only the second tells the classes apart. Labels are shared by answers of one group, noise is fixed. */
TEST(probe, chooses_the_layer_that_tells)
{
    const mid_signals signals = signals_of(2, 1);
    const mid_monitor_ops *ops = mid_monitor_find("probe_linear");
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;
    int i;

    for (i = 0; i < 60; i++) {
        const float h[2] = { (float)(i * 7 % 11), (float)(i % 2 * 4 + i * 5 % 3) };
        mid_trace *t = trace_open(&signals, "p", NULL);
        trace_put(t, "x", -1, 1, h);
        answers_put(&a, t, i % 2);
    }
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w));
    CHECK_NEAR(mid_weights_number(w, "layer"), 1, 0);
    CHECK_NEAR(mid_weights_number(w, "inner_auroc"), 1, 0);
    mid_weights_close(w);
    answers_clear(&a);
}

TEST(probe, refuses_parameters)
{
    static const struct { const char *monitor, *name; double value; mid_status status; } row[] = {
        { "probe_linear", "c", -1, MID_EINVAL }, { "probe_linear", "c", NAN, MID_EINVAL },
        { "probe_linear", "layer", 7, MID_EINVAL }, { "probe_linear", "layer", 0.5, MID_EINVAL },
        { "probe_linear", "prefix", -1, MID_EINVAL }, { "probe_linear", "prefix", 1e9, MID_EINVAL },
        { "probe_ema", "beta", 1, MID_EINVAL }, { "probe_ema", "beta", NAN, MID_EINVAL },
        { "prompt_only", "prefix", 8, MID_EINVAL }, { "probe_linear", "layer", 1e300, MID_EINVAL } };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_fit_set set;
    size_t i;

    fill(&a, &signals, false);
    set = set_of(&a);
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        const mid_param params[] = { { row[i].name, row[i].value, NULL, NULL }, { NULL, 0, NULL, NULL } };
        CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find(row[i].monitor), params, &set, &w), row[i].status);
        CHECK_SAYS(row[i].name);
    }
    CHECK(w == NULL);
    answers_clear(&a);
}
