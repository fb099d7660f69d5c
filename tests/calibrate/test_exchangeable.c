/* The drift check: p-values and capital by hand, uniform p-values, false alarms of 2,000 streams, power on shifted
 * ones. */
#include "test.h"

#include "base/rng.h"

static mid_drift *open_drift(const double *extreme, size_t n, double alpha, uint32_t keep_max, uint64_t seed)
{
    mid_drift_opts opts = mid_drift_opts_default();
    mid_drift *d;

    opts.alpha = alpha;
    opts.keep_max = keep_max;
    opts.seed = seed;
    CHECK_OK(mid_drift_open(test_ctx(), extreme, NULL, n, &opts, &d));
    return d;
}

static mid_drift_verdict push(mid_drift *d, double extreme)
{
    mid_drift_verdict v;
    mid_drift_state state;

    CHECK_OK(mid_drift_push(d, extreme, &state));
    mid_drift_read(d, &v);
    CHECK(v.state == state);
    return v;
}

/* Box & Muller 1958. */
static double normal(mid__rng *rng)
{
    const double r = sqrt(-2 * log(1 - mid__rng_unit(rng)));

    return r * cos(6.283185307179586 * mid__rng_unit(rng));
}

/* Bag 1 2 3 4 5. z = 10: none above, itself equal, p in [0, 1/6). Then z = 0: 6 above, p in [6/7, 1). The first bet
 * leaves 1, whatever comes: the accounts at e and -e balance. The second makes
 *     1 + (2/3)(1 - J)(u1 - .5)(u2 - .5), mean over J (.0037) and over u = p and u = |2p - 1|. */
TEST(exchangeable, golden)
{
    static const double calibration[] = { 3, 1, 2, 5, 4 };
    mid_drift *d = open_drift(calibration, 5, 0.01, 100, 1);
    mid_drift_verdict v;
    double p1, p2;

    mid_drift_read(d, &v);
    CHECK(v.state == MID_DRIFT_HOLDS && v.n == 0 && isnan(v.p) && !v.shift);
    CHECK_NEAR(v.ln_evidence, 0, 0);
    v = push(d, 10);
    p1 = v.p;
    CHECK(p1 >= 0 && p1 < 1.0 / 6);
    CHECK_NEAR(v.ln_evidence, 0, 1e-15);
    v = push(d, 0);
    p2 = v.p;
    CHECK(p2 >= 6.0 / 7 && p2 < 1);
    CHECK_NEAR(exp(v.ln_evidence), 1 + 2.0 / 3 * (1 - 0.0037) * ((p1 - 0.5) * (p2 - 0.5) +
               (fabs(2 * p1 - 1) - 0.5) * (fabs(2 * p2 - 1) - 0.5)) / 2, 1e-12);
    CHECK_INT(v.n, 2);
    CHECK_INT(v.n_at_alarm, 0);
    v = push(d, 3.5);                                           /* 4, 5, 10 above of 8 */
    CHECK(v.p >= 3.0 / 8 && v.p < 4.0 / 8);
    mid_drift_close(d);
}

/* The same scores again and again: p is drawn from all of [0, 1) and nothing is proved. */
TEST(exchangeable, all_tied)
{
    static const double calibration[] = { -INFINITY, -INFINITY, -INFINITY };
    mid_drift *d = open_drift(calibration, 3, 0.01, 50, 4);
    mid_drift_verdict v = { 0 };
    double lo = 1, hi = 0;
    int i;

    for (i = 0; i < 2000; i++) {
        v = push(d, -INFINITY);
        lo = fmin(lo, v.p);
        hi = fmax(hi, v.p);
    }
    CHECK(lo < 0.01 && hi > 0.99);
    CHECK(v.state == MID_DRIFT_HOLDS);
    mid_drift_close(d);
}

