/* The bootstrap itself, with figures made up so that the interval is known. */
#include "test.h"

#include "metric/boot.h"

enum { SEED = 11 };

/* How often group 0 was drawn, and whether that was at least *least times: else undefined. */
static void drawn(void *self, const uint32_t *weight, double *figure)
{
    const uint32_t *least = self;

    figure[0] = weight[0];
    figure[1] = weight[0] >= *least ? weight[0] : NAN;
}

static void run(uint32_t n_draw, size_t n_group, uint32_t least, mid_estimate *e)
{
    const mid_boot boot = { .seed = SEED, .n_draw = n_draw };

    CHECK_OK(mid__boot_run(test_ctx(), &boot, n_group, drawn, &least, 2, NULL, NULL, e));
}

/* A group's weight is Binomial(20, 1/20): P(0) = .358 and P(<= 2) = .925, P(<= 3) = .984. */
TEST(boot, percentile_interval)
{
    mid_estimate e[2];

    run(4000, 20, 0, e);
    CHECK_NEAR(e[0].value, 1, 0);
    CHECK_NEAR(e[0].lo, 0, 0);
    CHECK_NEAR(e[0].hi, 3, 0);
    CHECK(e[0].why == NULL);
}

TEST(boot, same_seed_same_interval)
{
    mid_estimate a[2], b[2];

    run(333, 50, 0, a);
    run(333, 50, 0, b);
    CHECK(memcmp(&a[0], &b[0], sizeof a[0]) == 0);
}

TEST(boot, enough_defined_draws)
{
    mid_estimate e[2];

    run(200, 20, 1, e);                         /* about 128 of 200 */
    CHECK_NEAR(e[1].lo, 1, 0);
    run(60, 20, 1, e);                          /* about 38 of 60: over half */
    CHECK_NEAR(e[1].lo, 1, 0);
}

/* Undefined unless group 0 is there twice, which the sample itself is not: value and interval are undefined. */
TEST(boot, undefined_value_has_no_interval)
{
    mid_estimate e[2];

    run(2000, 20, 2, e);
    CHECK(isnan(e[1].value) && isnan(e[1].lo) && isnan(e[1].hi));
}

static void rare(void *self, const uint32_t *weight, double *figure)
{
    (void)self;
    figure[0] = weight[0] == 1 ? weight[1] : NAN;       /* defined on the sample, and on .377 of the draws */
}

TEST(boot, too_few_defined_draws)
{
    const mid_boot some = { .seed = SEED, .n_draw = 150 }, many = { .seed = SEED, .n_draw = 1000 };
    mid_estimate e;

    CHECK_OK(mid__boot_run(test_ctx(), &some, 20, rare, NULL, 1, NULL, NULL, &e));
    CHECK_NEAR(e.value, 1, 0);
    CHECK(isnan(e.lo) && isnan(e.hi));          /* about 57: below 100 and below half */
    CHECK_OK(mid__boot_run(test_ctx(), &many, 20, rare, NULL, 1, NULL, NULL, &e));
    CHECK_NEAR(e.lo, 0, 0);                     /* about 377 */
}

TEST(boot, no_draws)
{
    mid_estimate e[2];

    run(0, 20, 0, e);
    CHECK_NEAR(e[0].value, 1, 0);
    CHECK(isnan(e[0].lo) && isnan(e[0].hi));
}

/* Ten groups are enough to draw from, nine are not, whatever the figure. */
TEST(boot, few_groups_have_no_interval)
{
    mid_estimate e[2];

    run(1000, 10, 0, e);
    CHECK(e[0].lo == 0 && e[0].hi >= 2);
    run(1000, 9, 0, e);
    CHECK_NEAR(e[0].value, 1, 0);
    CHECK(isnan(e[0].lo) && isnan(e[0].hi));
}

static void certain(void *self, const uint32_t *weight, double *figure)
{
    (void)self;
    (void)weight;
    figure[0] = figure[2] = 0;
    figure[1] = figure[3] = 1;
}

/* No draw differs. By hand: P(none of n) = (1 - p)^n = .025 at p = 1 - .025^(1/n); .5218 for n = 5, .01234 for 297. */
TEST(boot, all_draws_equal)
{
    static const size_t n_prompt[] = { 297, 5, 0, 0 };
    const mid_boot boot = { .seed = SEED, .n_draw = 500 }, none = { .seed = SEED };
    mid_estimate e[4];

    CHECK_OK(mid__boot_run(test_ctx(), &boot, 300, certain, NULL, 4, n_prompt, NULL, e));
    CHECK_NEAR(e[0].lo, 0, 0);
    CHECK_NEAR(e[0].hi, 0.012344, 1e-6);
    CHECK_NEAR(pow(1 - e[0].hi, 297), 0.025, 1e-12);
    CHECK_NEAR(e[1].lo, 1 - 0.521824, 1e-6);
    CHECK_NEAR(e[1].hi, 1, 0);
    CHECK(isnan(e[2].lo) && isnan(e[2].hi) && isnan(e[3].lo) && isnan(e[3].hi));    /* no proportions */
    CHECK_NEAR(e[3].value, 1, 0);
    CHECK_OK(mid__boot_run(test_ctx(), &none, 300, certain, NULL, 4, n_prompt, NULL, e));
    CHECK(isnan(e[0].lo) && isnan(e[1].hi));            /* no interval was asked for */
}
