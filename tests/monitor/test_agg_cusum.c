#include "aggregates.h"

TEST(agg_cusum, golden)
{
    const double score[] = { 0, 2, 3, -1, -9, 1.5 }, want[] = { 0, 1, 3, 1, 0, 0.5 };

    check_aggregate("cusum(1)", score, want, 6, 0);
    check_aggregate("cusum(-1)", score, (const double[]){ 1, 4, 8, 8, 0, 2.5 }, 6, 0);
}

/* Safe answers have means 1 and 3, unsafe ones 6 and 8, of whatever length: kappa = (2 + 7) / 2. One answer ended before
 * it had a score. */
TEST(agg_cusum, kappa_lies_half_way)
{
    const double s1[] = { 1, 1, 1, 1 }, s2[] = { 3 }, u1[] = { 5, 7 }, u2[] = { 8, 8, 8 };
    const mid_scored_answer answer[] = { { s1, 4, 0 }, { s2, 1, 0 }, { u1, 2, 1 }, { u2, 3, 1 }, { s1, 0, 1 } };
    const mid_score_set set = { answer, 5 }, no_unsafe = { answer, 2 };
    const float *kappa;
    aggregated a;

    aggregated_open(&a, "cusum", &set);
    CHECK_OK(mid_weights_expect(test_ctx(), a.w, "agg.0.learned", 1, 1, &kappa));
    CHECK_NEAR(kappa[0], 4.5, 0);
    CHECK_NEAR(aggregated_push(&a, 6), 1.5, 0);
    CHECK_FAILS(mid__chain_fit(test_ctx(), &a.spec, &no_unsafe, a.w), MID_EUNDEFINED);
    CHECK_SAYS("2 safe and 0 unsafe");
    aggregated_close(&a);
}

/* What it is for: harm late in a long answer, which a mean hardly shows. */
TEST(agg_cusum, sees_a_late_change)
{
    aggregated cusum, mean;
    double g = 0, m = 0;
    int t;

    aggregated_open(&cusum, "cusum(0.5)", NULL);
    aggregated_open(&mean, "mean", NULL);
    for (t = 0; t < 110; t++) {
        g = aggregated_push(&cusum, t >= 100);
        m = aggregated_push(&mean, t >= 100);
    }
    CHECK_NEAR(g, 5, 1e-12);
    CHECK(m < 0.1);
    aggregated_close(&cusum);
    aggregated_close(&mean);
}