TEST(exchangeable, words)
{
    double calibration[200];
    mid_drift *d;
    mid_drift_verdict v;
    mid__rng rng;
    int i;

    mid__rng_init(&rng, 8, 0);
    for (i = 0; i < 200; i++)
        calibration[i] = normal(&rng);
    d = open_drift(calibration, 200, 0, 0, 0);                  /* zeros: the defaults */
    v = push(d, 0);
    CHECK_TEXT(v.words, "the promise stands: 1 answer since calibration, and no proof of a shift (evidence at most 1 "
               "to 1, limit 100 to 1)");
    for (i = 0; i < 200 && v.state == MID_DRIFT_HOLDS; i++)
        v = push(d, normal(&rng) + 2);
    CHECK(v.state == MID_DRIFT_WITHDRAWN);
    CHECK_TEXT(v.shift, "higher");
    CHECK(v.n_at_alarm == v.n && v.ln_evidence_max >= log(100));
    CHECK(strstr(v.words, "the promise is withdrawn: after "));
    CHECK(strstr(v.words, "their scores run higher than those of the 200"));
    CHECK(strstr(v.words, "another share of unsafe prompts"));
    for (i = 0; i < 3000; i++)
        v = push(d, normal(&rng));                              /* what comes later does not bring it back */
    CHECK(v.state == MID_DRIFT_WITHDRAWN && v.n > v.n_at_alarm && v.ln_evidence < v.ln_evidence_max);
    mid_drift_close(d);
}

TEST(exchangeable, bad_input)
{
    static const double calibration[] = { 1, 2, NAN };
    mid_drift_opts opts = mid_drift_opts_default();
    mid_drift *d = NULL;
    mid_drift_verdict before, after;

    CHECK_FAILS(mid_drift_open(test_ctx(), calibration, NULL, 0, NULL, &d), MID_EUNDEFINED);
    CHECK_SAYS("no calibration answers");
    CHECK_FAILS(mid_drift_open(test_ctx(), calibration, NULL, 3, NULL, &d), MID_ENUMERIC);
    CHECK_SAYS("extreme 2 of 3");
    opts.alpha = 1;
    CHECK_FAILS(mid_drift_open(test_ctx(), calibration, NULL, 2, &opts, &d), MID_EINVAL);
    opts.alpha = NAN;
    CHECK_FAILS(mid_drift_open(test_ctx(), calibration, NULL, 2, &opts, &d), MID_EINVAL);
    opts = mid_drift_opts_default();
    opts.keep_max = INT32_MAX;
    CHECK_FAILS(mid_drift_open(test_ctx(), calibration, NULL, 2, &opts, &d), MID_ELIMIT);
    CHECK(!d);
    d = open_drift(calibration, 1, 0.01, 10, 0);                /* n = 1 is a start */
    push(d, 1);
    mid_drift_read(d, &before);
    CHECK(mid_drift_push(d, NAN, NULL) == MID_ENUMERIC);
    mid_drift_read(d, &after);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    mid_drift_close(d);
    mid_drift_close(NULL);
}

/* Of the answers to a prompt one is drawn: with 3 prompts the bag has 3, and each answer gets its turn. */
TEST(exchangeable, a_prompt_counts_once)
{
    static const double extreme[] = { 1, 1, 9, 5, 5 };
    static const uint32_t group[] = { 70, 70, 70, 2, 31 };
    size_t n_nine = 0;
    uint64_t seed;

    for (seed = 0; seed < 300; seed++) {
        mid_drift_opts opts = mid_drift_opts_default();
        mid_drift_verdict v;
        mid_drift *d;
        opts.seed = seed;
        CHECK_OK(mid_drift_open(test_ctx(), extreme, group, 5, &opts, &d));
        v = push(d, 7);
        CHECK(v.p < 0.5);                                       /* at most 1 above, of 4 */
        n_nine += v.p >= 0.25;
        mid_drift_close(d);
    }
    CHECK(n_nine > 300 / 3 - 25 && n_nine < 300 / 3 + 25);      /* 3 sigma of a third */
}

TEST(exchangeable, snapshot)
{
    double calibration[30];
    mid_drift *d, *copy;
    mid_drift_verdict a, b;
    void *snapshot;
    mid__rng rng;
    int i;

    mid__rng_init(&rng, 3, 0);
    for (i = 0; i < 30; i++)
        calibration[i] = normal(&rng);
    d = open_drift(calibration, 30, 0.01, 20, 5);
    copy = open_drift(calibration, 30, 0.01, 20, 6);
    for (i = 0; i < 100; i++)                                   /* well past a full bag */
        push(d, normal(&rng));
    snapshot = malloc(mid_drift_size(d));
    mid_drift_save(d, snapshot);
    mid_drift_restore(copy, snapshot);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    for (i = 0; i < 100; i++) {
        const double z = floor(2 * normal(&rng));
        a = push(d, z);
        b = push(copy, z);
        CHECK(memcmp(&a, &b, sizeof a) == 0);
    }
    CHECK_INT(mid_drift_size(d), mid_drift_size(copy));
    free(snapshot);
    mid_drift_close(copy);
    mid_drift_close(d);
}

