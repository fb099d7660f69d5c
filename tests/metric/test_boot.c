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

    CHECK_OK(mid__boot_run(test_ctx(), &boot, n_group, drawn, &least, 2, e));
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
    run(100, 1, 1, e);                          /* the only group is always drawn once */
    CHECK_NEAR(e[1].lo, 1, 0);
    CHECK_NEAR(e[1].hi, 1, 0);
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
    figure[0] = weight[0] == 1 ? 1 : NAN;       /* true of the sample, and of .377 of the draws */
}

TEST(boot, too_few_defined_draws)
{
    const mid_boot some = { .seed = SEED, .n_draw = 150 }, many = { .seed = SEED, .n_draw = 1000 };
    mid_estimate e;

    CHECK_OK(mid__boot_run(test_ctx(), &some, 20, rare, NULL, 1, &e));
    CHECK_NEAR(e.value, 1, 0);
    CHECK(isnan(e.lo) && isnan(e.hi));          /* about 57: below 100 and below half */
    CHECK_OK(mid__boot_run(test_ctx(), &many, 20, rare, NULL, 1, &e));
    CHECK_NEAR(e.lo, 1, 0);                     /* about 377 */
}

TEST(boot, no_draws)
{
    mid_estimate e[2];

    run(0, 20, 0, e);
    CHECK_NEAR(e[0].value, 1, 0);
    CHECK(isnan(e[0].lo) && isnan(e[0].hi));
}
