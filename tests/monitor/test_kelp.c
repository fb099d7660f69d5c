/* Kelp's recurrence by hand where one of 32 units moves, then against the formula once more in double precision,
 * and a task. */
#include "learned.h"

enum { WIDTH = 32, N_WINDOW = 64, D = 2, N_OUT = 4 * WIDTH, N_TOK = 100 };
/* Where the further weights lie: x -> gates, their bias, U_zr^T, U_c^T, w, b. */
enum { AT_BIAS = 3 * WIDTH * WIDTH, AT_ZR = AT_BIAS + 3 * WIDTH, AT_C = AT_ZR + 2 * WIDTH * WIDTH,
       AT_W = AT_C + WIDTH * WIDTH, AT_B = AT_W + WIDTH, N_MORE };

static const uint64_t seed = 20260302;
static const double dt = 1.0 / 128;

static mid_weights *weights_of(const float *w, const float *b, const float *more)
{
    mid_weights *weights = hand_weights("kelp", NULL);

    put(weights, "w", w, N_OUT, D);
    put(weights, "b", b, 1, N_OUT);
    put(weights, "more", more, 1, N_MORE);
    put_number(weights, "layer", 0);
    return weights;
}

/* In unit 0: q = v = h_0, k = h_1, start = h_0 / 2; z reads x / 2 - 1/4 + m / 2, r reads 1 - m, c reads
 * x - 1/2 + 2 r m. The other units get x = 0 and c = 0, so that their m stays 0. Logit 3 m - 1. */
static mid_weights *weights_one_unit(void)
{
    float w[N_OUT * D] = { 0 }, b[N_OUT] = { 0 }, more[N_MORE] = { 0 };

    w[0] = 1;
    w[WIDTH * D + 1] = 1;
    w[2 * WIDTH * D] = 1;
    w[3 * WIDTH * D] = 0.5f;
    more[0] = 0.5f;
    more[2 * WIDTH] = 1;
    more[AT_BIAS] = -0.25f;
    more[AT_BIAS + WIDTH] = 1;
    more[AT_BIAS + 2 * WIDTH] = -0.5f;
    more[AT_ZR] = 0.5f;
    more[AT_ZR + WIDTH] = -1;
    more[AT_C] = 2;
    more[AT_W] = 3;
    more[AT_B] = -1;
    return weights_of(w, b, more);
}

/* Prompt row (1, 0): m_0 = tanh(1/2) = .462117.
 * Row (1, 2), alone in its window: x = 1, z = sigmoid(.5 - .25 + .231059) = .617998, r = sigmoid(.537883) = .631320,
 *   c = tanh(.5 + 2 .631320 .462117) = .794489, m = .462117 + 129/128 .617998 (.794489 - .462117) = .669127
 * Row (2, -1): q k / sqrt(32) = 4 / 5.656854 and -2 / 5.656854, weights .742817 and .257183,
 *   x = .742817 + 2 .257183 = 1.257183, z = .671098, r = .581972, c = .911447, m = .833018 */
