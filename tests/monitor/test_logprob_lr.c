/* Features by hand on three tokens, then against all tokens looked at once more, and a task that no mean can see. A
 * monitor whose weights are 1 for one feature and 0 for the others scores that feature. */
#include "learned.h"

enum { N_QUANTITY = 3, N_OF_EACH = 8, N_FEATURE = N_QUANTITY * N_OF_EACH + 2, N_TOK = 150 };
enum { MEAN, MAX, VARIANCE, RECENT, SLOPE, Q10, Q50, Q90 };

static const uint64_t seed = 20260304;

static mid_weights *weights_of(int feature, float bias)
{
    mid_weights *weights = hand_weights("logprob_lr", NULL);
    float w[N_FEATURE] = { 0 };

    w[feature] = 1;
    put(weights, "w", w, 1, N_FEATURE);
    put(weights, "b", &bias, 1, 1);
    return weights;
}

static mid_weights *weights_of_first(void) { return weights_of(0, 0); }

/* x: -ln p, H, margin. room (2) holds the alternatives. */
static mid_step step_of(uint32_t i_tok, const float *x, float *room)
{
    static const int32_t token[] = { 7, 8 };

    room[0] = 0;
    room[1] = -x[2];
    return (mid_step){ .have = MID_SIG_LOGPROB | MID_SIG_ENTROPY | MID_SIG_TOP, .i_tok = i_tok, .lp = -x[0],
                       .entropy_nats = x[1], .n_top = 2, .top_token = token, .top_lp = room };
}

