/* gru_probe and logprob_gru: two tokens by hand where one unit moves, the formula once more in double precision, and
 * tasks whose classes have the same mean. */
#include "learned.h"

enum { D = 2, WHITE = 64, GREY = 32, N_TOK = 40, N_X_MAX = 4, N_MORE_MAX = 3 * WHITE * WHITE + WHITE + 1 };

static const uint64_t seed = 20260303;

/* The monitors differ in width h and in the numbers n_x that they read of a token. */
typedef struct shape { const char *name; int h, n_x; } shape;
static const shape white = { "gru_probe", WHITE, D + 2 }, grey = { "logprob_gru", GREY, 3 };

static size_t n_more(const shape *s) { return (size_t)(3 * s->h * s->h + s->h + 1); }

static mid_weights *weights_of(const shape *s, const float *w, const float *b, const float *more)
{
    mid_weights *weights = hand_weights(s->name, NULL);

    put(weights, "w", w, (size_t)(3 * s->h), (size_t)s->n_x);
    put(weights, "b", b, 1, (size_t)(3 * s->h));
    put(weights, "more", more, 1, n_more(s));
    if (s->h == WHITE)
        put_number(weights, "layer", 0);
    return weights;
}

/* In unit 0: a_z = .1 x_0, a_r = .2 x_0 + .5 x_last, a_c = -.3 x_0 + .25; U_z = .5, U_r = -1, U_c = 2.
 * Logit 4 m + .5. */
static mid_weights *weights_one_unit(const shape *s)
{
    float w[3 * WHITE * N_X_MAX] = { 0 }, b[3 * WHITE] = { 0 }, more[N_MORE_MAX] = { 0 };
    const int h = s->h, r = h * s->n_x, c = 2 * r;

    w[0] = 0.1f;
    w[r] = 0.2f;
    w[r + s->n_x - 1] = 0.5f;
    w[c] = -0.3f;
    b[2 * h] = 0.25f;
    more[0] = 0.5f;
    more[h] = -1;
    more[2 * h * h] = 2;
    more[3 * h * h] = 4;
    more[3 * h * h + h] = 0.5f;
    return weights_of(s, w, b, more);
}

static mid_weights *white_weights(void) { return weights_one_unit(&white); }
static mid_weights *grey_weights(void) { return weights_one_unit(&grey); }

/* x_0 of a white step is h_0 and its last the entropy; of a grey one -ln p and the margin. */
static mid_step step_of(const shape *s, uint32_t i_tok, const float *x, float *room)
{
    static const int32_t token[] = { 7, 8 };
    mid_step step = { .have = MID_SIG_LOGPROB | MID_SIG_ENTROPY, .i_tok = i_tok };

    if (s->h == WHITE) {
        step.have |= MID_SIG_HIDDEN;
        step.hidden = x;
        step.lp = -x[D];
        step.entropy_nats = x[D + 1];
        return step;
    }
    room[0] = 0;
    room[1] = -x[2];
    step.have |= MID_SIG_TOP;
    step.n_top = 2;
    step.top_token = token;
    step.top_lp = room;
    step.lp = -x[0];
    step.entropy_nats = x[1];
    return step;
}

/* x_0 = 1, x_last = 0: m = 0, z = sigmoid(.1) = .524979, c = tanh(-.05) = -.049958, m = z c = -.026227.
 * x_0 = 2, x_last = 1: z = sigmoid(.2 - .013114) = .546586, r = sigmoid(.9 + .026227) = .716309,
 *   c = tanh(-.35 + 2 .716309 (-.026227)) = -.369266, m = .453414 (-.026227) + .546586 (-.369266) = -.213728 */
static void check_golden(const shape *s)
{
    const mid_signals signals = signals_of(1, D);
    mid_monitor *m = hand_monitor(weights_one_unit(s), s->name, &signals);
    mid_stream *stream = stream_of(m, NULL);
    const float first[N_X_MAX] = { 1 };
    float second[N_X_MAX] = { 2 }, room[2];
    mid_step step = step_of(s, 0, first, room);

    second[s->n_x - 1] = 1;
    CHECK_NEAR(push(stream, &step), 4 * -0.026227 + 0.5, 1e-5);
    step = step_of(s, 1, second, room);
    CHECK_NEAR(push(stream, &step), 4 * -0.213728 + 0.5, 1e-5);
    mid_stream_close(stream);
    mid_monitor_close(m);
}

TEST(gru_probe, golden) { check_golden(&white); }
TEST(logprob_gru, golden) { check_golden(&grey); }

/* ---- the formula once more --------------------------------------------------------------------------------------- */

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static void remember(const shape *s, const float *w, const float *b, const float *u, const float *x, double *m)
{
    const int h = s->h;
    double a[3 * WHITE];
    int i, j;

    for (i = 0; i < 3 * h; i++)
        for (a[i] = (double)b[i], j = 0; j < s->n_x; j++)
            a[i] += (double)w[i * s->n_x + j] * (double)x[j];
    for (i = 0; i < 2 * h; i++) {
        for (j = 0; j < h; j++)
            a[i] += (double)u[j * 2 * h + i] * m[j];
        a[i] = sigmoid(a[i]);
    }
    for (i = 0; i < h; i++)
        for (j = 0; j < h; j++)
            a[2 * h + i] += (double)u[2 * h * h + j * h + i] * a[h + j] * m[j];
    for (i = 0; i < h; i++)
        m[i] = (1 - a[i]) * m[i] + a[i] * tanh(a[2 * h + i]);
}

