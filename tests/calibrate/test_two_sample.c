/* Kolmogorov-Smirnov: by hand, ties, and that p keeps its word. tests/oracle/drift.py has SciPy's numbers. */
#include "test.h"

#include "base/rng.h"

static mid_two_sample test_of(const double *a, size_t n_a, const double *b, size_t n_b)
{
    mid_two_sample t;

    CHECK_OK(mid_two_sample_of(test_ctx(), a, n_a, b, n_b, &t));
    return t;
}

/* {1, 2} against {3, 4}: of the 6 ways to deal, 2 part the batches wholly. */
TEST(two_sample, golden)
{
    static const double a[] = { 2, 1 }, b[] = { 4, 3 }, c[] = { 3, 1 };
    mid_two_sample t = test_of(a, 2, b, 2);

    CHECK_INT(t.n_a, 2);
    CHECK_INT(t.n_b, 2);
    CHECK(t.exact);
    CHECK_NEAR(t.distance, 1, 0);
    CHECK_NEAR(t.p, 2.0 / 6, 1e-15);
    t = test_of(c, 2, (const double[]){ 2, 4 }, 2);             /* 1 2 3 4 in turns: any deal is at least .5 */
    CHECK_NEAR(t.distance, 0.5, 0);
    CHECK_NEAR(t.p, 1, 1e-15);
}

/* Pooled 1, 1, 2, 2 and batches {1, 1}, {2, 2}: of the 6 deals only the two that part the values reach 1. With {1, 2}
 * on both sides the shares agree after each run: distance 0, although a walk through the ties would see .5. */
TEST(two_sample, golden_ties)
{
    static const double one[] = { 1, 1 }, two[] = { 2, 2 }, both[] = { 1, 2 };
    mid_two_sample t = test_of(one, 2, two, 2);

    CHECK_NEAR(t.distance, 1, 0);
    CHECK_NEAR(t.p, 2.0 / 6, 1e-15);
    t = test_of(both, 2, both, 2);
    CHECK_NEAR(t.distance, 0, 0);
    CHECK_NEAR(t.p, 1, 0);
    t = test_of(one, 2, one, 2);                                /* all tied */
    CHECK_NEAR(t.distance, 0, 0);
    CHECK_NEAR(t.p, 1, 0);
}

TEST(two_sample, infinities_are_values)
{
    static const double never[] = { -INFINITY, -INFINITY, -INFINITY }, some[] = { -INFINITY, 0, INFINITY };
    const mid_two_sample t = test_of(never, 3, some, 3);

    CHECK_NEAR(t.distance, 2.0 / 3, 1e-15);
    CHECK_NEAR(test_of(never, 3, never, 3).p, 1, 0);
}

TEST(two_sample, bad_input)
{
    static const double a[] = { 1, NAN };
    mid_two_sample t = { .n_a = 42 };

    CHECK_FAILS(mid_two_sample_of(test_ctx(), a, 0, a, 1, &t), MID_EUNDEFINED);
    CHECK_SAYS("batch a has no answers");
    CHECK_FAILS(mid_two_sample_of(test_ctx(), a, 1, a, 0, &t), MID_EUNDEFINED);
    CHECK_FAILS(mid_two_sample_of(test_ctx(), a, 1, a, 2, &t), MID_ENUMERIC);
    CHECK_SAYS("batch b: score 1 of 2");
    CHECK_FAILS(mid_two_sample_of(test_ctx(), a, (size_t)INT32_MAX + 1, a, 1, &t), MID_ELIMIT);
    CHECK_INT(t.n_a, 42);
}

TEST(two_sample, properties)
{
    enum { SEED = 501, N_MAX = 60 };
    mid__rng rng;
    double a[N_MAX], b[N_MAX];
    int i_case;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i_case = 0; i_case < 300; i_case++) {
        const size_t n_a = 1 + mid__rng_below(&rng, N_MAX), n_b = 1 + mid__rng_below(&rng, N_MAX);
        const uint32_t n_value = 1 + mid__rng_below(&rng, 30);
        mid_two_sample t, back, moved;
        size_t i;
        for (i = 0; i < n_a; i++)
            a[i] = mid__rng_below(&rng, n_value);
        for (i = 0; i < n_b; i++)
            b[i] = mid__rng_below(&rng, n_value);
        t = test_of(a, n_a, b, n_b);
        back = test_of(b, n_b, a, n_a);
        CHECK(t.p > 0 && t.p <= 1 + 1e-12 && t.distance >= 0 && t.distance <= 1);
        CHECK_NEAR(t.distance, back.distance, 1e-15);
        CHECK_NEAR(t.p, back.p, 1e-12);
        for (i = 0; i < n_a; i++)
            a[i] = exp(a[i]);                                   /* only the order counts */
        for (i = 0; i < n_b; i++)
            b[i] = exp(b[i]);
        moved = test_of(a, n_a, b, n_b);
        CHECK_NEAR(t.p, moved.p, 0);
    }
}

/* P(p <= alpha) <= alpha for batches of one population, with and without ties, exact and by the limit law. */
TEST(two_sample, level)
{
    enum { SEED = 502, N_TRIAL = 2000 };
    static const struct { size_t n_a, n_b; uint32_t n_value; int n_trial; } at[] = {
        { 40, 25, 0, N_TRIAL }, { 40, 25, 6, N_TRIAL }, { 2500, 2000, 0, 400 }, { 2500, 2000, 12, 400 },
    };
    static double a[2500], b[2000];
    mid__rng rng;
    size_t k, i;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (k = 0; k < sizeof at / sizeof at[0]; k++) {
        int trial, n_low = 0;
        const double sd = sqrt(0.05 * 0.95 / at[k].n_trial);
        mid_two_sample t = { 0 };
        for (trial = 0; trial < at[k].n_trial; trial++) {
            for (i = 0; i < at[k].n_a; i++)
                a[i] = at[k].n_value ? mid__rng_below(&rng, at[k].n_value) : mid__rng_unit(&rng);
            for (i = 0; i < at[k].n_b; i++)
                b[i] = at[k].n_value ? mid__rng_below(&rng, at[k].n_value) : mid__rng_unit(&rng);
            t = test_of(a, at[k].n_a, b, at[k].n_b);
            n_low += t.p <= 0.05;
        }
        print_message("%zu and %zu, %s: p <= .05 in %.4f of %d\n", at[k].n_a, at[k].n_b,
                      t.exact ? "exact" : "limit law", (double)n_low / at[k].n_trial, at[k].n_trial);
        CHECK((double)n_low / at[k].n_trial <= 0.05 + 3 * sd);
    }
}