/* score (n): one feature after each of n tokens. */
static void scores_of(int feature, float bias, const float x[][N_QUANTITY], uint32_t n, double *score)
{
    const mid_signals signals = signals_of(1, 2);
    mid_monitor *m = hand_monitor(weights_of(feature, bias), "logprob_lr", &signals);
    mid_stream *s = stream_of(m, NULL);
    float room[2];
    uint32_t t;

    for (t = 0; t < n; t++) {
        const mid_step step = step_of(t, x[t], room);
        score[t] = push(s, &step);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* -ln p = 1, 3, 2: slope (1 + 6 + 6 - 3 2 2) / 2 = .5; the values lie in bins 4, 12 and 8 of 1/4 nat, one in each, so
 * that the .1 quantile is .3 through bin 4, the .5 quantile half through bin 8, the .9 one .7 through bin 12.
 * H = 2, 2, 2: all in bin 8, .1, .5 and .9 of the way through.
 * margin = .5, .5, 2: slope (.5 + 1 + 6 - 3 1 2) / 2 = .75; two in bin 2, one in bin 8. One p of three is below .1. */
TEST(logprob_lr, golden)
{
    static const float x[][N_QUANTITY] = { { 1, 2, 0.5f }, { 3, 2, 0.5f }, { 2, 2, 2 } };
    static const double want[N_FEATURE] = {
        2, 3, 2 / 3.0, 2, 0.5, 1.075, 2.125, 3.175,
        2, 2, 0, 2, 0, 2.025, 2.125, 2.225,
        1, 2, 0.5, 1, 0.75, 0.5375, 0.6875, 2.175,
        1 / 3.0, 1.0986122886681098
    };
    double score[3];
    int i;

    for (i = 0; i < N_FEATURE; i++) {
        scores_of(i, 0.25f, x, 3, score);
        CHECK_NEAR(score[2], want[i] + 0.25, 1e-6);
    }
}

/* ---- all tokens once more ---------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The value with a share q of the n values at or below it. */
static double quantile_of(const double *x, uint32_t n, double q)
{
    double sorted[N_TOK];

    memcpy(sorted, x, n * sizeof *x);
    qsort(sorted, n, sizeof *sorted, by_value);
    return sorted[(uint32_t)ceil(q * n - 1e-9) - 1];
}

/* what: MEAN .. SLOPE of the n values. */
static double statistic_of(int what, const double *x, uint32_t n)
{
    const uint32_t first = what == RECENT && n > 8 ? n - 8 : 0;
    double mean = 0, top = x[0], square = 0, cross = 0, square_t = 0;
    uint32_t i;

    for (i = first; i < n; i++) {
        mean += x[i] / (n - first);
        top = fmax(top, x[i]);
    }
    for (i = 0; i < n; i++) {
        const double off_t = i + 1 - (n + 1) / 2.0;
        square += (x[i] - mean) * (x[i] - mean);
        cross += off_t * (x[i] - mean);
        square_t += off_t * off_t;
    }
    return what == MAX ? top : what == VARIANCE ? square / n : what == SLOPE ? (n > 1 ? cross / square_t : 0) : mean;
}

/* Quantiles may be off by a bin, but what is above the last bin's start only by being in it. */
static void check_feature(int what, double got, const double *x, uint32_t n)
{
    static const double q[] = { 0.1, 0.5, 0.9 };

    if (what < Q10)
        CHECK_NEAR(got, statistic_of(what, x, n), 1e-4);
    else
        CHECK_NEAR(got, fmin(quantile_of(x, n, q[what - Q10]), 16), 0.2501);
}

/* Skewed values from 0 to 27, some of them beyond the bins. */
TEST(logprob_lr, features_from_all_tokens)
{
    static float x[N_TOK][N_QUANTITY];
    static double score[N_TOK], of[N_QUANTITY][N_TOK];
    double n_unlikely = 0;
    mid__rng rng;
    uint32_t t;
    int i, what;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 1);
    for (t = 0; t < N_TOK; t++)
        for (i = 0; i < N_QUANTITY; i++) {
            x[t][i] = (float)pow(3 * mid__rng_unit(&rng), 3);
            of[i][t] = (double)x[t][i];
        }
    for (i = 0; i < N_QUANTITY; i++)
        for (what = 0; what < N_OF_EACH; what++) {
            scores_of(i * N_OF_EACH + what, 0, (const float (*)[N_QUANTITY])x, N_TOK, score);
            for (t = 1; t <= N_TOK; t++)
                check_feature(what, score[t - 1], of[i], t);
        }
    scores_of(N_FEATURE - 2, 0, (const float (*)[N_QUANTITY])x, N_TOK, score);
    for (t = 0; t < N_TOK; t++) {
        n_unlikely += exp(-of[0][t]) < 0.1;
        CHECK_NEAR(score[t], n_unlikely / (t + 1), 1e-6);
    }
    scores_of(N_FEATURE - 1, 0, (const float (*)[N_QUANTITY])x, N_TOK, score);
    CHECK_NEAR(score[N_TOK - 1], log(N_TOK), 1e-6);
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* -ln p is 2 on average in both classes, but spread wider in unsafe answers; nothing else differs. */
static void write_spread(mid__rng *rng, mid_trace *t, int label)
{
    const int n = 8 + (int)mid__rng_below(rng, 25);
    const float h[2] = { 0 };
    int i;

    for (i = 0; i < n; i++)
        trace_put(t, "x", -2 + around_zero(rng, label ? 1.8 : 0.9), 2 + around_zero(rng, 1), h);
}

TEST(logprob_lr, learns)
{
    const mid_signals signals = signals_of(1, 2);

    check_learns("logprob_lr", &signals, write_spread, seed, 0.9);
}

/* ---- bad weights, bad steps, bad parameters ---------------------------------------------------------------------- */

TEST(logprob_lr, refuses)
{
    static const float x[][N_QUANTITY] = { { 1, 2, 0.5f }, { 3, 2, 0.5f } };
    const mid_signals signals = signals_of(1, 2);
    mid_weights *w = weights_of(0, 0);
    answers a = { .n = 0 };
    const float two[2] = { 0 };
    int i;

    check_refuses(weights_of_first, "logprob_lr", &signals, "w", 1, N_FEATURE);
    put(w, "b", two, 1, 2);
    hand_refused(w, "logprob_lr", &signals, MID_EFORMAT, "'b'");
    for (i = 0; i < 4; i++)
        put_row2(&a, &signals, x[0][0], 1, i & 1);
    param_refused("logprob_lr", &a, (mid_param){ "c", -1, NULL, NULL }, "c -1");
    param_refused("logprob_lr", &a, (mid_param){ "c", INFINITY, NULL, NULL }, "c inf");
    answers_clear(&a);
}

/* A token that is refused leaves no mark on the tokens after it. */
TEST(logprob_lr, refused_token)
{
    static const float x[][N_QUANTITY] = { { 1, 2, 0.5f }, { 3, 2, 0.5f } };
    const mid_signals signals = signals_of(1, 2);
    mid_monitor *m = hand_monitor(weights_of(0, 0), "logprob_lr", &signals);
    mid_stream *s = stream_of(m, NULL);
    float room[2];
    mid_step step = step_of(0, x[0], room);
    double score = -7;

    CHECK_NEAR(push(s, &step), 1, 1e-9);
    step = step_of(1, x[1], room);
    step.n_top = 1;
    CHECK_FAILS(mid_stream_push(s, &step, &score), MID_ENUMERIC);
    CHECK(score == -7);
    step.n_top = 2;
    CHECK_NEAR(push(s, &step), 2, 1e-9);
    mid_stream_close(s);
    mid_monitor_close(m);
}
