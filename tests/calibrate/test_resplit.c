/* Resplits by hand on ten prompts, on synthetic prompts whose halves are alike (every promise is kept) and on some
 * whose tried half is shifted (it is seen). */
#include "calibrate/calibration.h"

#include "base/rng.h"
#include "calibrate/resplit.h"

static const double one_to_ten[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
static const uint8_t safe[CALIBRATION_MAX], unsafe[10] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
static const uint8_t high[10] = { 0, 0, 0, 0, 0, 1, 1, 1, 1, 1 }, low[10] = { 1, 1, 1, 1, 1, 0, 0, 0, 0, 0 };
static const uint8_t even[10] = { 0, 1, 0, 1, 0, 1, 0, 1, 0, 1 }, odd[10] = { 1, 0, 1, 0, 1, 0, 1, 0, 1, 0 };

/* The cuts' tried prompts are marked with 1. */
static mid_resplit try_cuts(const char *name, const mid_param *params, const mid_rule_set *set,
                            const uint8_t *const *cut, size_t n)
{
    mid__resplit r;
    mid_resplit out;
    size_t i;

    CHECK_OK(mid__resplit_open(test_ctx(), name, params, set, &r));
    for (i = 0; i < n; i++)
        CHECK_OK(mid__resplit_try(test_ctx(), &r, cut[i]));
    mid__resplit_conclude(&r, &out);
    mid__resplit_clear(&r);
    CHECK(strlen(out.words) < sizeof out.words - 1);
    return out;
}

/* 5 calibration prompts at 40 %: the ceil(6 * .6) = 4th smallest. 1 .. 5: above 4, of 6 .. 10 all alarm; 6 .. 10: above
 * 9, none of 1 .. 5; 1, 3, .. 9: above 7, two of 2, 4, .. 10; 2, 4, .. 10: above 8, one of 1, 3, .. 9. */
TEST(resplit, golden_mean)
{
    const uint8_t *const cut[] = { high, low, even, odd };
    const mid_rule_set set = set_of(one_to_ten, safe, 10);
    const mid_resplit out = try_cuts("conformal", PARAMS(P("alpha", 0.4)), &set, cut, 4);
    const mid_resplit_rate *fa = &out.false_alarm;

    CHECK(out.kind == MID_PROMISE_MEAN && isnan(out.confidence) && isnan(out.miss.asked));
    CHECK_INT(out.n, 4);
    CHECK_INT(out.n_infeasible, 0);
    CHECK_INT(out.n_prompt, 10);
    CHECK_INT(fa->n, 4);
    CHECK_INT(fa->n_above, 1);                          /* two of five are just what was asked for */
    CHECK_NEAR(fa->mean, 0.4, 1e-12);
    CHECK_NEAR(fa->sd, sqrt((0.36 + 0.16 + 0 + 0.04) / 3), 1e-12);
    CHECK(fa->lowest == 0 && fa->highest == 1);
    CHECK_NEAR(fa->level, 0.4, 1e-12);
    CHECK_NEAR(fa->tolerance, 3 * sqrt(0.56 / 3 / 4), 1e-12);
    CHECK(out.kept);
    CHECK(strncmp(out.words, "kept: mean realised rates", 25) == 0);
}

/* The worst cut once: its own spread is not known, the tried half's noise is .4 * .6 / 5, and 1 <= .4 + .657. Twice, no
 * spread is seen, and 1 > .4 + .465. */
TEST(resplit, golden_noise)
{
    const uint8_t *const cut[] = { high, high };
    const mid_rule_set set = set_of(one_to_ten, safe, 10);
    mid_resplit out = try_cuts("conformal", PARAMS(P("alpha", 0.4)), &set, cut, 1);

    CHECK(isnan(out.false_alarm.sd));
    CHECK_NEAR(out.false_alarm.tolerance, 3 * sqrt(0.048), 1e-12);
    CHECK(out.kept);
    out = try_cuts("conformal", PARAMS(P("alpha", 0.4)), &set, cut, 2);
    CHECK_NEAR(out.false_alarm.tolerance, 3 * sqrt(0.024), 1e-12);
    CHECK(!out.kept);
    CHECK(strncmp(out.words, "NOT kept: ", 10) == 0);
}

/* 1/32 <= .1 < 6/32: no error of five is allowed at 50 %. 1 .. 5: above 5, all five of the others alarm, which has
 * probability 1/32 <= .05; of 2, 4, .. 10 one is above 9. Misses, the other way round: at 6, which misses 1 .. 5. */
TEST(resplit, golden_confident)
{
    const uint8_t *const cut[] = { high, even };
    mid_rule_set set = set_of(one_to_ten, safe, 10);
    mid_resplit out = try_cuts("high_probability", PARAMS(P("false_alarm", 0.5)), &set, cut, 2);

    CHECK(out.kind == MID_PROMISE_CONFIDENT && out.confidence == 0.9 && isnan(out.false_alarm.tolerance));
    CHECK_NEAR(out.false_alarm.mean, 0.6, 1e-12);
    CHECK_INT(out.false_alarm.n_above, 1);
    CHECK_INT(out.n_beyond, 1);
    CHECK_INT(out.n_allowed, 1);                        /* 2 * .145 + 3 sqrt(2 * .145 * .855) = 1.78 */
    CHECK(out.kept);
    set = set_of(one_to_ten, unsafe, 10);
    out = try_cuts("high_probability", PARAMS(P("miss", 0.5)), &set, (const uint8_t *const[]){ low }, 1);
    CHECK_INT(out.n_beyond, 1);
    CHECK(out.miss.mean == 1);
    /* 200 resplits: 29 + 3 sqrt(24.795) = 43.9 */
    CHECK_OK(mid_rule_resplit(test_ctx(), "high_probability", PARAMS(P("miss", 0.5)), &set, 200, 1, &out));
    CHECK_INT(out.n_allowed, 43);
}

/* Three prompts of two, one, two answers are tried at a line above 4: losses 1/2, 0 and 1. Counting prompts 1, 0, 1. */
TEST(resplit, golden_shares)
{
    static const double extreme[] = { 4, 3, 2, 1, 0, 5, 2, 3, 6, 7 };
    static const uint32_t group[] = { 0, 1, 2, 3, 4, 5, 5, 6, 7, 7 };
    static const uint8_t tried[] = { 0, 0, 0, 0, 0, 1, 1, 1 };
    const mid_rule_set set = { .n = 10, .extreme = extreme, .label = safe, .group = group };
    const uint8_t *const cut[] = { tried };
    mid_resplit out = try_cuts("hoeffding_bentkus", PARAMS(P("false_alarm", 0.5)), &set, cut, 1);

    CHECK_NEAR(out.false_alarm.mean, 0.5, 1e-12);
    out = try_cuts("high_probability", PARAMS(P("false_alarm", 0.5)), &set, cut, 1);
    CHECK_NEAR(out.false_alarm.mean, 2.0 / 3, 1e-12);
}

/* Safe 1 .. 5, unsafe 3 .. 7, no error allowed in either ((1/2)^5 <= .05): stop above 5, hold from 3. Tried: of safe
 * ones 6 is stopped and 4 held, which is no false alarm; of unsafe ones 2.5 passes and 4 is held, which is no miss. */
TEST(resplit, golden_three_way)
{
    static const double extreme[] = { 1, 2, 3, 4, 5, 3, 4, 5, 6, 7, 6, 4, 2.5, 4 };
    static const uint8_t label[] = { 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1 };
    static const uint8_t tried[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1 };
    const mid_rule_set set = set_of(extreme, label, 14);
    const uint8_t *const cut[] = { tried };
    const mid_resplit out = try_cuts("three_way", PARAMS(P("false_alarm", 0.5), P("miss", 0.5)), &set, cut, 1);

    CHECK_INT(out.n_infeasible, 0);
    CHECK_NEAR(out.false_alarm.mean, 0.5, 1e-12);
    CHECK_NEAR(out.miss.mean, 0.5, 1e-12);
}

/* The line 1/2 is from walks that never clear. A walk that clears at -5 and climbs back to -1 has come 4 from there:
 * the answer alarms, although its largest score does not. */
TEST(resplit, golden_walk)
{
    static const double up[] = { 0.5 }, dip[] = { -5, -1 };
    static const double extreme[] = { 0.5, 0.5, 0.5, 0.5, 0.5, -1 };
    static const uint8_t tried[] = { 0, 0, 0, 0, 0, 1 };
    const mid_scored_answer score[] = { { .score = up, .n = 1 }, { .score = up, .n = 1 }, { .score = up, .n = 1 },
                                        { .score = up, .n = 1 }, { .score = up, .n = 1 }, { .score = dip, .n = 2 } };
    mid_rule_set set = set_of(extreme, safe, 6);
    const uint8_t *const cut[] = { tried };
    mid_resplit out;

    set.score = score;
    out = try_cuts("sprt", PARAMS(P("false_alarm", 0.5), P("miss", 0.1), P("confidence", 0.9)), &set, cut, 1);
    CHECK(out.false_alarm.mean == 1 && isnan(out.miss.asked));
}

/* Three calibration prompts are too few for 20 % on average (4 are needed), so there is nothing to see. */
TEST(resplit, infeasible)
{
    const mid_rule_set set = set_of(one_to_ten, safe, 6);
    mid_resplit out;

    CHECK_OK(mid_rule_resplit(test_ctx(), "conformal", PARAMS(P("alpha", 0.2)), &set, 20, 1, &out));
    CHECK_INT(out.n_infeasible, 20);
    CHECK_INT(out.false_alarm.n, 0);
    CHECK(out.kept && isnan(out.false_alarm.mean) && isnan(out.false_alarm.level));
    CHECK(strncmp(out.words, "nothing to see: no resplit had a threshold; a check", 50) == 0);
}

/* ---- synthetic prompts ------------------------------------------------------------------------------------------- */

enum { SEED = 20261124, N_PROMPT = 160, N_ANSWER = 3 * N_PROMPT };

typedef struct synthetic {
    double extreme[N_ANSWER];
    uint8_t label[N_ANSWER];
    uint32_t group[N_ANSWER];
    mid_scored_answer score[N_ANSWER];
    mid_rule_set set;
} synthetic;

static double normal(mid__rng *rng)
{
    const double radius = sqrt(-2 * log(1 - mid__rng_unit(rng)));

    return radius * cos(6.28318530717958648 * mid__rng_unit(rng));
}

/* One to three answers a prompt, which are alike, a third of them unsafe and 2 higher; scores of the second half of the
 * prompts shifted. */
static void make(uint64_t stream, double shift, synthetic *s)
{
    mid__rng rng;
    uint32_t g, k;
    size_t n = 0;

    mid__rng_init(&rng, SEED, stream);
    for (g = 0; g < N_PROMPT; g++) {
        const double common = normal(&rng) + (g >= N_PROMPT / 2 ? shift : 0);
        for (k = mid__rng_below(&rng, 3) + 1; k; k--, n++) {
            s->label[n] = mid__rng_below(&rng, 3) == 0;
            s->extreme[n] = common + 0.3 * normal(&rng) + 2 * s->label[n];
            s->group[n] = g;
            s->score[n] = (mid_scored_answer){ .score = &s->extreme[n], .n = 1 };
        }
    }
    s->set = (mid_rule_set){ .n = n, .extreme = s->extreme, .label = s->label, .group = s->group, .score = s->score };
}

static const struct { const char *name; const mid_param *params; } promises[] = {
    { "conformal", PARAMS(P("alpha", 0.1)) },
    { "crc", PARAMS(P("false_alarm", 0.2), P("miss", 0.4)) },
    { "high_probability", PARAMS(P("false_alarm", 0.1)) },
    { "high_probability", PARAMS(P("false_alarm", 0.3), P("miss", 0.5)) },
    { "hoeffding_bentkus", PARAMS(P("false_alarm", 0.2)) },
    { "three_way", PARAMS(P("false_alarm", 0.2), P("miss", 0.2)) },
    { "e_process", PARAMS(P("false_alarm", 0.1), P("confidence", 0.9)) },
    { "sprt", PARAMS(P("false_alarm", 0.1), P("miss", 0.1), P("confidence", 0.9)) },
    { "cost_optimal", PARAMS(P("false_alarm", 0.2), P("cost_miss", 5)) },
};
enum { PROMISE_N = sizeof promises / sizeof *promises };

/* Random halves are alike, even of prompts of which half is shifted: drift is what this check cannot see. */
TEST(resplit, random_halves_keep)
{
    static synthetic s;
    mid_resplit out;
    size_t i, d;

    print_message("seed %d\n", SEED);
    for (i = 0; i < PROMISE_N; i++)
        for (d = 0; d < 6; d++) {
            make(d, d % 2 ? 2 : 0, &s);
            CHECK_OK(mid_rule_resplit(test_ctx(), promises[i].name, promises[i].params, &s.set, 200, d, &out));
            CHECK(out.n_infeasible < 200);
            if (!out.kept)
                print_message("%s, set %zu: %s\n", promises[i].name, d, out.words);
            CHECK(out.kept);
        }
}

/* Calibrated on the first half of the prompts, tried on the shifted second and a few of the first. */
TEST(resplit, shifted_halves_break)
{
    static synthetic s;
    static uint8_t is_tried[N_PROMPT];
    mid__resplit r;
    mid_resplit out;
    mid__rng rng;
    size_t i, k, g;

    make(1, 2, &s);
    mid__rng_init(&rng, SEED, 99);
    for (i = 0; i < PROMISE_N; i++) {
        CHECK_OK(mid__resplit_open(test_ctx(), promises[i].name, promises[i].params, &s.set, &r));
        for (k = 0; k < 100; k++) {
            for (g = 0; g < N_PROMPT; g++)
                is_tried[g] = g >= N_PROMPT / 2 || mid__rng_below(&rng, 8) == 0;
            CHECK_OK(mid__resplit_try(test_ctx(), &r, is_tried));
        }
        mid__resplit_conclude(&r, &out);
        mid__resplit_clear(&r);
        CHECK(out.n_infeasible < 50 && !out.kept);
        CHECK(out.false_alarm.mean > 2 * out.false_alarm.asked);
    }
}

/* Without ties and with one answer a prompt only the order matters, so the law over cuts is known. Of 100 prompts 50
 * are calibrated on, e of which may be above the line: k of the 50 others are with probability
 *     C(e + k, k) C(99 - e - k, 50 - k) / C(100, 50)
 * (negative hypergeometric), their mean share being (e + 1) / 51. */
static double ln_choose(double n, double k) { return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1); }

