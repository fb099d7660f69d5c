/* Weights written by hand: a monitor's formula without its fit. */
#ifndef MID_TEST_HAND_WEIGHTS_H
#define MID_TEST_HAND_WEIGHTS_H

#include "traces.h"

/* Stamped as a fit would, with default parameters but for `changed` (ends with name NULL, may be NULL). */
static inline mid_weights *hand_weights(const char *name, const mid_param *changed)
{
    const mid_monitor_ops *ops = mid_monitor_find(name);
    const mid_param *p, *c;
    mid_weights *w;
    char key[80];

    assert_non_null(ops);
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "monitor", name));
    CHECK_OK(mid_weights_set_number(test_ctx(), w, "monitor_version", ops->version));
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "observer", "observer-a"));
    for (p = ops->params; p && p->name; p++) {
        const mid_param *value = p;
        for (c = changed; c && c->name; c++)
            value = strcmp(c->name, p->name) == 0 ? c : value;
        snprintf(key, sizeof key, "param.%s", p->name);
        if (value->text)
            CHECK_OK(mid_weights_set_text(test_ctx(), w, key, value->text));
        else
            CHECK_OK(mid_weights_set_number(test_ctx(), w, key, value->number));
    }
    return w;
}

static inline void put(mid_weights *w, const char *name, const float *x, size_t n_row, size_t n_col)
{
    CHECK_OK(mid_weights_set(test_ctx(), w, name, x, n_row, n_col));
}

static inline void put_number(mid_weights *w, const char *name, double x)
{
    CHECK_OK(mid_weights_set_number(test_ctx(), w, name, x));
}

/* Open on them; the weights are taken. */
static inline mid_monitor *hand_monitor(mid_weights *given, const char *name, const mid_signals *signals)
{
    mid_monitor *m;

    CHECK_OK(mid_monitor_open(test_ctx(), mid_monitor_find(name), NULL, given, signals, &m));
    mid_weights_close(given);
    return m;
}

/* Opening fails so, and says this; the weights are taken. */
static inline void hand_refused(mid_weights *given, const char *name, const mid_signals *signals, mid_status want,
                                const char *says)
{
    mid_monitor *m = NULL;

    CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find(name), NULL, given, signals, &m), want);
    CHECK_SAYS(says);
    CHECK(m == NULL);
    mid_weights_close(given);
}

/* Fitting with this parameter fails as an argument that is out of range, and says this. */
static inline void param_refused(const char *name, const answers *a, mid_param param, const char *says)
{
    const mid_param params[] = { param, { NULL, 0, NULL, NULL } };
    const mid_fit_set set = set_of(a);
    mid_weights *w = NULL;

    CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find(name), params, &set, &w), MID_EINVAL);
    CHECK_SAYS(says);
    CHECK(w == NULL);
}

/* An answer of one token and one row of two values. */
static inline void put_row2(answers *a, const mid_signals *signals, float x, float y, int label)
{
    const float h[2] = { x, y };
    mid_trace *t = trace_open(signals, "p", NULL);

    trace_put(t, "x", -1, 1, h);
    answers_put(a, t, label);
}

#endif
