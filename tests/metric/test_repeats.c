/* Repeats: one is no other than none, figures are means, and intervals know of both prompts and cuts. */
#include "test.h"

#include "base/rng.h"
#include "metric/repeats.h"

enum { SEED = 21, N = 200, R = 6 };
static double score[R * N], flat[R * N];
static uint8_t label[N];
static uint32_t group[N];

/* Of each repeat another share is noise. */
static void fill(double noise)
{
    mid__rng rng;
    size_t i, r;

    print_message("  seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i = 0; i < N; i++) {
        const double own = mid__rng_unit(&rng);
        label[i] = (uint8_t)(i % 2);
        group[i] = (uint32_t)i / 2;
        for (r = 0; r < R; r++) {
            score[r * N + i] = 0.4 * label[i] + own + noise * (double)r * mid__rng_unit(&rng);
            flat[r * N + i] = own;
        }
    }
}

TEST(repeats, figures_are_means)
{
    const mid_boot boot = { 5, 300 };
    mid_ranking all, one;
    double sum = 0;
    size_t r;

    fill(0.5);
    CHECK_OK(mid__ranking_of_repeats(test_ctx(), score, R, label, group, N, &boot, &all));
    for (r = 0; r < R; r++) {
        CHECK_OK(mid_ranking_of(test_ctx(), score + r * N, label, group, N, NULL, &one));
        sum += one.auroc.value / R;
    }
    CHECK_NEAR(all.auroc.value, sum, 1e-12);
    CHECK(all.auroc.lo < sum && sum < all.auroc.hi);
    CHECK_INT(all.n_group, N / 2);
}

/* The same scores again and again tell nothing new: the interval is that of one. Different ones widen it. */
TEST(repeats, interval_has_prompts_and_cuts_in_it)
{
    const mid_boot boot = { 5, 2000 };
    mid_ranking one, same, mixed;
    size_t r;

    fill(0);
    CHECK_OK(mid_ranking_of(test_ctx(), score, label, group, N, &boot, &one));
    CHECK_OK(mid__ranking_of_repeats(test_ctx(), score, R, label, group, N, &boot, &same));
    CHECK_NEAR(same.auroc.lo, one.auroc.lo, 1e-12);
    CHECK_NEAR(same.auroc.hi, one.auroc.hi, 1e-12);
    for (r = 1; r < R; r += 2)
        memcpy(score + r * N, flat, N * sizeof *score);     /* half of the cuts learned nothing */
    CHECK_OK(mid__ranking_of_repeats(test_ctx(), score, R, label, group, N, &boot, &mixed));
    CHECK(mixed.auroc.hi - mixed.auroc.lo > 1.3 * (one.auroc.hi - one.auroc.lo));
}

TEST(repeats, gain_pairs_cut_with_cut)
{
    const mid_boot boot = { 5, 500 };
    mid_gain g;

    fill(0.5);
    CHECK_OK(mid__gain_of_repeats(test_ctx(), score, score, R, label, group, N, &boot, &g));
    CHECK_NEAR(g.auroc.value, 0, 0);
    CHECK_NEAR(g.p_auroc, 1, 0);
    CHECK_OK(mid__gain_of_repeats(test_ctx(), score, flat, R, label, group, N, &boot, &g));
    CHECK(g.auroc.lo > 0 && g.p_auroc < 0.001);
    score[R * N - 1] = NAN;
    CHECK_FAILS(mid__gain_of_repeats(test_ctx(), score, flat, R, label, group, N, &boot, &g), MID_ENUMERIC);
}