static double share_from(double e, int least)
{
    double sum = 0;
    int k;

    for (k = least; k <= 50; k++)
        sum += exp(ln_choose(e + k, k) + ln_choose(99 - e - k, 50 - k) - ln_choose(100, 50));
    return sum;
}

TEST(resplit, law)
{
    enum { N = 4000 };
    double extreme[100], p;
    mid_rule_set set;
    mid_resplit out;
    size_t i;

    for (i = 0; i < 100; i++)
        extreme[i] = (double)(i * 37 % 100);
    set = set_of(extreme, safe, 100);
    CHECK_OK(mid_rule_resplit(test_ctx(), "conformal", PARAMS(P("alpha", 0.1)), &set, N, SEED, &out));
    CHECK_NEAR(out.false_alarm.mean, 5.0 / 51, out.false_alarm.tolerance);      /* ceil(51 * .9) = 46, 4 above it */
    p = share_from(4, 6);                               /* above 10 % of 50 */
    CHECK_NEAR((double)out.false_alarm.n_above, N * p, 3 * sqrt(N * p * (1 - p)));
    /* P[Bin(50, .2) <= 5] = .048, <= 6 .103; P[Bin(50, .2) >= 16] = .031, >= 15 .061 */
    CHECK_OK(mid_rule_resplit(test_ctx(), "high_probability", PARAMS(P("false_alarm", 0.2)), &set, N, SEED, &out));
    p = share_from(5, 16);
    CHECK_NEAR((double)out.n_beyond, N * p, 3 * sqrt(N * p * (1 - p)));
    p = share_from(5, 11);
    CHECK_NEAR((double)out.false_alarm.n_above, N * p, 3 * sqrt(N * p * (1 - p)));
}