static void check_formula(const shape *s)
{
    static float w[3 * WHITE * N_X_MAX], b[3 * WHITE], more[N_MORE_MAX];
    const mid_signals signals = signals_of(1, D);
    const float *v = more + 3 * s->h * s->h;
    double m[WHITE] = { 0 }, logit, worst = 0;
    float x[N_X_MAX], room[2];
    mid_monitor *monitor;
    mid_stream *stream;
    mid__rng rng;
    uint32_t t;
    int j;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 1);
    scatter_weights(&rng, w, (size_t)(3 * s->h * s->n_x), 0.7);
    scatter_weights(&rng, b, (size_t)(3 * s->h), 0.5);
    scatter_weights(&rng, more, n_more(s), 0.4);
    monitor = hand_monitor(weights_of(s, w, b, more), s->name, &signals);
    stream = stream_of(monitor, NULL);
    for (t = 0; t < N_TOK; t++) {
        mid_step step;
        for (j = 0; j < s->n_x; j++)
            x[j] = (float)(3 * mid__rng_unit(&rng));
        step = step_of(s, t, x, room);
        remember(s, w, b, more, x, m);
        for (logit = (double)v[s->h], j = 0; j < s->h; j++)
            logit += (double)v[j] * m[j];
        worst = fmax(worst, fabs(push(stream, &step) - logit));
    }
    print_message("  off by %.1e at most\n", worst);
    CHECK(worst < 1e-4);
    mid_stream_close(stream);
    mid_monitor_close(monitor);
}

TEST(gru_probe, formula_in_double) { check_formula(&white); }
TEST(logprob_gru, formula_in_double) { check_formula(&grey); }

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* One half leans to one side, the other half to the other, which comes first is the label: the mean of a whole answer
 * says nothing, its end does. */
static void write_order(mid__rng *rng, mid_trace *t, int label)
{
    const int n = 9 + (int)mid__rng_below(rng, 10);
    int i;

    for (i = 0; i < n; i++) {
        const float side = (i < n / 2) == label ? 1 : -1;
        const float h[3] = { around_zero(rng, 2), side + around_zero(rng, 0.5), around_zero(rng, 1) };
        trace_put(t, "x", -1, 1, h);
    }
}

/* Unlikely tokens first or likely ones first, and a last third between them: here the end says nothing either. */
static void write_order_grey(mid__rng *rng, mid_trace *t, int label)
{
    const int n = 9 + (int)mid__rng_below(rng, 10);
    const float h[3] = { 0 };
    int i;

    for (i = 0; i < n; i++) {
        const float side = i >= 2 * (n / 3) ? 0 : (i < n / 3) == label ? 1 : -1;
        trace_put(t, "x", -2 - side - around_zero(rng, 0.5), 2 + around_zero(rng, 1), h);
    }
}

TEST(gru_probe, learns_order)
{
    const mid_signals signals = signals_of(1, 3);

    check_learns("gru_probe", &signals, write_order, seed, 0.9);
}

TEST(logprob_gru, learns_order)
{
    const mid_signals signals = signals_of(1, 3);

    check_learns("logprob_gru", &signals, write_order_grey, seed, 0.9);
}

/* ---- bad weights, bad steps -------------------------------------------------------------------------------------- */

TEST(gru_probe, refuses)
{
    const mid_signals signals = signals_of(1, D);
    mid_weights *w = white_weights();

    check_refuses(white_weights, "gru_probe", &signals, "w", 3 * WHITE, D + 2);
    check_refuses(white_weights, "gru_probe", &signals, "b", 1, 3 * WHITE);
    check_refuses(white_weights, "gru_probe", &signals, "more", 1, N_MORE_MAX);
    put_number(w, "layer", 7);
    hand_refused(w, "gru_probe", &signals, MID_ESIGNAL, "layer 7");
}

TEST(logprob_gru, refuses)
{
    const mid_signals signals = signals_of(1, D);
    mid_monitor *m = hand_monitor(grey_weights(), "logprob_gru", &signals);
    mid_stream *s = stream_of(m, NULL);
    const float x[N_X_MAX] = { 1, 1, 1 };
    float room[2];
    mid_step step = step_of(&grey, 0, x, room);
    double score = 0;

    check_refuses(grey_weights, "logprob_gru", &signals, "w", 3 * GREY, 3);
    check_refuses(grey_weights, "logprob_gru", &signals, "b", 1, 3 * GREY);
    check_refuses(grey_weights, "logprob_gru", &signals, "more", 1, n_more(&grey));
    step.n_top = 1;                     /* one alternative has no margin */
    CHECK_FAILS(mid_stream_push(s, &step, &score), MID_ENUMERIC);
    CHECK(score == 0);
    mid_stream_close(s);
    mid_monitor_close(m);
}
