/* min_k: by hand, and against a sorted list on random tokens. */
#include "traces.h"

#include "base/rng.h"

static const mid_signals grey = { .have = MID_SIG_LOGPROB };

static mid_step step_of(uint32_t i_tok, double surprisal)
{
    return (mid_step){ .have = MID_SIG_LOGPROB, .i_tok = i_tok, .lp = (float)-surprisal };
}

static mid_monitor *open_k(double k)
{
    const mid_param params[] = { { "k", k, NULL, NULL }, { NULL, 0, NULL, NULL } };

    return monitor_of("min_k", params, NULL, &grey);
}

/* k = 40: of 1 and 2 tokens 1 counts, of 3 to 5 tokens 2. No two values share a bin of 1/16 nat, so nothing is lost. */
TEST(min_k, golden)
{
    static const double surprisal[] = { 1, 3, 2, 0, 40 }, want[] = { 1, 3, 2.5, 2.5, 21.5 };
    mid_monitor *m = open_k(40);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 5; i++) {
        const mid_step step = step_of(i, surprisal[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-6);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

static int falling(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

/* Never above the exact mean of the r largest, and less than 1/16 below it. */
TEST(min_k, error_stays_below_a_bin)
{
    enum { N = 400 };
    static const double k[] = { 0.5, 5, 20, 33.3, 100 };
    const uint64_t seed = 20241124;
    double seen[N], sum;
    mid__rng rng;
    uint32_t i, j;
    size_t i_k;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (i_k = 0; i_k < sizeof k / sizeof k[0]; i_k++) {
        mid_monitor *m = open_k(k[i_k]);
        mid_stream *s = stream_of(m, NULL);
        mid__rng_init(&rng, seed, i_k);
        for (i = 0; i < N; i++) {
            const mid_step step = step_of(i, -log(1 - mid__rng_unit(&rng)) * 2);
            const double score = push(s, &step);
            const uint32_t r = (uint32_t)ceil(k[i_k] * (i + 1) / 100 - 1e-9);
            seen[i] = -(double)step.lp;
            qsort(seen, i + 1, sizeof *seen, falling);
            for (j = 0, sum = 0; j < r; j++)
                sum += seen[j];
            CHECK(score <= sum / r + 1e-9 && score > sum / r - 1.0 / 16);
        }
        mid_stream_close(s);
        mid_monitor_close(m);
    }
}

TEST(min_k, refuses)
{
    static const double bad[] = { 0, -1, 100.5, NAN };
    mid_monitor *m = NULL;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const mid_param params[] = { { "k", bad[i], NULL, NULL }, { NULL, 0, NULL, NULL } };
        CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("min_k"), params, NULL, &grey, &m), MID_EINVAL);
    }
    CHECK(m == NULL);
}
