/* Means and maxima by hand, with and without a member, and what weights are learned. */
#include "joined.h"

/* One answer of one token: surprisal 1, entropy 3. */
static mid_trace *one_token(void)
{
    static const float surprisal[] = { 1 }, entropy[] = { 3 };

    return answer_of(surprisal, entropy, 1);
}

enum { BOTH, NO_SURPRISAL, NO_ENTROPY };

/* want: with both members, without the first, without the second. */
static void check_three(const char *name, mid_weights *(*make)(void), const double want[3])
{
    const mid_signals signals[] = { signals_of(1, 1), signals_without(MID_SIG_LOGPROB),
                                    signals_without(MID_SIG_ENTROPY) };
    mid_trace *t = one_token();
    int i;

    for (i = BOTH; i <= NO_ENTROPY; i++)
        check_scores(name, make(), &signals[i], t, &want[i]);
    mid_trace_close(t);
}

/* z: (1 - 2) / 4 = -1/4 and (3 - 1) / 2 = 1. */
static mid_weights *z_weights(void)
{
    mid_weights *w = hybrid_weights("mean_z", of_two);

    put_z(w, 0, 2, 4);
    put_z(w, 1, 1, 2);
    return w;
}

TEST(fuse_mean, z)
{
    static const double want[] = { 0.375, 1, -0.25 };

    check_three("mean_z", z_weights, want);
}

/* Ranks 1/4 and 3/4. */
static mid_weights *ranks(const char *name)
{
    mid_weights *w = hybrid_weights(name, of_two);

    put_rank(w, 0, 4);
    put_rank(w, 1, 4);
    return w;
}

static mid_weights *mean_rank(void) { return ranks("mean_rank"); }
static mid_weights *max_rank(void) { return ranks("max_rank"); }

TEST(fuse_mean, rank)
{
    static const double want_mean[] = { 0.5, 0.75, 0.25 }, want_max[] = { 0.75, 0.75, 0.25 };

    check_three("mean_rank", mean_rank, want_mean);
    check_three("max_rank", max_rank, want_max);
}

/* P = 1/2 and 3/8. */
static mid_weights *probabilities(const char *name)
{
    mid_weights *w = hybrid_weights(name, of_two);

    put_isotonic(w, 0, 2);
    put_isotonic(w, 1, 8);
    return w;
}

static mid_weights *mean_isotonic(void) { return probabilities("mean_isotonic"); }
static mid_weights *max_isotonic(void) { return probabilities("max_isotonic"); }

TEST(fuse_mean, isotonic)
{
    static const double want_mean[] = { 0.4375, 0.375, 0.5 }, want_max[] = { 0.5, 0.375, 0.5 };

    check_three("mean_isotonic", mean_isotonic, want_mean);
    check_three("max_isotonic", max_isotonic, want_max);
}

static mid_weights *weighted(float first, float second)
{
    const float weight[] = { first, second };
    mid_weights *w = ranks("weighted_rank");

    put(w, "weight", weight, 1, 2);
    return w;
}

static mid_weights *three_to_one(void) { return weighted(0.75f, 0.25f); }
static mid_weights *one_to_none(void) { return weighted(0.5f, 0); }
static mid_weights *none_to_none(void) { return weighted(0, 0); }

/* 3/4 of 1/4 and 1/4 of 3/4; alone, each is all there is. Where none that speaks has a weight, all that speak have the
 * same. */
TEST(fuse_mean, weighted)
{
    static const double three[] = { 0.375, 0.75, 0.25 }, one[] = { 0.25, 0.75, 0.25 }, none[] = { 0.5, 0.75, 0.25 };

    check_three("weighted_rank", three_to_one, three);
    check_three("weighted_rank", one_to_none, one);
    check_three("weighted_rank", none_to_none, none);
}

TEST(fuse_mean, refuses_strangers)
{
    static const float below[] = { 0.5f, -0.5f }, three[] = { 1, 1, 1 };

    check_refuses_tensor("weighted_rank", three_to_one(), "weight", below, 1, 2, "weight 1 is -0.5");
    check_refuses_tensor("weighted_rank", three_to_one(), "weight", three, 1, 3, "'weight'");
    check_refuses_tensor("mean_z", z_weights(), "normal.1", three, 1, 3, "'normal.1'");
    check_refuses_tensor("max_rank", max_rank(), "normal.0", three, 1, 3, "'normal.0'");
    check_refuses_tensor("mean_isotonic", mean_isotonic(), "normal.1", three, 1, 3, "'normal.1'");
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

TEST(fuse_mean, means_are_better_than_either)
{
    static const char *const name[] = { "mean_isotonic", "mean_rank", "mean_z", "weighted_rank" };
    size_t i;

    for (i = 0; i < sizeof name / sizeof name[0]; i++)
        check_better_than_either(name[i], of_two, both_half_know, 20260304);
}

TEST(fuse_mean, maxima_are_better_than_either)
{
    check_better_than_either("max_isotonic", of_two, shows_in_one, 20260304);
    check_better_than_either("max_rank", of_two, shows_in_one, 20260304);
}

static void first_knows(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };

    trace_put(t, "x", (float)-(2 * label + 3 * mid__rng_unit(rng)), (float)(3 * mid__rng_unit(rng) - label / 4.0), h);
}

/* Surprisal is ordered right in all but (1/3)^2 / 2 = 1 of 18 pairs: 2 AUROC - 1 = 8/9. Entropy is on the wrong side:
 * 0. */
TEST(fuse_mean, weights_are_learned)
{
    static const uint64_t seed = 20260305;
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    const float *weight;
    mid_fit_set set;
    mid_weights *w;

    put_task(&a, &signals, first_knows, ANSWER_MAX, seed, 0);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("weighted_rank"), two_joined, &set, &w));
    CHECK_OK(mid_weights_expect(test_ctx(), w, "weight", 1, 2, &weight));
    print_message("  seed %llu: weights %.3f and %.3f\n", (unsigned long long)seed, (double)weight[0],
                  (double)weight[1]);
    CHECK_NEAR(weight[0], 8 / 9.0, 0.08);
    CHECK_NEAR(weight[1], 0, 0);
    mid_weights_close(w);
    answers_clear(&a);
}
