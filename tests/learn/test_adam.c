/* AdamW by hand. On the first step m' = g and v' = g^2, so a weight moves by rate * (sign of g + decay * w). */
#include "test.h"

#include "learn/adam.h"

TEST(adam, first_step)
{
    const float grad[] = { 0.3f, -4, 0 };
    float w[] = { 1, -2, 0.5f };
    mid__adam a;

    CHECK_OK(mid__adam_open(test_ctx(), 3, &a));
    mid__adam_step(&a, 0.1, 0.01, grad, w);
    CHECK_NEAR(w[0], 1 - 0.1 * (1 + 0.01), 1e-6);
    CHECK_NEAR(w[1], -2 + 0.1 * (1 + 0.02), 1e-6);
    CHECK_NEAR(w[2], 0.5 - 0.1 * 0.005, 1e-6);              /* no gradient: the decay alone */
    mid__adam_clear(&a);
}

/* g = 1, then g = 0:  m = .09, m' = .09 / .19;  v = .000999, v' = .000999 / .001999. */
TEST(adam, second_step)
{
    const float one = 1, none = 0;
    float w = 0;
    mid__adam a;

    CHECK_OK(mid__adam_open(test_ctx(), 1, &a));
    mid__adam_step(&a, 0.1, 0, &one, &w);
    CHECK_NEAR(w, -0.1, 1e-6);
    mid__adam_step(&a, 0.1, 0, &none, &w);
    CHECK_NEAR(w, -0.1 - 0.1 * (0.09 / 0.19) / sqrt(0.000999 / 0.001999), 1e-6);
    mid__adam_clear(&a);
    mid__adam_clear(&a);                                    /* twice is fine */
}

/* It finds the bottom of a bowl with very different slopes: (w_0 - 3)^2 + 100 (w_1 + 1)^2. */
TEST(adam, descends)
{
    float w[] = { 0, 0 }, grad[2];
    mid__adam a;
    int i;

    CHECK_OK(mid__adam_open(test_ctx(), 2, &a));
    for (i = 0; i < 2000; i++) {
        grad[0] = 2 * (w[0] - 3);
        grad[1] = 200 * (w[1] + 1);
        mid__adam_step(&a, 0.01, 0, grad, w);
    }
    CHECK_NEAR(w[0], 3, 1e-3);
    CHECK_NEAR(w[1], -1, 1e-3);
    mid__adam_clear(&a);
}
