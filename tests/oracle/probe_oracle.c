/* The probes' fit and the Mahalanobis monitor on sets read from standard input, for probe.py to compare with
 * scikit-learn.
 *     logistic n d c, n * d values, n labels, n weights         answers with two lines: w; b
 *     gauss n d n_query k, n * d values, n_query * d values     answers with three lines: distances; the whitening
 *                                                               matrix; distances by k main axes
 * Gauss rows go through a trace, so they are float16 values. */
#include "driver.h"

#include "base/logistic.h"

static void logistic(void)
{
    double *size = numbers(3);
    const size_t n = (size_t)size[0], d = (size_t)size[1];
    float *x = floats(n * d);
    uint8_t *label = labels(n);
    double *weight = numbers(n), *w = room(d, sizeof *w), b = 0;

    ok(NULL, mid__logistic_fit(NULL, x, n, d, label, weight, size[2], w, &b));
    row(w, d);
    row(&b, 1);
    free(label);
    free(w);
    free(weight);
    free(x);
    free(size);
}

static mid_trace *trace_of(const mid_signals *signals, const float *h)
{
    const mid_step step = { .have = MID_SIG_HIDDEN, .hidden = h };
    mid_trace *t;

    ok(NULL, mid_trace_open(NULL, signals, NULL, &t));
    ok(NULL, mid_trace_append(t, &step));
    return t;
}

/* Distances are scores of one-token answers. */
static void score(const mid_signals *signals, const mid_weights *w, const float *query, size_t n_query, size_t d)
{
    double *out = room(n_query, sizeof *out);
    mid_monitor *m;
    mid_stream *s;
    size_t i;

    ok(NULL, mid_monitor_open(NULL, mid_monitor_find("mahalanobis"), NULL, w, signals, &m));
    ok(NULL, mid_stream_open(NULL, m, &s));
    for (i = 0; i < n_query; i++) {
        mid_trace *t = trace_of(signals, query + i * d);
        ok(NULL, mid_stream_score(NULL, s, t, &out[i], NULL));
        mid_trace_close(t);
    }
    row(out, n_query);
    mid_stream_close(s);
    mid_monitor_close(m);
    free(out);
}

static void whitening(const mid_weights *w, size_t d)
{
    double *out = room(d * d, sizeof *out);
    const float *whiten;
    size_t i;

    ok(NULL, mid_weights_expect(NULL, w, "whiten", d, d, &whiten));
    for (i = 0; i < d * d; i++)
        out[i] = (double)whiten[i];
    row(out, d * d);
    free(out);
}

static void gauss(void)
{
    double *size = numbers(4);
    const size_t n = (size_t)size[0], d = (size_t)size[1], n_query = (size_t)size[2];
    const mid_param axes[] = { { "axes", size[3], NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = { .have = MID_SIG_HIDDEN, .n_layer = 1, .n_embd = (int)d };
    const mid_monitor_ops *ops = mid_monitor_find("mahalanobis");
    float *x = floats(n * d), *query = floats(n_query * d);
    mid_fit_answer *answer = room(n + 1, sizeof *answer);
    const mid_fit_set set = { .answer = answer, .n = n + 1, .seed = 1, .n_fold = 3 };
    mid_weights *w;
    size_t i;

    for (i = 0; i <= n; i++)        /* and an unsafe answer, which a fit asks for and this monitor leaves out */
        answer[i] = (mid_fit_answer){ trace_of(&signals, x + (i < n ? i * d : 0)), i == n, (uint32_t)i };
    ok(NULL, mid_monitor_fit(NULL, ops, NULL, &set, &w));
    score(&signals, w, query, n_query, d);
    whitening(w, d);
    mid_weights_close(w);
    ok(NULL, mid_monitor_fit(NULL, ops, axes, &set, &w));
    score(&signals, w, query, n_query, d);
    mid_weights_close(w);
    for (i = 0; i <= n; i++)
        mid_trace_close((mid_trace *)(uintptr_t)answer[i].trace);
    free(answer);
    free(query);
    free(x);
    free(size);
}

int main(void)
{
    char kind[16];

    while (scanf("%15s", kind) == 1)
        if (strcmp(kind, "logistic") == 0)
            logistic();
        else if (strcmp(kind, "gauss") == 0)
            gauss();
        else
            return 2;
    return 0;
}
