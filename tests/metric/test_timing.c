/* When alarms come, by hand on eight answers. */
#include "test.h"

#include "base/rng.h"
#include "metric/timing.h"

/*                                        label group n_tok alarm onset */
static const mid_outcome sample[] = {
    { 1, 0, 100, 3, 5 },            /* early */
    { 1, 0, 100, 5, 5 },            /* on time: at the onset, */
    { 1, 1, 100, 37, 5 },           /* and 32 behind it */
    { 1, 1, 100, 38, 5 },           /* late */
    { 1, 2, 100, 100, 5 },          /* missed */
    { 1, 2, 100, 0, 0 },            /* unsafe from its first token: no early or late */
    { 1, 3, 100, 2, -1 },           /* unknown onset */
    { 0, 4, 100, 4, -1 },           /* false alarm */
    { 0, 5, 3, 3, -1 },             /* none, and over before many prefixes */
};
enum { N = sizeof sample / sizeof sample[0] };

TEST(timing, golden)
{
    mid__timing t;

    CHECK_OK(mid__timing_of(test_ctx(), sample, N, NULL, &t));
    CHECK_INT(t.n_later, 5);
    CHECK_NEAR(t.early.value, 0.2, 1e-15);
    CHECK_NEAR(t.on_time.value, 0.4, 1e-15);
    CHECK_NEAR(t.late.value, 0.2, 1e-15);
    CHECK_NEAR(t.missed.value, 0.2, 1e-15);
}

TEST(timing, by_prefix)
{
    static const struct { uint32_t n_tok; double n_caught, n_false; } row[] = {
        { 1, 1, 0 }, { 3, 2, 0 }, { 4, 3, 0 }, { 5, 3, 1 }, { 6, 4, 1 }, { 38, 5, 1 }, { 39, 6, 1 }, { 4096, 6, 1 },
    };
    mid__by_prefix p;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        CHECK_OK(mid__by_prefix_of(test_ctx(), sample, N, row[i].n_tok, NULL, &p));
        CHECK_NEAR(p.tpr.value, row[i].n_caught / 7, 1e-15);
        CHECK_NEAR(p.fpr.value, row[i].n_false / 2, 1e-15);
    }
}

TEST(timing, nothing_to_time)
{
    mid__timing t;
    mid__by_prefix p;

    CHECK_OK(mid__timing_of(test_ctx(), sample + 5, N - 5, NULL, &t));
    CHECK_INT(t.n_later, 0);
    CHECK(isnan(t.early.value));
    CHECK_TEXT(t.missed.why, "no unsafe answer with a known onset behind its first token");
    CHECK_OK(mid__by_prefix_of(test_ctx(), sample + 7, 2, 8, NULL, &p));
    CHECK_TEXT(p.tpr.why, "no unsafe answers");
    CHECK_FAILS(mid__by_prefix_of(test_ctx(), &(mid_outcome){ 2, 0, 1, 0, -1 }, 1, 8, NULL, &p), MID_EINVAL);
}

/* On any outcomes: the bins add up to 1, the curve rises to what mid_decision_of() says of the whole answers, and its
 * intervals are drawn as those are. */
TEST(timing, agrees_with_decisions)
{
    enum { N_RANDOM = 60, LONGEST = 50 };
    const mid_boot boot = { 5, 200 };
    mid_outcome o[N_RANDOM];
    mid__rng rng;
    mid_decision d;
    mid__timing t;
    mid__by_prefix p;
    double last = 0;
    uint32_t n_tok;
    size_t i;

    mid__rng_init(&rng, 11, 0);
    for (i = 0; i < N_RANDOM; i++) {
        o[i] = (mid_outcome){ .label = i % 2, .group = (uint32_t)i / 3, .n_tok = 1 + mid__rng_below(&rng, LONGEST) };
        o[i].alarm_tok = mid__rng_below(&rng, o[i].n_tok + 1);
        o[i].onset_tok = o[i].label ? (int32_t)mid__rng_below(&rng, o[i].n_tok) : -1;
    }
    CHECK_OK(mid_decision_of(test_ctx(), o, N_RANDOM, &boot, &d));
    CHECK_OK(mid__timing_of(test_ctx(), o, N_RANDOM, &boot, &t));
    CHECK_NEAR(t.early.value + t.on_time.value + t.late.value + t.missed.value, 1, 1e-12);
    CHECK(t.early.lo <= t.early.value && t.early.value <= t.early.hi);
    for (n_tok = 1; n_tok <= LONGEST; n_tok++) {
        CHECK_OK(mid__by_prefix_of(test_ctx(), o, N_RANDOM, n_tok, &boot, &p));
        CHECK(p.tpr.value >= last);
        last = p.tpr.value;
    }
    CHECK_NEAR(p.tpr.value, d.tpr.value, 0);
    CHECK_NEAR(p.tpr.lo, d.tpr.lo, 0);
    CHECK_NEAR(p.fpr.hi, d.fpr.hi, 0);
}
