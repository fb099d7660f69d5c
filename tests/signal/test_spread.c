/* Distances from uniform and the lens's figures: by hand, and against the plain double-precision definition. */
#include "test.h"

#include "base/rng.h"
#include "signal/spread.h"

static const uint64_t seed = 20240917;

static void spread_of(const float *z, int n, int32_t token, float *out)
{
    mid__softmax s;

    CHECK(mid__softmax_of(z, n, &s));
    mid__spread_of(z, n, &s, token, out);
}

/* Uniform: no distance at all, and the third of four equal tokens has rank 3. */
TEST(spread, uniform_golden)
{
    static const float z[] = { 5, 5, 5, 5 };
    float out[MID_SPREAD_N];

    spread_of(z, 4, 2, out);
    CHECK_NEAR(out[MID_SPREAD_RENYI_NATS], 0, 1e-7);
    CHECK_NEAR(out[MID_SPREAD_FISHER_RAO], 0, 1e-3);
    CHECK_NEAR(out[MID_SPREAD_KL_UNIFORM_NATS], 0, 1e-6);
    CHECK_NEAR(out[MID_SPREAD_LN_RANK], 1.0986122886681098, 1e-6);      /* ln 3 */
}

/* z = 0, 2 ln 9: at temperature 2 P = .1, .9. BC = (sqrt .1 + sqrt .9) / sqrt 2 = (1 + 3) / sqrt 20 = .89442719;
 * -2 ln BC = ln 20 - 2 ln 4 = .22314355; arccos BC = .46364761 = atan(1/2), times 2/pi = .29516724.
 * At temperature 1 P = 1/82, 81/82: KL(U || P) = ln 82 - ln 81 / 2 - ln 2 = 1.51634778. */
TEST(spread, two_tokens_golden)
{
    const float z[] = { 0, 2 * logf(9) };
    float out[MID_SPREAD_N];

    spread_of(z, 2, 0, out);
    CHECK_NEAR(out[MID_SPREAD_RENYI_NATS], 0.22314355131420976, 1e-6);
    CHECK_NEAR(out[MID_SPREAD_FISHER_RAO], 0.29516723530086653, 1e-6);
    CHECK_NEAR(out[MID_SPREAD_KL_UNIFORM_NATS], log(82) - log(9) - log(2), 1e-6);
    CHECK_NEAR(out[MID_SPREAD_LN_RANK], 0.6931471805599453, 1e-6);
    spread_of(z, 2, 1, out);
    CHECK_NEAR(out[MID_SPREAD_LN_RANK], 0, 0);
}

/* A masked token counts in V for the first two distances, and is left out of the third. */
TEST(spread, masked_golden)
{
    const float z[] = { -INFINITY, 1, 1, -INFINITY };
    float out[MID_SPREAD_N];

    spread_of(z, 4, 1, out);
    CHECK_NEAR(out[MID_SPREAD_RENYI_NATS], 0.6931471805599453, 1e-6);   /* BC = sqrt(1/2) */
    CHECK_NEAR(out[MID_SPREAD_FISHER_RAO], 0.5, 1e-6);
    CHECK_NEAR(out[MID_SPREAD_KL_UNIFORM_NATS], 0, 1e-6);
}

/* softmax of (0, 2 ln 9) / 2 has .9 in it. */
TEST(spread, confidence_golden)
{
    const float z[] = { 0, 2 * logf(9) };
    mid__softmax s;

    CHECK(mid__softmax_of(z, 2, &s));
    CHECK_NEAR(mid__confidence_of(z, 2, &s), 0.9, 1e-6);
}

/* P = 1/2, 1/2, Q = 1/4, 3/4: KL = ln(2) - ln(3) / 2 = .14384104. q = 0, ln 3, r = (0, 1): cosine 1; with r = (1, 1)
 * 1 / sqrt 2. */
TEST(spread, lens_golden)
{
    const float p[] = { 1, 1 }, q[] = { 0, logf(3) };
    static const int32_t refusal[] = { 1, 0 };
    float out[MID_LENS_N];
    mid__softmax s;

    CHECK(mid__softmax_of(p, 2, &s));
    CHECK(mid__lens_of(p, &s, q, 2, refusal, 1, out));
    CHECK_NEAR(out[MID_LENS_KL_NATS], 0.14384103622589042, 1e-6);
    CHECK_NEAR(out[MID_LENS_SAME_TOP], 0, 0);                           /* p's is the first, q's the second */
    CHECK_NEAR(out[MID_LENS_REFUSAL_COS], 1, 1e-6);
    CHECK(mid__lens_of(p, &s, q, 2, refusal, 2, out));
    CHECK_NEAR(out[MID_LENS_REFUSAL_COS], 0.7071067811865476, 1e-6);
    CHECK(mid__lens_of(p, &s, p, 2, refusal, 2, out));
    CHECK_NEAR(out[MID_LENS_KL_NATS], 0, 1e-6);
    CHECK_NEAR(out[MID_LENS_SAME_TOP], 1, 0);
    CHECK(!mid__lens_of(p, &s, (const float[]){ 0, NAN }, 2, refusal, 2, out));
}

