#include "aggregates.h"

/* Two safe answers are too few for bands of their own: one pool. 1 3 has mean 2 and mean square 5, 2 has 2 and 4; together
 * mean 2, variance 9/2 - 4 = 1/2. What unsafe answers score does not matter. */
TEST(agg_position_norm, golden)
{
    const double s1[] = { 1, 3 }, s2[] = { 2 }, u[] = { 90, 80 };
    const mid_scored_answer answer[] = { { s1, 2, 0 }, { s2, 1, 0 }, { u, 2, 1 } };
    const mid_score_set set = { answer, 3 };
    aggregated a;
    int t;

    aggregated_open(&a, "position_norm", &set);
    for (t = 0; t < 5000; t++)
        CHECK_NEAR(aggregated_push(&a, 3), sqrt(2), 1e-6);
    aggregated_close(&a);
}

/* 40 safe answers: all have a 1st and a 2nd token, 35 also a 3rd and 4th, 10 a 5th to 8th, which are too few and join the
 * band of 3 and 4. Token 1 scores 0 or 2 (mean 1, sd 1), token 2 10 or 14 (12, 2), 3 and 4 score 20; the 10 long answers
 * have 50 at tokens 5 to 8, so a mean of 40 over both bands: (25 * 20 + 10 * 40) / 35 there. */
TEST(agg_position_norm, bands)
{
    enum { N = 41 };
    double score[N][8];
    mid_scored_answer answer[N];
    const mid_score_set set = { answer, N };
    const float *learned;
    aggregated a;
    size_t i, t;

    for (i = 0; i < N; i++) {
        answer[i] = (mid_scored_answer){ score[i], i < 10 ? 8 : i < 35 ? 4 : 2, i == N - 1 };
        score[i][0] = i % 2 ? 0 : 2;
        score[i][1] = i % 2 ? 10 : 14;
        for (t = 2; t < 8; t++)
            score[i][t] = t < 4 ? 20 : 50;
    }
    aggregated_open(&a, "position_norm", &set);
    CHECK_OK(mid_weights_expect(test_ctx(), a.w, "agg.0.learned", 1, 26, &learned));
    CHECK_NEAR(learned[0], 1, 1e-6);
    CHECK_NEAR(learned[13], 1, 1e-6);
    CHECK_NEAR(learned[1], 12, 1e-6);
    CHECK_NEAR(learned[14], 2, 1e-6);
    for (i = 2; i < 13; i++)
        CHECK_NEAR(learned[i], 900.0 / 35, 1e-5);
    CHECK_NEAR(aggregated_push(&a, 3), 2, 1e-6);            /* (3 - 1) / 1 */
    CHECK_NEAR(aggregated_push(&a, 3), -4.5, 1e-6);         /* (3 - 12) / 2 */
    aggregated_close(&a);
}

/* Scores that never move: nothing to measure by, so they are only shifted. One band that never moves while others do is
 * measured by a thousandth of what all do. */
TEST(agg_position_norm, constant_scores)
{
    enum { N = 31 };
    double flat[] = { 7, 7 }, score[N][2];
    mid_scored_answer answer[N] = { { flat, 2, 0 }, { flat, 2, 1 } };
    const mid_score_set two = { answer, 2 }, all = { answer, N };
    const float *learned;
    aggregated a;
    size_t i;

    aggregated_open(&a, "position_norm", &two);
    CHECK_NEAR(aggregated_push(&a, 7), 0, 0);
    CHECK_NEAR(aggregated_push(&a, 9), 2, 0);
    aggregated_close(&a);
    for (i = 0; i < N; i++) {
        answer[i] = (mid_scored_answer){ score[i], 2, i == N - 1 };
        score[i][0] = 5;
        score[i][1] = i % 2 ? 4 : 6;                        /* both tokens: mean square about the mean 5 is 1/2 */
    }
    aggregated_open(&a, "position_norm", &all);
    CHECK_OK(mid_weights_expect(test_ctx(), a.w, "agg.0.learned", 1, 26, &learned));
    CHECK_NEAR(learned[13], 1e-3 * sqrt(0.5), 1e-9);
    CHECK_NEAR(learned[14], 1, 1e-6);
    aggregated_close(&a);
}

/* Learned numbers from elsewhere: a deviation must be positive. */
TEST(agg_position_norm, refuses_no_deviation)
{
    const double s[] = { 1, 2 };
    const mid_scored_answer answer[] = { { s, 2, 0 }, { s, 2, 1 } };
    const mid_score_set set = { answer, 2 };
    const float zero[26] = { 0 };
    mid__chain chain;
    aggregated a;

    aggregated_open(&a, "position_norm", &set);
    CHECK_OK(mid_weights_set(test_ctx(), a.w, "agg.0.learned", zero, 1, 26));
    CHECK_FAILS(mid__chain_open(test_ctx(), &a.spec, a.w, &chain), MID_EFORMAT);
    CHECK_SAYS("position_norm");
    aggregated_close(&a);
}
