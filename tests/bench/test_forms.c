/* A monitor and its aggregated forms: fitted once for all, kept in the store, and the same to the bit as each form fitted
 * and run on its own. */
#include "../monitor/traces.h"

#include "base/rng.h"
#include "bench/forms.h"

enum { N = 36, D = 3, N_FOLD = 4, N_FORM = 6 };

static const uint64_t seed = 20240619;
static const char *const form_text[N_FORM] = {
    "probe_linear", "probe_linear+max", "probe_linear+cusum", "probe_linear+position_norm+max", "probe_linear+in_a_row(3)",
    "probe_linear+noisy_or(4)"
};

/* The linear probe, counting how often it is fitted. */
static int n_fit;

static mid_status counting_fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    n_fit++;
    return mid_monitor_find("probe_linear")->fit(ctx, set, params, out);
}

static mid_monitor_ops counted;

struct bench {
    mid__run run;
    mid__set set;
    mid_plan plan;
    pthread_mutex_t lock;
    mid_sample sample;
    mid__answer answer[N];
};

static mid_trace *random_trace(uint64_t i, int label)
{
    const mid_signals signals = signals_of(1, D);
    float h[D] = { 0 };
    mid_trace *t = trace_open(&signals, "p", h);
    uint32_t n, k, j;
    mid__rng rng;

    mid__rng_init(&rng, seed, i);
    n = 1 + mid__rng_below(&rng, 12);
    for (k = 0; k < n; k++) {
        for (j = 0; j < D; j++)
            h[j] = (float)(2 * mid__rng_unit(&rng) - 1) + (float)(label * (j == 1));
        trace_put(t, "x", -1, 1, h);
    }
    return t;
}

static void bench_open(struct bench *b, const char *store)
{
    size_t i;

    memset(b, 0, sizeof *b);
    counted = *mid_monitor_find("probe_linear");
    counted.fit = counting_fit;
    n_fit = 0;
    pthread_mutex_init(&b->lock, NULL);
    b->sample = (mid_sample){ .id = "s" };
    b->plan = (mid_plan){ .seed = 5, .n_fold = N_FOLD, .n_inner = 2 };
    b->set = (mid__set){ .plan = &b->plan, .answer = b->answer, .n = N, .signals = signals_of(1, D),
                         .key = mid_key_of("set", NULL) };
    b->run = (mid__run){ .ctx = test_ctx(), .plan = &b->plan, .store_lock = &b->lock };
    CHECK_OK(mid_store_open(test_ctx(), test_path(store), &b->run.store));
    for (i = 0; i < N; i++)
        b->answer[i] = (mid__answer){ .sample = &b->sample, .group = (uint32_t)i, .fold = (int)(i / 2 % N_FOLD),
                                      .trace = random_trace(i, i % 2), .label = { .unsafe = i % 2 } };
}

static void bench_close(struct bench *b)
{
    size_t i;

    for (i = 0; i < N; i++)
        mid_trace_close(b->answer[i].trace);
    mid_store_close(b->run.store);
    pthread_mutex_destroy(&b->lock);
}

static mid_plan_monitor entry(const char *text, const mid_param *params)
{
    mid_plan_monitor m = { .text = text, .params = params };

    CHECK_OK(mid_monitor_spec_parse(test_ctx(), text, &m.spec));
    m.name = m.spec.monitor->name;
    if (strcmp(m.name, "probe_linear") == 0)
        m.spec.monitor = &counted;
    m.ops = m.spec.monitor;
    return m;
}

/* Score these forms as one family. */
static void score(struct bench *b, const char *const *text, size_t n, mid__scores *out)
{
    mid_plan_monitor m[N_FORM];
    const mid_plan_monitor *at[N_FORM];
    mid__scores *into[N_FORM];
    size_t i;

    for (i = 0; i < n; i++) {
        m[i] = entry(text[i], NULL);
        at[i] = &m[i];
        into[i] = &out[i];
    }
    CHECK_OK(mid__scores_of_family(&b->run, &b->set, at, n, into));
}

