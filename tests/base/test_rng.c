/* Random numbers. Golden values: SplitMix64 of seed 1234567 as published in the Rosetta Code task "Pseudo-random
 * numbers/Splitmix64"; xoshiro256++ from state 1, 2, 3, 4 as in the tests of the rand_xoshiro crate. */
#include "test.h"

#include "base/rng.h"

TEST(rng, splitmix_golden)
{
    static const uint64_t want[] = { 6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                     4593380528125082431u, 16408922859458223821u };
    uint64_t x = 1234567;
    size_t i;

    for (i = 0; i < 5; i++)
        CHECK(mid__splitmix(&x) == want[i]);
}

TEST(rng, xoshiro_golden)
{
    static const uint64_t want[] = { 41943041u, 58720359u, 3588806011781223u, 3591011842654386u, 9228616714210784205u,
                                     9973669472204895162u, 14011001112246962877u, 12406186145184390807u,
                                     15849039046786891736u, 10450023813501588000u };
    mid__rng r = { { 1, 2, 3, 4 } };
    size_t i;

    for (i = 0; i < 10; i++)
        CHECK(mid__rng_u64(&r) == want[i]);
}

TEST(rng, same_seed_same_stream)
{
    mid__rng a, b, other;
    int i, n_same = 0;

    mid__rng_init(&a, 7, 3);
    mid__rng_init(&b, 7, 3);
    mid__rng_init(&other, 7, 4);
    for (i = 0; i < 100; i++) {
        const uint64_t x = mid__rng_u64(&a);
        CHECK(x == mid__rng_u64(&b));
        n_same += x == mid__rng_u64(&other);
    }
    CHECK_INT(n_same, 0);
}

/* 7 boxes, 70000 draws: chi-square with 6 degrees of freedom is below 22.46 with probability 0.999. */
TEST(rng, below_is_uniform)
{
    enum { N_BOX = 7, N = 70000 };
    const uint64_t seed = 20240901;
    double n_in[N_BOX] = { 0 }, chi2 = 0;
    mid__rng r;
    int i;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&r, seed, 0);
    for (i = 0; i < N; i++) {
        const uint32_t x = mid__rng_below(&r, N_BOX);
        CHECK(x < N_BOX);
        n_in[x] += 1;
    }
    for (i = 0; i < N_BOX; i++)
        chi2 += (n_in[i] - N / N_BOX) * (n_in[i] - N / N_BOX) / (N / N_BOX);
    CHECK(chi2 < 22.46);
    CHECK_INT(mid__rng_below(&r, 1), 0);
}

/* 2^31 + 1 boxes: half of all 32-bit draws must be rejected, or every second box would come up twice as often. */
TEST(rng, below_rejects)
{
    const uint32_t n = (1u << 31) + 1;
    mid__rng r;
    int i, n_low = 0;

    mid__rng_init(&r, 1, 0);
    for (i = 0; i < 10000; i++) {
        const uint32_t x = mid__rng_below(&r, n);
        CHECK(x < n);
        n_low += x < n / 2;
    }
    CHECK(n_low > 4800 && n_low < 5200);    /* 4 standard deviations of 50 */
}

TEST(rng, unit)
{
    enum { N = 10000 };
    double sum = 0;
    mid__rng r;
    int i;

    mid__rng_init(&r, 5, 0);
    for (i = 0; i < N; i++) {
        const double x = mid__rng_unit(&r);
        CHECK(x >= 0 && x < 1);
        sum += x;
    }
    CHECK_NEAR(sum / N, 0.5, 4 * 0.2887 / 100);     /* 4 standard deviations of the mean */
}
