/* Two states, two symbols, by hand: start (.6, .4), move [[.7, .3], [.4, .6]], emit [[.9, .1], [.2, .8]]. Symbols 0, 1:
 *   after 0: .54, .08, sum .62 -> .54/.62, .08/.62
 *   after 1: (.54 * .7 + .08 * .4) * .1 = .041, (.54 * .3 + .08 * .6) * .8 = .168, over .62; P(0, 1) = .209 */
#include "test.h"

#include "base/rng.h"
#include "learn/hmm_discrete.h"

static mid__hmm by_hand(void)
{
    static const double start[] = { .6, .4 }, move[] = { .7, .3, .4, .6 }, emit[] = { .9, .1, .2, .8 };
    mid__hmm h;

    CHECK_OK(mid__hmm_open(test_ctx(), 2, 2, 1, &h));
    memcpy(h.start, start, sizeof start);
    memcpy(h.move, move, sizeof move);
    memcpy(h.emit, emit, sizeof emit);
    return h;
}

TEST(hmm_discrete, filter_by_hand)
{
    mid__hmm h = by_hand();
    double alpha[2];

    CHECK_NEAR(mid__hmm_filter(&h, alpha, true, 0), log(.62), 1e-14);
    CHECK_NEAR(alpha[0], .54 / .62, 1e-14);
    CHECK_NEAR(mid__hmm_filter(&h, alpha, false, 1), log(.209 / .62), 1e-14);
    CHECK_NEAR(alpha[0], .041 / .209, 1e-14);
    CHECK_NEAR(mid__hmm_filter(&h, alpha, false, 9), log(.5), 1e-14);          /* unknown: as likely as any */
    CHECK_NEAR(alpha[0], .041 / .209 * .7 + .168 / .209 * .4, 1e-14);
    mid__hmm_clear(&h);
}

/* One step on the sequence 0, 1. P(state 0 first) = (.54 * .7 * .1 + .54 * .3 * .8) / .209 = .1674 / .209; state 0 second
 * .041 / .209; move 0 -> 0 .0378 / .209. */
TEST(hmm_discrete, learn_by_hand)
{
    const uint32_t symbol[] = { 0, 1 };
    const size_t first[] = { 0, 2 };
    const mid__symbols s = { symbol, first, 1 };
    mid__hmm h = by_hand();
    double lp;

    CHECK_OK(mid__hmm_learn(test_ctx(), &s, NULL, 0, 0, 1, &h, &lp));
    CHECK_NEAR(lp, log(.209) / 2, 1e-14);
    CHECK_NEAR(h.start[0], .1674 / .209, 1e-14);
    CHECK_NEAR(h.move[0], .0378 / .1674, 1e-14);
    CHECK_NEAR(h.move[2], .0032 / .0416, 1e-14);        /* 1 -> 0: .08 * .4 * .1 of .08 * (.4 * .1 + .6 * .8) */
    CHECK_NEAR(h.emit[0], .1674 / (.1674 + .041), 1e-14);
    CHECK_NEAR(h.emit[2], .0416 / (.0416 + .168), 1e-14);
    mid__hmm_clear(&h);
}

/* Answers made of two regimes: the likelihood never falls, and the regimes are told apart. */
TEST(hmm_discrete, learns_regimes)
{
    enum { N = 40, LENGTH = 30 };
    uint32_t symbol[N * LENGTH];
    size_t first[N + 1], i, t;
    uint8_t use[N];
    const mid__symbols s = { symbol, first, N };
    double lp, last = -INFINITY, alpha[2], after_low, after_high;
    mid__hmm h;
    mid__rng rng;

    mid__rng_init(&rng, 3, 0);
    for (i = 0; i <= N; i++)
        first[i] = i * LENGTH;
    for (i = 0; i < N; i++) {
        bool high = false;
        use[i] = i != 0;
        for (t = 0; t < LENGTH; t++) {
            high = mid__rng_unit(&rng) < 0.1 ? !high : high;
            symbol[i * LENGTH + t] = mid__rng_below(&rng, 2) + (high ? 2 : 0);
        }
    }
    symbol[0] = 99;                     /* of a sequence that is not in use */
    CHECK_OK(mid__hmm_open(test_ctx(), 2, 4, 5, &h));
    for (i = 0; i < 60; i++) {
        CHECK_OK(mid__hmm_learn(test_ctx(), &s, use, 0, 0, 1, &h, &lp));
        CHECK(lp >= last - 1e-12);
        last = lp;
    }
    mid__hmm_filter(&h, alpha, true, 0);
    after_low = alpha[0];
    mid__hmm_filter(&h, alpha, true, 3);
    after_high = alpha[0];
    CHECK(fabs(after_low - after_high) > 0.95);
    CHECK_NEAR(h.move[0], 0.9, 0.05);
    mid__hmm_clear(&h);
}

TEST(hmm_discrete, bad_input)
{
    const uint32_t symbol[] = { 0, 2 };
    const size_t first[] = { 0, 2 }, none[] = { 0, 0 };
    const mid__symbols s = { symbol, first, 1 }, empty = { symbol, none, 1 };
    mid__hmm h = by_hand(), bad;
    double lp;

    CHECK_FAILS(mid__hmm_learn(test_ctx(), &s, NULL, 1, 0, 1, &h, &lp), MID_EINVAL);
    CHECK_FAILS(mid__hmm_learn(test_ctx(), &empty, NULL, 1, 0, 1, &h, &lp), MID_EUNDEFINED);
    CHECK_FAILS(mid__hmm_open(test_ctx(), 65, 2, 1, &bad), MID_EINVAL);
    mid__hmm_clear(&bad);
    mid__hmm_clear(&h);
}
