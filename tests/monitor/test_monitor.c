/* Opening and loading: what a fitted file says about itself is believed, checked and named when it is wrong. */
#include "traces.h"

#include "base/file.h"

static const mid_param beta_half[] = { { "beta", 0.5, NULL, NULL }, { NULL, 0, NULL, NULL } };

static void fill(answers *a, const mid_signals *signals)
{
    int i;

    for (i = 0; i < 12; i++) {
        const float h[2] = { (float)(i % 2 * 3 + i % 5), (float)(i % 7) };
        mid_trace *t = trace_open(signals, "p", h);
        trace_put(t, "x", -1, 1, h);
        trace_put(t, "y", -1, 1, h);
        answers_put(a, t, i % 2);
    }
}

static mid_weights *fit(const char *name, const mid_param *params, const answers *a)
{
    const mid_fit_set set = set_of(a);
    mid_weights *w;

    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find(name), params, &set, &w));
    return w;
}

/* Weights bring their parameters along: beta = 1/2 here, not the default .9. Rows 1 then 0 give z1, then half each. */
TEST(monitor, fitted_parameters_are_kept)
{
    const mid_monitor_ops *ops = mid_monitor_find("probe_ema");
    const mid_param other[] = { { "beta", 0.9, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, 2);
    const float one[2] = { 1, 1 }, zero[2] = { 0, 0 };
    const mid_step a_one = hidden_step(0, one), a_zero = hidden_step(1, zero), b_zero = hidden_step(0, zero);
    answers a = { .n = 0 };
    mid_monitor *m, *none = NULL;
    mid_stream *s;
    mid_weights *w;
    double z_one, z_zero;

    fill(&a, &signals);
    w = fit("probe_ema", beta_half, &a);
    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, other, w, &signals, &none), MID_EMISMATCH);
    CHECK_SAYS("beta");
    CHECK(none == NULL);
    CHECK_OK(mid_monitor_open(test_ctx(), ops, beta_half, w, &signals, &m));
    mid_monitor_close(m);
    CHECK_OK(mid_monitor_open(test_ctx(), ops, NULL, w, &signals, &m));
    s = stream_of(m, NULL);
    z_zero = push(s, &b_zero);
    CHECK_OK(mid_stream_start(s, NULL));
    z_one = push(s, &a_one);
    CHECK_NEAR(push(s, &a_zero), (z_one + z_zero) / 2, 1e-12);
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_weights_close(w);
    answers_clear(&a);
}

/* A monitor that gained a parameter reads the files fitted before: it has its default there, and no other value may be
 * asked for. Of another version they are refused, whatever they lack. */
TEST(monitor, a_parameter_that_came_later)
{
    const mid_param later[] = { { "beta", 0.9, NULL, NULL }, { "gained", 2, NULL, NULL },
                                { "word", 0, "none", NULL }, { NULL, 0, NULL, NULL } };
    const mid_param other[] = { { "gained", 3, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, 2);
    mid_monitor_ops newer = *mid_monitor_find("probe_ema");
    answers a = { .n = 0 };
    mid_monitor_reads reads;
    mid_monitor *m = NULL, *none = NULL;
    mid_weights *w;

    fill(&a, &signals);
    w = fit("probe_ema", beta_half, &a);
    newer.params = later;
    CHECK_OK(mid_monitor_open(test_ctx(), &newer, beta_half, w, &signals, &m));
    mid_monitor_close(m);
    CHECK_OK(mid_monitor_reads_fitted(test_ctx(), &newer, w, &reads));
    CHECK_FAILS(mid_monitor_open(test_ctx(), &newer, other, w, &signals, &none), MID_EMISMATCH);
    CHECK_SAYS("fitted with another 'gained'");
    newer.version += 1;
    CHECK_FAILS(mid_monitor_open(test_ctx(), &newer, NULL, w, &signals, &none), MID_EMISMATCH);
    CHECK_SAYS("fitted by version");
    CHECK_FAILS(mid_monitor_reads_fitted(test_ctx(), &newer, w, &reads), MID_EMISMATCH);
    newer.version -= 1;
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "param.gained", "many"));
    CHECK_FAILS(mid_monitor_open(test_ctx(), &newer, NULL, w, &signals, &none), MID_EFORMAT);
    CHECK_SAYS("parameter 'gained' is no number");
    CHECK(none == NULL);
    mid_weights_close(w);
    answers_clear(&a);
}