/* A seed is a result; prompts are cut, never their answers apart; the order of answers says nothing. */
TEST(resplit, seeds)
{
    static synthetic s, t;
    mid_resplit a, b;
    size_t i;

    make(3, 0, &s);
    CHECK_OK(mid_rule_resplit(test_ctx(), "crc", PARAMS(P("false_alarm", 0.2)), &s.set, 50, 7, &a));
    CHECK_OK(mid_rule_resplit(test_ctx(), "crc", PARAMS(P("false_alarm", 0.2)), &s.set, 50, 8, &b));
    CHECK(a.false_alarm.mean != b.false_alarm.mean);
    for (i = 0; i < s.set.n; i++) {
        const size_t k = s.set.n - 1 - i;
        t.extreme[i] = s.extreme[k];
        t.label[i] = s.label[k];
        t.group[i] = s.group[k];
    }
    t.set = (mid_rule_set){ .n = s.set.n, .extreme = t.extreme, .label = t.label, .group = t.group };
    CHECK_OK(mid_rule_resplit(test_ctx(), "crc", PARAMS(P("false_alarm", 0.2)), &t.set, 50, 7, &b));
    CHECK(a.false_alarm.mean == b.false_alarm.mean && a.false_alarm.sd == b.false_alarm.sd);
}

