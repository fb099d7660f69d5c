/* Log-sum-exp, entropy and top 20 against the plain double-precision definition. */
#include "test.h"

#include "base/rng.h"
#include "signal/softmax.h"

static const uint64_t seed = 20240902;

/* Uniform over 4: lse = ln 4, H = ln 4, each ln p = -ln 4; equal logits keep the lower token first. */
TEST(softmax, uniform_golden)
{
    static const float z[] = { 0, 0, 0, 0 };
    mid__softmax s;
    int k;

    CHECK(mid__softmax_of(z, 4, &s));
    CHECK_NEAR(s.lse, 1.3862943611198906, 1e-6);
    CHECK_NEAR(s.entropy_nats, 1.3862943611198906, 1e-6);
    CHECK_INT(s.n_top, 4);
    for (k = 0; k < 4; k++) {
        CHECK_INT(s.top_token[k], k);
        CHECK_NEAR(s.top_lp[k], -1.3862943611198906, 1e-6);
    }
}

/* p = 3/4, 1/4: H = 2 ln 2 - 3/4 ln 3 = .56233514461880843. */
TEST(softmax, two_tokens_golden)
{
    const float z[] = { -1, -1 + logf(3) };
    mid__softmax s;

    CHECK(mid__softmax_of(z, 2, &s));
    CHECK_NEAR(s.lse, -1 + 1.3862943611198906, 1e-6);
    CHECK_NEAR(s.entropy_nats, 0.56233514461880843, 1e-6);
    CHECK_INT(s.top_token[0], 1);
    CHECK_NEAR(s.top_lp[0], -0.28768207245178085, 1e-6);
    CHECK_INT(s.top_token[1], 0);
}

TEST(softmax, certain_and_masked)
{
    float z[100];
    mid__softmax s;
    int i;

    for (i = 0; i < 100; i++)
        z[i] = -INFINITY;
    z[70] = 1e30f;
    CHECK(mid__softmax_of(z, 100, &s));
    CHECK(s.lse == 1e30f && s.entropy_nats == 0);
    CHECK_INT(s.n_top, 1);                          /* a masked token is no alternative */
    CHECK_INT(s.top_token[0], 70);
    CHECK_NEAR(s.top_lp[0], 0, 0);
    z[3] = 1e30f;
    CHECK(mid__softmax_of(z, 100, &s));
    CHECK_NEAR(s.entropy_nats, 0.6931471805599453, 1e-6);
    CHECK(s.top_token[0] == 3 && s.top_token[1] == 70);
}

TEST(softmax, refuses_what_is_no_distribution)
{
    static const int size[] = { 1, 3, 64, 65, 1000 };
    static float z[1000];
    mid__softmax s;
    size_t k;
    int i;

    for (k = 0; k < sizeof size / sizeof size[0]; k++)
        for (i = 0; i < size[k]; i += 1 + size[k] / 7) {
            memset(z, 0, sizeof z);
            z[i] = NAN;
            CHECK(!mid__softmax_of(z, size[k], &s));
            z[i] = -NAN;
            CHECK(!mid__softmax_of(z, size[k], &s));
            z[i] = INFINITY;
            CHECK(!mid__softmax_of(z, size[k], &s));
        }
    for (i = 0; i < 1000; i++)
        z[i] = -INFINITY;
    CHECK(!mid__softmax_of(z, 1000, &s));
    CHECK(!mid__softmax_of(z, 0, &s));
    CHECK(!mid__softmax_of(z, (1 << 20) + 1, &s));
}

struct entry { float z; int token; };

static int by_logit(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->z != y->z ? (x->z < y->z ? 1 : -1) : x->token - y->token;
}

/* The definition: sums in double, a full sort. */
static void check_against_reference(const float *z, int n)
{
    struct entry *sorted = malloc((size_t)n * sizeof *sorted);
    double sum = 0, dot = 0, lse, m = -INFINITY;
    int i, n_top = 0;
    mid__softmax s;

    for (i = 0; i < n; i++) {
        sorted[i] = (struct entry){ z[i], i };
        n_top += z[i] > -INFINITY;
        m = fmax(m, (double)z[i]);
    }
    for (i = 0; i < n; i++) {
        const double x = (double)z[i] - m, e = exp(x);
        sum += e;
        dot += e > 0 ? x * e : 0;
    }
    lse = m + log(sum);
    n_top = n_top < MID_TOP_MAX ? n_top : MID_TOP_MAX;
    qsort(sorted, (size_t)n, sizeof *sorted, by_logit);
    CHECK(mid__softmax_of(z, n, &s));
    CHECK_NEAR(s.lse, lse, 2e-6 * fmax(1, fabs(lse)));
    CHECK_NEAR(s.entropy_nats, log(sum) - dot / sum, 1e-5);
    CHECK(s.entropy_nats >= 0 && (double)s.entropy_nats <= log(n) + 1e-5);
    CHECK_INT(s.n_top, n_top);
    for (i = 0; i < n_top; i++) {
        CHECK_INT(s.top_token[i], sorted[i].token);
        CHECK_NEAR(s.top_lp[i], (double)sorted[i].z - lse, 4e-6 * fmax(1, fabs((double)sorted[i].z - lse)));
    }
    free(sorted);
}

/* Logits of a spread that differs per stream; a tenth masked, and some rounded so that there are many ties. */
static void fill(float *z, int n, uint64_t i_stream)
{
    mid__rng r;
    int i, n_open = 0;

    mid__rng_init(&r, seed, i_stream);
    for (i = 0; i < n; i++) {
        const double spread = 1 << i_stream % 6;
        z[i] = (float)(spread * (mid__rng_unit(&r) + mid__rng_unit(&r) + mid__rng_unit(&r) - 1.5));
        if (i_stream % 3 == 1 && mid__rng_below(&r, 10) == 0)
            z[i] = -INFINITY;
        if (i_stream % 3 == 2)
            z[i] = roundf(z[i]);
        n_open += z[i] > -INFINITY;
    }
    if (n_open == 0)
        z[0] = 0;
}

TEST(softmax, equals_the_definition)
{
    static const int large[] = { 1023, 1024, 1025, 49152, 262144 };
    float *z = malloc(262144 * sizeof *z);
    size_t k;
    int n;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (n = 1; n <= 200; n++) {
        fill(z, n, (uint64_t)n);
        check_against_reference(z, n);
    }
    for (k = 0; k < 3 * sizeof large / sizeof large[0]; k++) {
        fill(z, large[k / 3], 1000 + k);
        check_against_reference(z, large[k / 3]);
    }
    free(z);
}