TEST(monitor, load)
{
    const mid_signals signals = signals_of(1, 2);
    mid_signals other = signals;
    const char *path = test_path("probe.safetensors");
    answers a = { .n = 0 };
    mid_monitor *m = NULL;
    mid_weights *w;
    char *bytes;
    size_t n;

    CHECK_FAILS(mid_monitor_load(test_ctx(), test_path("absent"), &signals, &m), MID_ENOTFOUND);
    fill(&a, &signals);
    w = fit("probe_linear", NULL, &a);
    CHECK_OK(mid_weights_save(test_ctx(), w, path));
    CHECK_OK(mid_monitor_load(test_ctx(), path, &signals, &m));
    mid_monitor_close(m);
    m = NULL;
    snprintf(other.observer, sizeof other.observer, "observer-b");
    CHECK_FAILS(mid_monitor_load(test_ctx(), path, &other, &m), MID_EMISMATCH);
    CHECK_SAYS("probe.safetensors");
    CHECK_SAYS("observer-a");
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "monitor", "length"));         /* known, but nothing to learn */
    CHECK_OK(mid_weights_save(test_ctx(), w, path));
    CHECK_FAILS(mid_monitor_load(test_ctx(), path, &signals, &m), MID_EFORMAT);
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "monitor", "no_such_monitor"));
    CHECK_OK(mid_weights_save(test_ctx(), w, path));
    CHECK_FAILS(mid_monitor_load(test_ctx(), path, &signals, &m), MID_EFORMAT);
    CHECK_SAYS("no_such_monitor");
    CHECK_OK(mid__file_read(test_ctx(), path, 0, &bytes, &n));
    path = test_write("cut.safetensors", bytes, n / 2);
    CHECK_FAILS(mid_monitor_load(test_ctx(), path, &signals, &m), MID_EFORMAT);
    CHECK(m == NULL);
    mid_free(bytes);
    mid_weights_close(w);
    answers_clear(&a);
}

/* Weights fitted on text fit any source that has text; those fitted on hidden rows only their own observer. */
TEST(monitor, text_has_no_observer)
{
    const mid_signals signals = signals_of(1, 2);
    mid_signals other = signals;
    answers a = { .n = 0 };
    mid_weights *w;
    mid_monitor *m;

    fill(&a, &signals);
    snprintf(other.observer, sizeof other.observer, "observer-b");
    w = fit("ngram_lr", NULL, &a);
    CHECK_TEXT(mid_weights_text(w, "observer"), "");
    CHECK_OK(mid_monitor_open(test_ctx(), mid_monitor_find("ngram_lr"), NULL, w, &other, &m));
    mid_monitor_close(m);
    mid_weights_close(w);
    w = fit("box", NULL, &a);
    CHECK_TEXT(mid_weights_text(w, "observer"), "observer-a");
    mid_weights_close(w);
    answers_clear(&a);
}

/* Scoring a trace says at which token a step was refused. */
TEST(monitor, score_names_the_token)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[2] = { 0, 0 };
    mid_trace *t = trace_open(&signals, "p", h);
    mid_monitor *m = monitor_of("entropy_mean", NULL, NULL, &signals);
    mid_stream *s = stream_of(m, NULL);
    double score[3];

    trace_put(t, "a", -1, 1, h);
    trace_put(t, "b", -1, NAN, h);
    CHECK_FAILS(mid_stream_score(test_ctx(), s, t, score, NULL), MID_ENUMERIC);
    CHECK_SAYS("entropy_mean");
    CHECK_SAYS("token 1");
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_trace_close(t);
}

TEST(monitor, close_of_null)
{
    mid_monitor_close(NULL);
    mid_stream_close(NULL);
}
