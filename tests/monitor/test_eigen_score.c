/* eigen_score by hand on inner products of two samples. */
#include "traces.h"

enum { N_LAYER = 2 };

static const char *const sample[] = { "one", "two" };

static mid_signals white(void)
{
    return (mid_signals){ .have = MID_SIG_HIDDEN | MID_SIG_SAMPLES, .n_layer = N_LAYER, .layer = { 7, 14 },
                          .n_embd = 3 };
}

/* det [[a + alpha, c], [c, b + alpha]] */
static double want(double a, double b, double c) { return log((a + 1e-3) * (b + 1e-3) - c * c) / 2; }

TEST(eigen_score, golden)
{
    static const mid_param second[] = { { "layer", 14, NULL, NULL }, { NULL, 0, NULL, NULL } };
    static const uint32_t at[] = { 1, 2, 3, 4, 7, 8, 63, 64, 127, 128, 200 };
    static const int entry[] = { 0, 1, 1, 2, 2, 3, 5, 6, 6, 7, 7 };
    const mid_signals signals = white();
    const mid_step step = { .have = 0 };
    float gram[MID_SAMPLE_AT_N * N_LAYER * 4];
    const mid_prompt prompt = { .text = "", .sample = sample, .n_sample = 2, .sample_gram = gram };
    mid_monitor *first = monitor_of("eigen_score", NULL, NULL, &signals);
    mid_monitor *other = monitor_of("eigen_score", second, NULL, &signals);
    mid_stream *s, *o;
    uint32_t t;
    int k;

    for (k = 0; k < MID_SAMPLE_AT_N; k++) {     /* layer 7: (3, 1; 1, 2), growing; layer 14: twice the same row */
        const float f = (float)(k + 1), entry_gram[] = { 3 * f, f, f, 2 * f, 4, 4, 4, 4 };
        memcpy(gram + k * N_LAYER * 4, entry_gram, sizeof entry_gram);
    }
    s = stream_of(first, &prompt);
    o = stream_of(other, &prompt);
    for (t = 1, k = 0; t <= 200; t++) {
        const double got = push(s, &step);
        if (at[k] == t) {
            const double f = entry[k++] + 1;
            CHECK_NEAR(got, want(3 * f, 2 * f, f), 1e-12);
        }
        CHECK_NEAR(push(o, &step), want(4, 4, 4), 1e-6);
    }
    mid_stream_close(s);
    mid_stream_close(o);
    mid_monitor_close(first);
    mid_monitor_close(other);
}

/* Rounding made the products of two rows impossible (c^2 > a b): the volume is then the least there can be, not NaN. */
TEST(eigen_score, rows_that_are_almost_alike)
{
    mid_signals signals = white();
    float gram[MID_SAMPLE_AT_N * 4];
    const mid_prompt prompt = { .text = "", .sample = sample, .n_sample = 2, .sample_gram = gram };
    const mid_step step = { .have = 0 };
    mid_monitor *m;
    mid_stream *s;
    int i;

    signals.n_layer = 1;
    for (i = 0; i < MID_SAMPLE_AT_N * 4; i++)
        gram[i] = i % 4 == 0 || i % 4 == 3 ? 1e6f : 1.000001e6f;
    m = monitor_of("eigen_score", NULL, NULL, &signals);
    s = stream_of(m, &prompt);
    CHECK_NEAR(push(s, &step), (log(1e6 + 1e-3) + log(1e-3)) / 2, 1e-9);
    gram[5] = NAN;
    CHECK_OK(mid_stream_start(s, &prompt));             /* above the diagonal: never read */
    gram[4] = NAN;
    CHECK_FAILS(mid_stream_start(s, &prompt), MID_ENUMERIC);
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(eigen_score, refuses)
{
    static const mid_param bad[] = { { "layer", 8, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_prompt no_rows = { .text = "", .sample = sample, .n_sample = 2 };
    mid_signals signals = white();
    mid_monitor *m = monitor_of("eigen_score", NULL, NULL, &signals), *none = NULL;
    mid_stream *s;

    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    CHECK_FAILS(mid_stream_start(s, &no_rows), MID_ESIGNAL);
    CHECK_FAILS(mid_stream_start(s, NULL), MID_ESIGNAL);
    CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("eigen_score"), bad, NULL, &signals, &none), MID_EINVAL);
    CHECK_SAYS("layer 8");
    signals.n_layer = 0;
    CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("eigen_score"), NULL, NULL, &signals, &none),
                MID_ESIGNAL);
    mid_stream_close(s);
    mid_monitor_close(m);
}