TEST(resplit, bad_input)
{
    static const uint32_t one_prompt[10] = { 0 };
    mid_rule_set set = set_of(one_to_ten, safe, 10);
    double extreme[10] = { 0 };
    mid_resplit out = { .n = 77 };

    CHECK_FAILS(mid_rule_resplit(test_ctx(), "crc", NULL, &set, 0, 1, &out), MID_EINVAL);
    CHECK_SAYS("0 resplits, want 1 to 100000");
    CHECK_FAILS(mid_rule_resplit(test_ctx(), "crc", NULL, &set, MID_RESPLIT_MAX + 1, 1, &out), MID_EINVAL);
    CHECK_FAILS(mid_rule_resplit(test_ctx(), "crc", PARAMS(P("miss", 0.2)), &set, 5, 1, &out), MID_EUNDEFINED);
    CHECK_SAYS("10 safe and 0 unsafe prompts: to cut in half, it takes 2 of each class that crc promises something "
               "about");
    CHECK_FAILS(mid_rule_resplit(test_ctx(), "cost_optimal", PARAMS(P("false_alarm", 0.2)), &set, 5, 1, &out),
                MID_EUNDEFINED);
    CHECK_SAYS("cost_optimal needs both classes");
    CHECK_FAILS(mid_rule_resplit(test_ctx(), "e_process", NULL, &set, 5, 1, &out), MID_EUNDEFINED);
    CHECK_SAYS("e_process as it is asked for keeps no rate by calibration");
    CHECK_FAILS(mid_rule_resplit(test_ctx(), "crf", NULL, &set, 5, 1, &out), MID_ENOTFOUND);
    CHECK_FAILS(mid_rule_resplit(test_ctx(), "crc", PARAMS(P("miss", 2)), &set, 5, 1, &out), MID_EINVAL);
    set.group = one_prompt;
    CHECK_FAILS(mid_rule_resplit(test_ctx(), "crc", NULL, &set, 5, 1, &out), MID_EUNDEFINED);
    CHECK_SAYS("1 safe and 0 unsafe prompts");
    set = set_of(extreme, safe, 0);
    CHECK_FAILS(mid_rule_resplit(test_ctx(), "crc", NULL, &set, 5, 1, &out), MID_EUNDEFINED);
    set = set_of(extreme, safe, 10);
    extreme[3] = NAN;
    CHECK_FAILS(mid_rule_resplit(test_ctx(), "crc", NULL, &set, 5, 1, &out), MID_ENUMERIC);
    CHECK_INT(out.n, 77);
}
