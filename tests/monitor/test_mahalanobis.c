/* Mahalanobis distances by hand. Safe rows (+-2, 0), (0, +-1), one an answer:
 *   mu = 0, S = diag(2, 1/2), tr S = 5/2, |S|^2 = 17/4, mean |x|^4 = 34/4
 *   delta = (17/4 - (5/2)^2 / 2) / 2 = 9/16, beta = (34/4 - 17/4) / (4 * 2) = 17/32, rho = 17/18
 *   Sigma = S / 18 + 17/18 * 5/4 I = diag(23.25, 21.75) / 18 */
#include "hand_weights.h"

#include "base/rng.h"

TEST(mahalanobis, golden)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[][2] = { { 1, 0 }, { 0, 1 }, { 3, 4 } };
    const double md[] = { sqrt(18 / 23.25), sqrt(18 / 21.75), sqrt(9 * 18 / 23.25 + 16 * 18 / 21.75) };
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    double sum = 0;
    uint32_t i;

    put_row2(&a, &signals, 2, 0, 0);
    put_row2(&a, &signals, -2, 0, 0);
    put_row2(&a, &signals, 0, 1, 0);
    put_row2(&a, &signals, 0, -1, 0);
    put_row2(&a, &signals, 9, 9, 1);             /* unsafe: no part of mu and Sigma */
    m = monitor_of("mahalanobis", NULL, &a, &signals);
    s = stream_of(m, NULL);
    for (i = 0; i < 3; i++) {
        const mid_step step = hidden_step(i, h[i]);
        sum += md[i];
        CHECK_NEAR(push(s, &step), sum / (i + 1), 1e-6);        /* the whitening matrix is stored as float32 */
    }
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

TEST(mahalanobis, undefined)
{
    const mid_monitor_ops *ops = mid_monitor_find("mahalanobis");
    const mid_signals signals = signals_of(1, 2);
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_fit_set set;

    put_row2(&a, &signals, 1, 2, 0);
    put_row2(&a, &signals, 9, 9, 1);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w), MID_EUNDEFINED);
    CHECK_SAYS("1 safe rows");
    put_row2(&a, &signals, 1, 2, 0);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w), MID_EUNDEFINED);
    CHECK_SAYS("all alike");
    CHECK(w == NULL);
    answers_clear(&a);
}

static void put_row(answers *a, const mid_signals *signals, const float *h, int label)
{
    mid_trace *t = trace_open(signals, "p", NULL);

    trace_put(t, "x", -1, 1, h);
    answers_put(a, t, label);
}

/* The rows above with a third coordinate of 0, and one axis, which is x:
 *   tr S / 3 = 5/6, delta = (17/4 - 25/12) / 3 = 13/18, beta = (34/4 - 17/4) / (4 * 3) = 17/48, rho = 51/104
 *   l_1 = 53/104 * 2 + 51/104 * 5/6 = 148.5/104,  l_rest = (5/2 - l_1) / 2 = 55.75/104 */
TEST(mahalanobis, axes_golden)
{
    const mid_param params[] = { { "axes", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    static const float row[][3] = { { 2, 0, 0 }, { -2, 0, 0 }, { 0, 1, 0 }, { 0, -1, 0 } }, far[] = { 9, 9, 9 };
    static const float h[][3] = { { 1, 0, 0 }, { 0, 1, 0 }, { 3, 4, 1 } };
    const double l = 148.5 / 104, l_rest = 55.75 / 104;
    const double md[] = { sqrt(1 / l), sqrt(1 / l_rest), sqrt(9 / l + 17 / l_rest) };
    const mid_signals signals = signals_of(1, 3);
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    double sum = 0;
    uint32_t i;

    for (i = 0; i < 4; i++)
        put_row(&a, &signals, row[i], 0);
    put_row(&a, &signals, far, 1);
    m = monitor_of("mahalanobis", params, &a, &signals);
    s = stream_of(m, NULL);
    for (i = 0; i < 3; i++) {
        const mid_step step = hidden_step(i, h[i]);
        sum += md[i];
        CHECK_NEAR(push(s, &step), sum / (i + 1), 1e-6);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

enum { D = 20 };

/* Coordinates of falling size, some of them correlated; what a trace keeps is float16. */
static void draw_row(mid__rng *rng, float *h)
{
    size_t j;

    for (j = 0; j < D; j++)
        h[j] = (float)((mid__rng_unit(rng) - 0.5) * 4 / (double)(j + 1)) + (j ? h[j - 1] / 2 : 1);
}

/* With as many axes as there are dimensions nothing is left out: the full form to what float32 weights round, also
 * where fewer rows leave fewer axes and the rest is what shrinkage put there. */
TEST(mahalanobis, all_axes_are_the_full_form)
{
    static const int n_row[] = { 8, 21, 150 };
    const mid_param params[] = { { "axes", D, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, D);
    const uint64_t seed = 20241124;
    float h[D];
    mid__rng rng;
    size_t k;
    int i;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (k = 0; k < sizeof n_row / sizeof n_row[0]; k++) {
        answers a = { .n = 0 };
        mid_monitor *m[2];
        mid_stream *s[2];
        for (i = 0; i <= n_row[k]; i++) {
            draw_row(&rng, h);
            put_row(&a, &signals, h, i == n_row[k]);
        }
        m[0] = monitor_of("mahalanobis", NULL, &a, &signals);
        m[1] = monitor_of("mahalanobis", params, &a, &signals);
        s[0] = stream_of(m[0], NULL);
        s[1] = stream_of(m[1], NULL);
        for (i = 0; i < 50; i++) {
            mid_step step;
            double full;
            draw_row(&rng, h);
            step = hidden_step((uint32_t)i, h);
            full = push(s[0], &step);
            CHECK_NEAR(push(s[1], &step), full, 1e-5 * full);
        }
        for (i = 0; i < 2; i++) {
            mid_stream_close(s[i]);
            mid_monitor_close(m[i]);
        }
        answers_clear(&a);
    }
}

TEST(mahalanobis, bad_axes)
{
    const mid_param params[] = { { "axes", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const float mu[2] = { 0 }, axis[] = { 1, 0 }, precision[] = { 1, -1 };
    const mid_monitor_ops *ops = mid_monitor_find("mahalanobis");
    const mid_signals signals = signals_of(1, 2);
    mid_weights *w = hand_weights("mahalanobis", params);
    answers a = { .n = 0 };
    mid_fit_set set;
    int i;

    put(w, "mu", mu, 1, 2);
    put(w, "axis", axis, 1, 2);
    put(w, "precision", precision, 1, 2);
    put_number(w, "layer", 0);
    hand_refused(w, "mahalanobis", &signals, MID_EFORMAT, "precision -1 of axis 1");
    for (i = 0; i < 3; i++)
        put_row2(&a, &signals, 1, 2, i == 2);
    param_refused("mahalanobis", &a, (mid_param){ "axes", -1, NULL, NULL }, "axes -1");
    param_refused("mahalanobis", &a, (mid_param){ "axes", 1.5, NULL, NULL }, "axes 1.5");
    set = set_of(&a);
    w = NULL;
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, params, &set, &w), MID_EUNDEFINED);
    CHECK_SAYS("all alike");
    CHECK(w == NULL);
    answers_clear(&a);
}