static void clear(mid__scores *s, size_t n)
{
    while (n)
        mid__scores_clear(&s[--n]);
}

TEST(forms, are_fitted_once)
{
    const char *const late[] = { "probe_linear+ema(0.5)" }, *const learns[] = { "probe_linear+cusum+max" };
    mid__scores s[N_FORM];
    struct bench b;

    bench_open(&b, "once.db");
    score(&b, form_text, N_FORM, s);
    CHECK_INT(n_fit, 2 * N_FOLD);
    clear(s, N_FORM);
    score(&b, form_text, N_FORM, s);                    /* all of them lie in the store */
    CHECK_INT(n_fit, 2 * N_FOLD);
    clear(s, N_FORM);
    score(&b, late, 1, s);                              /* a new one that learns nothing needs the monitor's scores alone */
    CHECK_INT(n_fit, 2 * N_FOLD);
    CHECK(s[0].defined);
    clear(s, 1);
    score(&b, learns, 1, s);                            /* one that does goes through the fits once more */
    CHECK_INT(n_fit, 4 * N_FOLD);
    CHECK(s[0].defined);
    clear(s, 1);
    bench_close(&b);
}

/* Fit this form by itself on all answers outside two folds. */
static void fit_alone(const struct bench *b, const char *text, int fold, int cal, mid_weights **w, mid_monitor **m)
{
    const mid_signals signals = signals_of(1, D);
    mid_fit_answer answer[N];
    mid_fit_set set = { .answer = answer, .seed = b->plan.seed, .n_fold = b->plan.n_inner };
    mid_monitor_spec spec;
    size_t i;

    for (i = 0; i < N; i++)
        if (b->answer[i].fold != fold && b->answer[i].fold != cal)
            answer[set.n++] = (mid_fit_answer){ b->answer[i].trace, b->answer[i].label.unsafe, b->answer[i].group };
    CHECK_OK(mid_monitor_spec_parse(test_ctx(), text, &spec));
    CHECK_OK(mid_monitor_spec_fit(test_ctx(), &spec, NULL, &set, w));
    CHECK_OK(mid_monitor_spec_open(test_ctx(), &spec, NULL, *w, &signals, m));
}

/* Scores of a fold by a monitor, against those that stand in `have`. */
static void check_fold(const struct bench *b, const mid_monitor *m, int fold, const mid__scores *s, const double *have,
                       const double *extreme)
{
    double score_of[20], largest;
    mid_stream *stream;
    size_t i, t;

    CHECK_OK(mid_stream_open(test_ctx(), m, &stream));
    for (i = 0; i < N; i++) {
        const size_t n = mid_trace_n_tok(b->answer[i].trace);
        if (b->answer[i].fold != fold)
            continue;
        CHECK_OK(mid_stream_score(test_ctx(), stream, b->answer[i].trace, score_of, NULL));
        if (have)
            assert_memory_equal(have + s->at[i], score_of, n * sizeof *score_of);
        for (t = 0, largest = -INFINITY; t < n; t++)
            largest = fmax(largest, score_of[t]);
        if (extreme)
            CHECK(extreme[i] == largest);
    }
    mid_stream_close(stream);
}

TEST(forms, are_what_fitting_each_gives)
{
    mid__scores s[N_FORM];
    mid_weights *w;
    mid_monitor *m;
    struct bench b;
    size_t k;
    int fold;

    bench_open(&b, "each.db");
    score(&b, form_text, N_FORM, s);
    for (k = 0; k < N_FORM; k++) {
        CHECK(s[k].defined && !s[k].why[0]);
        CHECK(s[k].us_p50 >= s[0].us_p50 && s[k].us_p50 < s[0].us_p50 + 100);
        for (fold = 0; fold < N_FOLD; fold++) {
            const int cal = (fold + 1) % N_FOLD;
            fit_alone(&b, form_text[k], fold, -1, &w, &m);
            check_fold(&b, m, fold, &s[k], s[k].rank, NULL);
            mid_monitor_close(m);
            mid_weights_close(w);
            fit_alone(&b, form_text[k], fold, cal, &w, &m);
            check_fold(&b, m, fold, &s[k], s[k].rule, NULL);
            check_fold(&b, m, cal, &s[k], NULL, s[k].cal_extreme);
            mid_monitor_close(m);
            mid_weights_close(w);
        }
    }
    clear(s, N_FORM);
    bench_close(&b);
}

