/* k-means by hand: rows 0, 1, 10, 11 on a line. From centres 0 and 1: {0} {1, 10, 11} -> 0, 22/3; {0, 1} {10, 11} -> .5,
 * 10.5, where it stands still with inertia 4 * .25 = 1. */
#include "test.h"

#include "base/rng.h"
#include "learn/kmeans.h"

TEST(kmeans, lloyd_by_hand)
{
    const float x[] = { 0, 1, 10, 11 };
    float centre[] = { 0, 1 };
    uint32_t of[4];
    double inertia;

    CHECK_OK(mid__kmeans_lloyd(test_ctx(), x, 4, 1, 2, centre, of, &inertia));
    CHECK_NEAR(centre[0], 0.5, 0);
    CHECK_NEAR(centre[1], 10.5, 0);
    CHECK_NEAR(inertia, 1, 1e-15);
    CHECK(of[0] == 0 && of[1] == 0 && of[2] == 1 && of[3] == 1);
}

TEST(kmeans, idle_centre_stays)
{
    const float x[] = { 0, 1 };
    float centre[] = { 0.5f, 100 };
    uint32_t of[2];

    CHECK_OK(mid__kmeans_lloyd(test_ctx(), x, 2, 1, 2, centre, of, NULL));
    CHECK_NEAR(centre[1], 100, 0);
}

TEST(kmeans, nearest_takes_the_first_of_equals)
{
    const float centre[] = { -1, 1, 1 }, row = 0;
    double dist2;

    CHECK_INT(mid__nearest(centre, 3, 1, &row, &dist2), 0);
    CHECK_NEAR(dist2, 1, 0);
}

/* Four clumps far apart are found whatever the seed, and the same seed gives the same centres. */
TEST(kmeans, finds_clumps)
{
    enum { N = 80, D = 3 };
    float x[N * D], centre[4 * D], again[4 * D];
    uint32_t of[N];
    uint64_t seed;
    double inertia;
    mid__rng rng;
    size_t i, j, k;

    mid__rng_init(&rng, 5, 0);
    for (i = 0; i < N; i++)
        for (j = 0; j < D; j++)
            x[i * D + j] = (float)(mid__rng_unit(&rng) + 50.0 * (double)(i % 4 == j + 1));
    for (seed = 0; seed < 20; seed++) {
        k = 4;
        CHECK_OK(mid__kmeans_fit(test_ctx(), x, N, D, &k, seed, centre, of, &inertia));
        CHECK_INT(k, 4);
        CHECK(inertia < N * D * 0.25);
        for (i = 4; i < N; i++)
            CHECK_INT(of[i], of[i % 4]);
        CHECK_OK(mid__kmeans_fit(test_ctx(), x, N, D, &k, seed, again, of, NULL));
        assert_memory_equal(centre, again, sizeof centre);
    }
}

/* The short cut in float changes nothing: every row is where a search in double puts it, ties included, also far from
 * the origin, where float cannot tell the centres apart, and where it overflows. */
TEST(kmeans, rows_are_with_the_nearest)
{
    enum { N = 150, D_MAX = 40, K_MAX = 37 };
    static const size_t d_of[] = { 1, 3, 16, 17, 40 }, k_of[] = { 1, 2, 15, 16, 17, 37 };
    static const double origin[] = { 0, 1e4, 1e30 };
    float x[N * D_MAX], centre[K_MAX * D_MAX];
    uint32_t of[N];
    double inertia, sum, r;
    mid__rng rng;
    size_t a, b, c, i;

    print_message("seed 8\n");
    mid__rng_init(&rng, 8, 0);
    for (a = 0; a < 5; a++)
        for (b = 0; b < 6; b++)
            for (c = 0; c < 3; c++) {
                const size_t d = d_of[a], k = k_of[b];
                for (i = 0; i < N * d; i++)
                    x[i] = (float)(origin[c] + (origin[c] > 1e20 ? 1e27 : 1) * mid__rng_unit(&rng));
                memcpy(centre, x, k * d * sizeof *centre);
                if (k > 2)
                    memcpy(centre + d, centre, d * sizeof *centre);     /* two that are alike */
                CHECK_OK(mid__kmeans_lloyd(test_ctx(), x, N, d, k, centre, of, &inertia));
                for (sum = 0, i = 0; i < N; i++) {
                    CHECK_INT(of[i], mid__nearest(centre, k, d, x + i * d, &r));
                    sum += r;
                }
                CHECK(inertia == sum);
            }
}

TEST(kmeans, fewer_rows_than_centres)
{
    const float x[] = { 1, 1, 2, 2, 2 };
    const float bad[] = { 1, NAN, 3 };
    float centre[5];
    uint32_t of[5];
    double inertia;
    size_t k = 5;

    CHECK_OK(mid__kmeans_fit(test_ctx(), x, 5, 1, &k, 1, centre, of, &inertia));
    CHECK_INT(k, 2);                    /* distinct rows */
    CHECK_NEAR(inertia, 0, 0);
    CHECK_FAILS(mid__kmeans_fit(test_ctx(), x, 0, 1, &k, 1, centre, of, NULL), MID_EUNDEFINED);
    k = 2;
    CHECK_FAILS(mid__kmeans_fit(test_ctx(), bad, 3, 1, &k, 1, centre, of, NULL), MID_ENUMERIC);
}
