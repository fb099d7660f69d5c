/* Shrinkage by hand. Rows (+-2, 0), (0, +-1): mu = 0, S = diag(2, 1/2), tr S = 5/2, |S|^2 = 17/4, mean |x|^4 = 34/4
 *   delta = (17/4 - (5/2)^2 / 2) / 2 = 9/16, beta = (34/4 - 17/4) / (4 * 2) = 17/32, rho = 17/18
 *   Sigma = S / 18 + 17/18 * 5/4 I = diag(23.25, 21.75) / 18 */
#include "test.h"

#include "learn/shrink.h"

static const float x[] = { 2, 0, -2, 0, 0, 1, 0, -1 };

TEST(shrink, rho_by_hand)
{
    const double mean[] = { 0, 0 }, scatter[] = { 8, 0, 0, 2 }, none[] = { 0, 0, 0, 0 };
    const float alike[] = { 0, 0, 0, 0 };

    CHECK_NEAR(mid__ledoit_wolf(x, 4, 2, mean, scatter), 17.0 / 18, 1e-15);
    CHECK_NEAR(mid__ledoit_wolf(alike, 2, 2, mean, none), 1, 0);
}

TEST(shrink, gauss_by_hand)
{
    const float h[] = { 3, 4 };
    float scratch[2];
    mid__gauss g;

    CHECK_OK(mid__gauss_fit(test_ctx(), x, 4, 2, "safe", &g));
    CHECK_NEAR(mid__gauss_distance2(g.mu, g.whiten, h, scratch, 2), 9 * 18 / 23.25 + 16 * 18 / 21.75, 1e-5);
    mid__gauss_clear(&g);
    CHECK_FAILS(mid__gauss_fit(test_ctx(), x, 1, 2, "unsafe", &g), MID_EUNDEFINED);
    CHECK_SAYS("1 unsafe rows");
    mid__gauss_clear(&g);
}
