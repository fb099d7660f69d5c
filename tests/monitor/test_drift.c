/* embedding_drift and centroid_drift: directions by hand, the window against a mean from scratch. */
#include "traces.h"

#include "base/rng.h"

enum { D = 2 };

static mid_stream *drift_from(const mid_monitor *m, const float *prompt_hidden)
{
    const mid_prompt prompt = { .text = "p", .hidden = prompt_hidden };

    return stream_of(m, &prompt);
}

/* The prompt points along x. Rows along x, y, -x: their means are at 0, 45 and 90 degrees; zero rows first are at
 * none. */
TEST(drift, embedding_golden)
{
    static const float x[] = { 9, 9, 2, 0 }, y[] = { 9, 9, 0, 2 }, back[] = { 9, 9, -2, 0 }, zero[] = { 9, 9, 0, 0 };
    const mid_signals white = signals_of(2, D);
    mid_monitor *m = monitor_of("embedding_drift", NULL, NULL, &white);    /* the deeper of two layers */
    mid_stream *s = drift_from(m, x);
    const mid_step a = hidden_step(0, zero), b = hidden_step(1, x), c = hidden_step(2, y), d = hidden_step(3, back);

    CHECK_NEAR(push(s, &a), 1, 0);
    CHECK_NEAR(push(s, &b), 0, 1e-12);
    CHECK_NEAR(push(s, &c), 1 - 0.7071067812, 1e-9);
    CHECK_NEAR(push(s, &d), 1, 1e-12);
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(drift, reads_the_layer_it_is_told)
{
    static const float prompt[] = { 1, 0, 0, 1 }, row[] = { 1, 0, 1, 0 };
    const mid_param params[] = { { "layer", 0, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_param none[] = { { "layer", 5, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals white = signals_of(2, D);
    mid_monitor *m = monitor_of("embedding_drift", params, NULL, &white), *other = NULL;
    mid_stream *s = drift_from(m, prompt);
    const mid_step a = hidden_step(0, row);

    CHECK_NEAR(push(s, &a), 0, 1e-12);
    CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("embedding_drift"), none, NULL, &white, &other), MID_EINVAL);
    CHECK(other == NULL);
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(drift, needs_a_prompt_row)
{
    static const float bad[] = { 0, 0, 0, INFINITY };
    const mid_signals white = signals_of(2, D);
    mid_monitor *m = monitor_of("embedding_drift", NULL, NULL, &white);
    const mid_prompt prompt = { .text = "p", .hidden = bad };
    mid_stream *s;

    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    CHECK_FAILS(mid_stream_start(s, NULL), MID_ESIGNAL);
    CHECK_FAILS(mid_stream_start(s, &prompt), MID_ENUMERIC);
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* 65504 is the largest float16; wherever else stands in a row is refused, and nothing has changed. */
TEST(drift, refuses_what_float16_cannot_hold)
{
    enum { WIDE = 37 };
    static const float bad[] = { 65520, -65520, INFINITY, -INFINITY, NAN };
    const mid_signals white = signals_of(1, WIDE);
    mid_monitor *m = monitor_of("embedding_drift", NULL, NULL, &white);
    float row[WIDE];
    mid_stream *s;
    double score = -1;
    uint32_t i, k;

    for (i = 0; i < WIDE; i++)
        row[i] = i % 2 ? 65504 : -65504;
    s = drift_from(m, row);
    for (i = 0; i < WIDE; i++)
        for (k = 0; k < sizeof bad / sizeof bad[0]; k++) {
            const mid_step step = hidden_step(0, row);
            const float kept = row[i];
            row[i] = bad[k];
            CHECK_INT(mid_stream_push(s, &step, &score), MID_ENUMERIC);
            CHECK_NEAR(score, -1, 0);
            row[i] = kept;
        }
    for (i = 0; i < 3; i++) {
        const mid_step step = hidden_step(i, row);
        CHECK_NEAR(push(s, &step), 0, 1e-12);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* One layer of width W; rows are integers over 16, which float16 holds. */
enum { W = 300, N_TOK = 100, WINDOW_TOK = 32 };

static void random_row(mid__rng *rng, float *h, int n)
{
    int i;

    for (i = 0; i < n; i++)
        h[i] = (float)((int)mid__rng_below(rng, 2001) - 1000) / 16;
}

/* Mean of the last 32 of i rows. */
static void window_mean(float (*row)[W], size_t i, double *mean)
{
    const size_t from = i > WINDOW_TOK ? i - WINDOW_TOK : 0;
    size_t k, j;

    for (j = 0; j < W; j++) {
        mean[j] = 0;
        for (k = from; k < i; k++)
            mean[j] += (double)row[k][j] / (double)(i - from);
    }
}

static double cosine(const double *a, const float *b)
{
    double dot = 0, aa = 0, bb = 0;
    size_t j;

    for (j = 0; j < W; j++) {
        dot += a[j] * (double)b[j];
        aa += a[j] * a[j];
        bb += (double)b[j] * (double)b[j];
    }
    return dot / sqrt(aa * bb);
}

TEST(drift, window_is_the_mean_of_the_last_32)
{
    const uint64_t seed = 20241124;
    const mid_signals white = signals_of(1, W);
    mid_monitor *m = monitor_of("embedding_drift", NULL, NULL, &white);
    float row[N_TOK][W], prompt[W];
    double mean[W];
    mid_stream *s;
    mid__rng rng;
    uint32_t i;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    random_row(&rng, prompt, W);
    s = drift_from(m, prompt);
    for (i = 0; i < N_TOK; i++) {
        mid_step step;
        random_row(&rng, row[i], W);
        step = hidden_step(i, row[i]);
        window_mean(row, i + 1, mean);
        CHECK_NEAR(push(s, &step), 1 - cosine(mean, prompt), 1e-12);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* Layer 0 is noise; in layer 1 safe rows lean to x, unsafe ones to y. */
static mid_trace *leaning(mid__rng *rng, int label, uint32_t n_tok)
{
    const mid_signals white = signals_of(2, D);
    float h[2 * D] = { 1, 1, 1, 1 };
    mid_trace *t = trace_open(&white, "p", h);
    uint32_t i;

    for (i = 0; i < n_tok; i++) {
        random_row(rng, h, 2 * D);
        h[2] = h[2] / 100 + (float)!label;
        h[3] = h[3] / 100 + (float)label;
        trace_put(t, "x", -1, 1, h);
    }
    return t;
}

TEST(drift, centroid_finds_the_layer_and_the_side)
{
    const uint64_t seed = 20241125;
    const mid_signals white = signals_of(2, D);
    static const float x[] = { 0, 0, 1, 0 }, y[] = { 0, 0, 0, 1 }, diagonal[] = { 0, 0, 1, 1 };
    const mid_step to_x = hidden_step(0, x), to_y = hidden_step(0, y), between = hidden_step(0, diagonal);
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    mid_weights *w;
    mid_fit_set set;
    mid__rng rng;
    int i;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < 40; i++)
        answers_put(&a, leaning(&rng, i % 2, 1 + mid__rng_below(&rng, 60)), i % 2);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("centroid_drift"), NULL, &set, &w));
    CHECK_NEAR(mid_weights_number(w, "layer"), 1, 0);
    CHECK(mid_weights_number(w, "inner_auroc") > 0.95);
    mid_weights_close(w);
    m = monitor_of("centroid_drift", NULL, &a, &white);
    s = stream_of(m, NULL);
    CHECK_NEAR(push(s, &to_x), -1, 0.15);
    CHECK_OK(mid_stream_start(s, NULL));
    CHECK_NEAR(push(s, &to_y), 1, 0.15);
    CHECK_OK(mid_stream_start(s, NULL));
    CHECK_NEAR(push(s, &between), 0, 0.15);
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

/* Centroids are means over answers of the means of the windows at 1, 2, 4, ... and the end, by hand: the safe answer
 * has rows 1, 3, 5 along x, so its windows after 1, 2, 3 tokens are 1, 2, 3 and its mean is 2; the other safe one is
 * at 4. */
TEST(drift, centroid_golden)
{
    const mid_signals white = signals_of(1, D);
    float h[D] = { 0, 0 };
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_weights *w;
    mid_trace *t;
    const float *safe, *unsafe;
    int i;

    t = trace_open(&white, "p", h);
    for (i = 0; i < 3; i++) {
        h[0] = (float)(1 + 2 * i);
        trace_put(t, "x", -1, 1, h);
    }
    answers_put(&a, t, 0);
    t = trace_open(&white, "p", h);
    h[0] = 4;
    trace_put(t, "x", -1, 1, h);
    answers_put(&a, t, 0);
    t = trace_open(&white, "p", h);
    h[1] = 8;
    trace_put(t, "x", -1, 1, h);
    answers_put(&a, t, 1);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("centroid_drift"), NULL, &set, &w));
    CHECK_OK(mid_weights_expect(test_ctx(), w, "safe", 1, D, &safe));
    CHECK_OK(mid_weights_expect(test_ctx(), w, "unsafe", 1, D, &unsafe));
    CHECK_NEAR((double)safe[0], 3, 1e-6);
    CHECK_NEAR((double)safe[1], 0, 0);
    CHECK_NEAR((double)unsafe[0], 4, 1e-6);
    CHECK_NEAR((double)unsafe[1], 8, 1e-6);
    mid_weights_close(w);
    answers_clear(&a);
}