/* What is handed on is the rule model of fold 0 with its chain. */
TEST(forms, hand_their_weights_on)
{
    const mid_signals signals = signals_of(1, D);
    mid__scores s[N_FORM];
    mid_weights *w;
    mid_monitor *m;
    struct bench b;
    size_t k;

    bench_open(&b, "hand.db");
    score(&b, form_text, N_FORM, s);
    for (k = 0; k < N_FORM; k++) {
        const mid_plan_monitor e = entry(form_text[k], NULL);
        CHECK_OK(mid__fitted_of(&b.run, &b.set, &e, &s[k], &w));
        CHECK_OK(mid_weights_save(test_ctx(), w, test_path("form.safetensors")));
        mid_weights_close(w);
        CHECK_OK(mid_monitor_load(test_ctx(), test_path("form.safetensors"), &signals, &m));
        check_fold(&b, m, 0, &s[k], s[k].rule, NULL);
        mid_monitor_close(m);
    }
    clear(s, N_FORM);
    bench_close(&b);
}

/* A chain that finds nothing to learn from (no answer is that long) has its reason; the others are not held up. A monitor
 * that cannot be scored takes all its forms along. */
TEST(forms, that_cannot_be_scored)
{
    static const mid_param no_layer[] = { { "layer", 7, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const char *const two[] = { "probe_linear+in_a_row(200)+cusum", "probe_linear+max" };
    mid__scores s[N_FORM];
    mid_plan_monitor m[2];
    struct bench b;

    bench_open(&b, "cannot.db");
    score(&b, two, 2, s);
    CHECK(!s[0].defined && s[1].defined);
    CHECK(strstr(s[0].why, "cusum learns from scores of both classes: 0 safe and 0 unsafe") != NULL);
    clear(s, 2);
    b.set.signals.have = MID_SIG_TEXT;                  /* hidden rows that the source does not announce */
    b.set.key = mid_key_of("another set", NULL);
    score(&b, two, 2, s);
    CHECK(!s[0].defined && !s[1].defined && s[0].why[0] && s[1].why[0]);
    clear(s, 2);
    b.set.signals = signals_of(1, D);
    m[0] = entry("probe_linear+max", no_layer);
    CHECK_FAILS(mid__scores_of(&b.run, &b.set, &m[0], &s[0]), MID_EINVAL);
    clear(s, 1);
    bench_close(&b);
}

/* Of one family are entries with the same monitor and parameters; a key is a form's own. */
TEST(forms, keys)
{
    static const mid_param c[] = { { "c", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_plan_monitor a = entry("probe_linear", NULL), max = entry("probe_linear+max", NULL),
                           ema = entry("probe_linear+ema(0.5)", NULL), ema_9 = entry("probe_linear+ema", NULL),
                           other = entry("probe_linear+max", c);
    struct bench b;

    bench_open(&b, "keys.db");
#define SAME(which, x, y) (strcmp(mid__##which##_key(&b.run, &b.set, x).hex, mid__##which##_key(&b.run, &b.set, y).hex) == 0)
    CHECK(SAME(family, &a, &max) && SAME(family, &a, &ema) && !SAME(family, &max, &other));
    CHECK(!SAME(scores, &a, &max) && !SAME(scores, &ema, &ema_9) && !SAME(scores, &max, &other) && SAME(scores, &a, &a));
#undef SAME
    bench_close(&b);
}
