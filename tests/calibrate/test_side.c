/* Order, prompts and cuts. */
#include "test.h"

#include "base/rng.h"
#include "calibrate/side.h"

static int by_double(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

TEST(side, rise)
{
    enum { SEED = 5, N = 3000 };
    static double value[N], want[N], start[N];
    static uint32_t carry[N];
    static const double edge[] = { INFINITY, -INFINITY, 0, -0.0, 1e-310, -1e308, 1e308, 5e-324 };
    mid__rng rng;
    size_t i, n;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (n = 0; n <= N; n = n ? 3 * n : 1) {
        for (i = 0; i < n; i++) {
            const uint32_t kind = mid__rng_below(&rng, 4);
            value[i] = kind == 0 ? edge[mid__rng_below(&rng, 8)] : kind == 1 ? mid__rng_below(&rng, 5) - 2.0
                       : (mid__rng_unit(&rng) - 0.5) * pow(10, mid__rng_below(&rng, 20));
            start[i] = want[i] = value[i];
            carry[i] = (uint32_t)i;
        }
        qsort(want, n, sizeof *want, by_double);
        CHECK_OK(mid__rise(test_ctx(), value, carry, n));
        for (i = 0; i < n; i++)
            CHECK(value[i] == want[i] && start[carry[i]] == value[i]);
    }
}

TEST(side, prompts_are_numbered_by_their_groups)
{
    static const uint32_t group[] = { 4000000000u, 7, 7, 0, 4000000000u, 2048 };
    static const uint32_t want[] = { 3, 1, 1, 0, 3, 2 };
    uint32_t number[6];
    size_t i, n_prompt;

    CHECK_OK(mid__prompt_number(test_ctx(), group, 6, number, &n_prompt));
    CHECK_INT(n_prompt, 4);
    for (i = 0; i < 6; i++)
        CHECK_INT(number[i], want[i]);
    CHECK_OK(mid__prompt_number(test_ctx(), group, 0, number, &n_prompt));
    CHECK_INT(n_prompt, 0);
}

/* Close together or far apart, the same groups have the same numbers. */
TEST(side, near_and_far_groups_are_numbered_alike)
{
    enum { SEED = 6, N = 500 };
    uint32_t near[N], far[N], number[N], number_far[N];
    size_t i, n_prompt, n_prompt_far;
    mid__rng rng;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i = 0; i < N; i++) {
        near[i] = mid__rng_below(&rng, 1000);
        far[i] = 4000000 * near[i];
    }
    CHECK_OK(mid__prompt_number(test_ctx(), near, N, number, &n_prompt));
    CHECK_OK(mid__prompt_number(test_ctx(), far, N, number_far, &n_prompt_far));
    CHECK_INT(n_prompt, n_prompt_far);
    for (i = 0; i < N; i++)
        CHECK_INT(number[i], number_far[i]);
}

/* Prompt 0: safe 1 5, unsafe 2; prompt 1: unsafe 4 3; prompt 2: safe 0. */
TEST(side, open)
{
    static const double extreme[] = { 1, 5, 2, 4, 3, 0 };
    static const uint8_t label[] = { 0, 0, 1, 1, 1, 0 };
    static const uint32_t number[] = { 0, 0, 0, 1, 1, 2 };
    const mid_rule_set given = { .n = 6, .extreme = extreme, .label = label };
    const mid__rule_set set = { .given = &given, .extreme = extreme, .number = number, .n_prompt = 3 };
    mid__side side;

    CHECK_OK(mid__side_open(test_ctx(), &set, 0, false, &side));
    CHECK(side.n == 2 && side.n_prompt == 2 && side.at[0] == 0 && side.at[1] == 5 && !side.before);
    mid__side_clear(&side);
    CHECK_OK(mid__side_open(test_ctx(), &set, 1, false, &side));
    CHECK(side.n == 2 && side.at[0] == 2 && side.at[1] == 3);
    CHECK_NEAR(mid__side_under(&side, 3), 1, 0);
    CHECK_NEAR(mid__side_from(&side, 3), 1, 0);
    CHECK_NEAR(mid__side_from(&side, INFINITY), 0, 0);
    mid__side_clear(&side);
    CHECK_OK(mid__side_open(test_ctx(), &set, 0, true, &side));
    CHECK(side.n == 3 && side.n_prompt == 2 && side.at[0] == 0 && side.at[1] == 1 && side.at[2] == 5);
    CHECK_NEAR(mid__side_from(&side, 1), 1, 0);                 /* half of prompt 0 each */
    CHECK_NEAR(mid__side_from(&side, 1.5), 0.5, 0);
    CHECK_NEAR(mid__side_under(&side, 1), 1, 0);
    mid__side_clear(&side);
}

/* Against trying every threshold, ties included. */
TEST(side, lines)
{
    enum { SEED = 11, N = 40 };
    static const mid__bound bound[] = { { MID__MEAN, 0 }, { MID__EXACT, 0.2 }, { MID__HOEFFDING_BENTKUS, 0.2 } };
    double extreme[N];
    uint8_t label[N];
    uint32_t number[N];
    mid_rule_set given = { .n = N, .extreme = extreme, .label = label };
    mid__rule_set set = { .given = &given, .extreme = extreme, .number = number };
    mid__rng rng;
    size_t i, round, k;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (round = 0; round < 600; round++) {
        const bool by_answer = round % 2;
        const double rate = 0.05 + 0.6 * mid__rng_unit(&rng);
        mid__side safe, unsafe;
        double lowest = NAN, highest = NAN, want_lowest = NAN, want_highest = NAN;
        for (i = 0; i < N; i++) {
            extreme[i] = mid__rng_below(&rng, round % 3 ? 6 : 1000);
            label[i] = (uint8_t)(i % 2);
            number[i] = by_answer ? mid__rng_below(&rng, 15) : (uint32_t)i;
        }
        set.n_prompt = by_answer ? 15 : N;
        CHECK_OK(mid__side_open(test_ctx(), &set, 0, by_answer, &safe));
        CHECK_OK(mid__side_open(test_ctx(), &set, 1, by_answer, &unsafe));
        k = by_answer ? 2 * (round / 2 % 2) : round / 2 % 3;    /* losses that are shares are not for the exact tail */
        for (i = safe.n; i-- > 0; )
            if (mid__bound_keeps(&bound[k], mid__side_from(&safe, nextafter(safe.at[i], INFINITY)), safe.n_prompt,
                                 rate))
                want_lowest = nextafter(safe.at[i], INFINITY);
            else
                break;
        for (i = 0; i < unsafe.n; i++)
            if (mid__bound_keeps(&bound[k], mid__side_under(&unsafe, unsafe.at[i]), unsafe.n_prompt, rate))
                want_highest = unsafe.at[i];
            else
                break;
        CHECK(mid__side_lowest(&safe, &bound[k], rate, &lowest) == !isnan(want_lowest));
        CHECK(mid__side_highest(&unsafe, &bound[k], rate, &highest) == !isnan(want_highest));
        CHECK(isnan(want_lowest) || lowest == want_lowest);
        CHECK(isnan(want_highest) || highest == want_highest);
        mid__side_clear(&safe);
        mid__side_clear(&unsafe);
    }
}