static void fill(float *z, int n, uint64_t i_stream)
{
    mid__rng r;
    int i;

    mid__rng_init(&r, seed, i_stream);
    for (i = 0; i < n; i++) {
        const double spread = 1 << i_stream % 6;
        z[i] = (float)(spread * (mid__rng_unit(&r) + mid__rng_unit(&r) + mid__rng_unit(&r) - 1.5));
        if (i_stream % 3 == 1 && i > 0 && mid__rng_below(&r, 10) == 0)
            z[i] = -INFINITY;
        if (i_stream % 3 == 2)
            z[i] = roundf(z[i]);
    }
}

/* ln sum_v e^{z_v / t} over all, and the mean of the open ones. */
static double lse(const float *z, int n, double t)
{
    double m = -INFINITY, sum = 0;
    int i;

    for (i = 0; i < n; i++)
        m = fmax(m, (double)z[i] / t);
    for (i = 0; i < n; i++)
        sum += exp((double)z[i] / t - m);
    return m + log(sum);
}

static void check_spread(const float *z, int n, int32_t token)
{
    double bc = 0, sum = 0, kl;
    int i, rank = 1, n_open = 0;
    float out[MID_SPREAD_N];

    for (i = 0; i < n; i++) {
        bc += sqrt(exp((double)z[i] / 2 - lse(z, n, 2)) / n);
        rank += z[i] > z[token] || (z[i] == z[token] && i < token);
        if (z[i] > -INFINITY) {
            sum += (double)z[i];
            n_open++;
        }
    }
    kl = lse(z, n, 1) - sum / n_open - log(n_open);
    spread_of(z, n, token, out);
    CHECK_NEAR(out[MID_SPREAD_RENYI_NATS], -2 * log(fmin(bc, 1)), 3e-6);
    CHECK_NEAR(cos((double)out[MID_SPREAD_FISHER_RAO] * acos(-1) / 2), fmin(bc, 1), 2e-6);
    CHECK_NEAR(out[MID_SPREAD_KL_UNIFORM_NATS], kl, 1e-5 * fmax(1, fabs(kl)));
    CHECK_NEAR(out[MID_SPREAD_LN_RANK], log(rank), 1e-5);
}

static void check_lens(const float *p, const float *q, int n)
{
    static const int32_t refusal[] = { 0 };
    double kl = 0, square = 0;
    float out[MID_LENS_N];
    mid__softmax s;
    int i;

    for (i = 0; i < n; i++) {
        kl += exp((double)p[i] - lse(p, n, 1)) * ((double)p[i] - (double)q[i]);
        square += (double)q[i] * (double)q[i];
    }
    kl += lse(q, n, 1) - lse(p, n, 1);
    CHECK(mid__softmax_of(p, n, &s));
    CHECK(mid__lens_of(p, &s, q, n, refusal, 1, out));
    CHECK_NEAR(out[MID_LENS_KL_NATS], kl, 2e-5 * fmax(1, kl));
    CHECK_NEAR(out[MID_LENS_REFUSAL_COS], (double)q[0] / sqrt(square), 1e-5);
}

TEST(spread, equals_the_definition)
{
    static const int size[] = { 1, 2, 15, 16, 17, 64, 100, 1023, 1024, 1025, 2000 };
    float z[2000], q[2000];
    size_t k;
    uint64_t i;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (k = 0; k < sizeof size / sizeof size[0]; k++)
        for (i = 0; i < 6; i++) {
            fill(z, size[k], i);
            check_spread(z, size[k], z[size[k] / 2] > -INFINITY ? size[k] / 2 : 0);
            fill(q, size[k], 3 * i);
            if (i % 3 != 1 && size[k] > 2)
                check_lens(z, q, size[k]);
        }
}

/* At the size of a real vocabulary, where the sums are longest. */
TEST(spread, large_vocabulary)
{
    enum { LARGE = 49152 };
    float *z = malloc(LARGE * sizeof *z), out[MID_SPREAD_N];
    double bc;

    fill(z, LARGE, 3);
    bc = lse(z, LARGE, 4) - (lse(z, LARGE, 2) + log(LARGE)) / 2;
    spread_of(z, LARGE, 77, out);
    CHECK_NEAR(out[MID_SPREAD_RENYI_NATS], -2 * bc, 3e-6);
    free(z);
}