/* Over many draws of a calibration set and a short stream the p are uniform, alone and in pairs, ties and a full bag
 * (4 kept beyond 5) or not: chi-square over 5 x 5 cells of successive p. With 24 degrees of freedom 52 is 1 in
 * 1,000. */
TEST(exchangeable, p_values_are_uniform_and_independent)
{
    enum { SEED = 61, N_STREAM = 4000, N_PUSH = 16 };
    static const struct { uint32_t keep_max, n_value; } at[] = { { 4, 0 }, { 4, 3 }, { 100, 0 }, { 1, 5 } };
    mid__rng rng;
    size_t k;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (k = 0; k < sizeof at / sizeof at[0]; k++) {
        double n[5][5] = { { 0 } }, chi2 = 0;
        const double want = (double)N_STREAM * (N_PUSH / 2) / 25;
        int stream, i, j;
        for (stream = 0; stream < N_STREAM; stream++) {
            double z[5 + N_PUSH], last = 0;
            mid_drift *d;
            for (i = 0; i < 5 + N_PUSH; i++)
                z[i] = at[k].n_value ? mid__rng_below(&rng, at[k].n_value) : mid__rng_unit(&rng);
            d = open_drift(z, 5, 0.01, at[k].keep_max, mid__rng_u64(&rng));
            for (i = 0; i < N_PUSH; i++) {
                const double p = push(d, z[5 + i]).p;
                if (i % 2)
                    n[(int)(5 * last)][(int)(5 * p)] += 1;
                last = p;
            }
            mid_drift_close(d);
        }
        for (i = 0; i < 5; i++)
            for (j = 0; j < 5; j++)
                chi2 += (n[i][j] - want) * (n[i][j] - want) / want;
        print_message("keep %u, values %u: chi-square %.1f\n", (unsigned)at[k].keep_max, (unsigned)at[k].n_value, chi2);
        CHECK(chi2 < 52);
    }
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

struct kind {                       /* how scores are made */
    const char *name;
    double shift, scale, p_unsafe;  /* unsafe answers stand 2 higher */
    uint32_t n_value;               /* 0: continuous; else rounded to that many steps a sigma */
};

static double score(mid__rng *rng, const struct kind *k)
{
    const double z = k->shift + k->scale * normal(rng) + (mid__rng_unit(rng) < k->p_unsafe ? 2 : 0);

    return k->n_value ? floor(z * k->n_value) / k->n_value : z;
}

/* Share of streams with an alarm; the middle one of the alarms' times. */
static double alarms(const struct kind *before, const struct kind *after, size_t n_calibration, int n_push,
                     int n_stream, uint32_t keep_max, double alpha, uint64_t seed, double *middle)
{
    double calibration[400], *time = malloc((size_t)n_stream * sizeof *time);
    size_t n = 0, i;
    mid__rng rng;
    int stream, t;

    for (stream = 0; stream < n_stream; stream++) {
        mid_drift_state state = MID_DRIFT_HOLDS;
        mid_drift *d;
        mid__rng_init(&rng, seed, (uint64_t)stream);
        for (i = 0; i < n_calibration; i++)
            calibration[i] = score(&rng, before);
        d = open_drift(calibration, n_calibration, alpha, keep_max, mid__rng_u64(&rng));
        for (t = 1; t <= n_push && state == MID_DRIFT_HOLDS; t++)
            CHECK_OK(mid_drift_push(d, score(&rng, after), &state));
        if (state == MID_DRIFT_WITHDRAWN)
            time[n++] = t - 1;
        mid_drift_close(d);
    }
    *middle = mid_quantile(time, n, 0.5);
    free(time);
    return (double)n / n_stream;
}

static const struct kind same = { "same", 0, 1, 0.2, 0 };

TEST(exchangeable, false_alarms)
{
    enum { SEED = 62, N_STREAM = 2000 };
    static const struct kind ties = { "ties", 0, 1, 0.2, 1 };
    static const struct { const struct kind *kind; size_t n; int n_push; uint32_t keep_max; double alpha; } at[] = {
        { &same, 100, 1000, 4096, 0.05 }, { &ties, 100, 1000, 4096, 0.05 }, { &same, 20, 1000, 50, 0.05 },
        { &same, 100, 1000, 4096, 0.2 }, { &ties, 1, 500, 10, 0.2 },
    };
    double middle;
    size_t k;

    print_message("seed %d\n", SEED);
    for (k = 0; k < sizeof at / sizeof at[0]; k++) {
        const double a = at[k].alpha;
        const double rate = alarms(at[k].kind, at[k].kind, at[k].n, at[k].n_push, N_STREAM, at[k].keep_max, a, SEED + k,
                                   &middle);
        print_message("%s, %zu calibration answers, keep %u, alpha %g: %.4f of %d streams of %d\n", at[k].kind->name,
                      at[k].n, (unsigned)at[k].keep_max, a, rate, N_STREAM, at[k].n_push);
        CHECK(rate <= a + 3 * sqrt(a * (1 - a) / N_STREAM));
    }
}

TEST(exchangeable, power)
{
    enum { SEED = 63, N_STREAM = 200 };
    static const struct { struct kind after; double at_least; } at[] = {
        { { "one sigma higher", 1, 1, 0.2, 0 }, 0.99 }, { { "one sigma lower", -1, 1, 0.2, 0 }, 0.99 },
        { { "half a sigma higher", 0.5, 1, 0.2, 0 }, 0.8 }, { { "twice as wide", 0, 2, 0.2, 0 }, 0.8 },
        { { "half as wide", 0, 0.5, 0.2, 0 }, 0.8 }, { { "60 % unsafe, not 20 %", 0, 1, 0.6, 0 }, 0.9 },
    };
    size_t k;

    print_message("seed %d\n", SEED);
    for (k = 0; k < sizeof at / sizeof at[0]; k++) {
        double middle;
        const double rate = alarms(&same, &at[k].after, 400, 1000, N_STREAM, 4096, 0.01, SEED, &middle);
        print_message("%s: %.3f of %d streams of 1000, half of them by answer %.0f\n", at[k].after.name, rate,
                      N_STREAM, middle);
        CHECK(rate >= at[k].at_least);
    }
}

/* A change after 3,000 answers that were like the calibration's: what was lost on bets meanwhile is little. */
TEST(exchangeable, late_change)
{
    enum { SEED = 65, N_STREAM = 100, CALM = 3000 };
    static const struct kind after = { "one sigma higher", 1, 1, 0.2, 0 };
    double calibration[400], delay[N_STREAM];
    size_t n = 0, i;
    int stream, t;

    for (stream = 0; stream < N_STREAM; stream++) {
        mid_drift_state state = MID_DRIFT_HOLDS;
        mid_drift *d;
        mid__rng rng;
        mid__rng_init(&rng, SEED, (uint64_t)stream);
        for (i = 0; i < 400; i++)
            calibration[i] = score(&rng, &same);
        d = open_drift(calibration, 400, 0.01, 4096, mid__rng_u64(&rng));
        for (t = 0; t < CALM + 500 && state == MID_DRIFT_HOLDS; t++)
            CHECK_OK(mid_drift_push(d, score(&rng, t < CALM ? &same : &after), &state));
        if (t > CALM && state == MID_DRIFT_WITHDRAWN)
            delay[n++] = t - CALM;
        mid_drift_close(d);
    }
    print_message("seed %d: %zu of %d streams, half of them %.0f answers after the change\n", SEED, n, N_STREAM,
                  mid_quantile(delay, n, 0.5));
    CHECK(n >= 95);
}

/* What the shift is called, where it is plain. */
TEST(exchangeable, names_the_shift)
{
    enum { SEED = 64 };
    static const struct { struct kind after; const char *shift; } at[] = {
        { { "", 2, 1, 0.2, 0 }, "higher" }, { { "", -2, 1, 0.2, 0 }, "lower" }, { { "", 0.4, 4, 0, 0 }, "apart" },
        { { "", 0.3, 0.1, 0, 0 }, "together" },
    };
    double calibration[300];
    mid__rng rng;
    size_t k, i;

    mid__rng_init(&rng, SEED, 0);
    for (i = 0; i < 300; i++)
        calibration[i] = score(&rng, &same);
    for (k = 0; k < sizeof at / sizeof at[0]; k++) {
        mid_drift *d = open_drift(calibration, 300, 0.01, 500, SEED);
        mid_drift_verdict v = push(d, 0);
        for (i = 0; i < 1000 && v.state == MID_DRIFT_HOLDS; i++)
            v = push(d, score(&rng, &at[k].after));
        CHECK(v.shift);
        CHECK_TEXT(v.shift, at[k].shift);
        mid_drift_close(d);
    }
}