TEST(kelp, golden)
{
    static const float prompt_row[D] = { 1, 0 }, h[][D] = { { 1, 2 }, { 2, -1 } };
    const mid_prompt prompt = { .text = "p", .hidden = prompt_row };
    const mid_signals signals = signals_of(1, D);
    const mid_step step[] = { hidden_step(0, h[0]), hidden_step(1, h[1]) };
    mid_monitor *m = hand_monitor(weights_one_unit(), "kelp", &signals);
    mid_stream *s = stream_of(m, &prompt);

    CHECK_NEAR(push(s, &step[0]), 3 * 0.669127 - 1, 1e-5);
    CHECK_NEAR(push(s, &step[1]), 3 * 0.833018 - 1, 1e-5);
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* Without the prompt's row m_0 = 0: z = sigmoid(.25) = .562177, c = tanh(.5) = .462117, m = 129/128 z c = .261821. */
TEST(kelp, unknown_prompt)
{
    static const float h[D] = { 1, 2 };
    const mid_signals signals = signals_of(1, D);
    const mid_step step = hidden_step(0, h);
    mid_monitor *m = hand_monitor(weights_one_unit(), "kelp", &signals);
    mid_stream *s = stream_of(m, NULL);

    CHECK_NEAR(push(s, &step), 3 * 0.261821 - 1, 1e-5);
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* ---- the formula once more --------------------------------------------------------------------------------------- */

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* Row j of one of the map's four parts. */
static double mapped(const float *w, const float *b, int part, int j, const float *h)
{
    const int i = part * WIDTH + j;

    return (double)b[i] + (double)w[i * D] * (double)h[0] + (double)w[i * D + 1] * (double)h[1];
}

/* x (WIDTH) at token t: attention over the last N_WINDOW tokens. */
static void attended(const float *w, const float *b, const float h[][D], int t, double *x)
{
    const int first = t < N_WINDOW ? 0 : t - N_WINDOW + 1;
    double total = 0;
    int i, j;

    memset(x, 0, WIDTH * sizeof *x);
    for (i = first; i <= t; i++) {
        double qk = 0;
        for (j = 0; j < WIDTH; j++)
            qk += mapped(w, b, 0, j, h[t]) * mapped(w, b, 1, j, h[i]);
        qk = exp(qk / sqrt(WIDTH));
        total += qk;
        for (j = 0; j < WIDTH; j++)
            x[j] += qk * mapped(w, b, 2, j, h[i]);
    }
    for (j = 0; j < WIDTH; j++)
        x[j] /= total;
}

/* gate of unit j, 0 z, 1 r, 2 c, before its sigmoid or tanh and without the memory's part. */
static double from_x(const float *more, int gate, int j, const double *x)
{
    double sum = (double)more[AT_BIAS + gate * WIDTH + j];
    int i;

    for (i = 0; i < WIDTH; i++)
        sum += x[i] * (double)more[i * 3 * WIDTH + gate * WIDTH + j];
    return sum;
}

static void remember(const float *more, const double *x, double *m)
{
    double z[WIDTH], r[WIDTH], c[WIDTH];
    int i, j;

    for (j = 0; j < WIDTH; j++) {
        z[j] = from_x(more, 0, j, x);
        r[j] = from_x(more, 1, j, x);
        for (i = 0; i < WIDTH; i++) {
            z[j] += m[i] * (double)more[AT_ZR + i * 2 * WIDTH + j];
            r[j] += m[i] * (double)more[AT_ZR + i * 2 * WIDTH + WIDTH + j];
        }
    }
    for (j = 0; j < WIDTH; j++)
        for (c[j] = from_x(more, 2, j, x), i = 0; i < WIDTH; i++)
            c[j] += sigmoid(r[i]) * m[i] * (double)more[AT_C + i * WIDTH + j];
    for (j = 0; j < WIDTH; j++)
        m[j] += (1 + dt) * sigmoid(z[j]) * (tanh(c[j]) - m[j]);
}

/* Random weights; more tokens than the window holds. */
TEST(kelp, formula_in_double)
{
    const mid_signals signals = signals_of(1, D);
    static float w[N_OUT * D], b[N_OUT], more[N_MORE], h[N_TOK + 1][D];
    const mid_prompt prompt = { .text = "p", .hidden = h[N_TOK] };
    double x[WIDTH], m[WIDTH], logit, worst = 0;
    mid_monitor *monitor;
    mid_stream *s;
    mid__rng rng;
    int t, j;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 1);
    scatter_weights(&rng, w, N_OUT * D, 0.5);
    scatter_weights(&rng, b, N_OUT, 0.5);
    scatter_weights(&rng, more, N_MORE, 0.3);
    scatter_weights(&rng, h[0], (N_TOK + 1) * D, 1.5);
    monitor = hand_monitor(weights_of(w, b, more), "kelp", &signals);
    s = stream_of(monitor, &prompt);
    for (j = 0; j < WIDTH; j++)
        m[j] = tanh(mapped(w, b, 3, j, h[N_TOK]));
    for (t = 0; t < N_TOK; t++) {
        const mid_step step = hidden_step((uint32_t)t, h[t]);
        attended(w, b, (const float (*)[D])h, t, x);
        remember(more, x, m);
        for (logit = (double)more[AT_B], j = 0; j < WIDTH; j++)
            logit += (double)more[AT_W + j] * m[j];
        worst = fmax(worst, fabs(push(s, &step) - logit));
    }
    print_message("  off by %.1e at most\n", worst);
    CHECK(worst < 1e-4);
    mid_stream_close(s);
    mid_monitor_close(monitor);
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* All begin alike; behind the tenth token unsafe answers lean to one side, within noise that is wider. */
static void write_turning(mid__rng *rng, mid_trace *t, int label)
{
    const int n = 20 + (int)mid__rng_below(rng, 21);
    int i;

    for (i = 0; i < n; i++) {
        const float side = label && i >= 10 ? 1.2f : 0;
        const float h[3] = { around_zero(rng, 2), around_zero(rng, 2) + side, around_zero(rng, 1) };
        trace_put(t, "x", -1, 1, h);
    }
}

TEST(kelp, learns)
{
    const mid_signals signals = signals_of(1, 3);

    check_learns("kelp", &signals, write_turning, seed, 0.9);
}

TEST(kelp, refuses)
{
    const mid_signals signals = signals_of(1, D);
    answers a = { .n = 0 };
    mid_weights *w = weights_one_unit();
    int i;

    check_refuses(weights_one_unit, "kelp", &signals, "w", N_OUT, D);
    check_refuses(weights_one_unit, "kelp", &signals, "b", 1, N_OUT);
    check_refuses(weights_one_unit, "kelp", &signals, "more", 1, N_MORE);
    put_number(w, "layer", 7);
    hand_refused(w, "kelp", &signals, MID_ESIGNAL, "layer 7");
    for (i = 0; i < 4; i++)
        put_row2(&a, &signals, (float)i, 1, i & 1);
    param_refused("kelp", &a, (mid_param){ "start", -1, NULL, NULL }, "start -1");
    param_refused("kelp", &a, (mid_param){ "start", 129, NULL, NULL }, "start 129");
    param_refused("kelp", &a, (mid_param){ "start", 2.5, NULL, NULL }, "start 2.5");
    answers_clear(&a);
}
