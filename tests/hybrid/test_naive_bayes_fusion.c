/* The sum by hand, and what the ratios and weights learn. Densities against SciPy: tests/oracle/fusion_sums.py. */
#include "joined.h"

enum { N_POINT = 65 };

/* z: surprisal - 2 and (entropy - 1) / 2. Evidence: z itself, and 1 - |z|; believed by 1 and 1/2. */
static mid_weights *by_hand(void)
{
    static const float weight[] = { 1, 0.5f };
    float ratio[2][N_POINT];
    mid_weights *w = hybrid_weights("naive_bayes", of_two);
    int j;

    for (j = 0; j < N_POINT; j++) {
        const float z = (float)j / 8 - 4;
        ratio[0][j] = z;
        ratio[1][j] = 1 - fabsf(z);
    }
    put_z(w, 0, 2, 1);
    put_z(w, 1, 1, 2);
    put(w, "weight", weight, 1, 2);
    put(w, "ratio", &ratio[0][0], 2, N_POINT);
    return w;
}

/* z = 1 and 0; 1 and 1/16, half way between two points; then far outside, which counts as the end: 4 and -4. */
TEST(naive_bayes_fusion, golden)
{
    static const float surprisal[] = { 3, 3, 294 }, entropy[] = { 1, 1.25f, -1002.25f };
    static const double want[] = { 1 + 0.5, 1 + 0.5 * (15 / 16.0), 4 - 1.5 };
    static const double no_first[] = { 0.5, 0.5 * (15 / 16.0), -1.5 }, no_second[] = { 1, 1, 4 };
    const mid_signals signals = signals_of(1, 1);
    const mid_signals poor = signals_without(MID_SIG_LOGPROB), other = signals_without(MID_SIG_ENTROPY);
    mid_trace *t = answer_of(surprisal, entropy, 3);

    check_scores("naive_bayes", by_hand(), &signals, t, want);
    check_scores("naive_bayes", by_hand(), &poor, t, no_first);
    check_scores("naive_bayes", by_hand(), &other, t, no_second);
    mid_trace_close(t);
}

/* Members that say the same at each token are no more evidence after many. */
TEST(naive_bayes_fusion, is_not_added_up_over_tokens)
{
    static const float surprisal[] = { 3, 3, 3, 3, 3 }, entropy[] = { 1, 1, 1, 1, 1 };
    static const double want[] = { 1.5, 1.5, 1.5, 1.5, 1.5 };
    const mid_signals signals = signals_of(1, 1);
    mid_trace *t = answer_of(surprisal, entropy, 5);

    check_scores("naive_bayes", by_hand(), &signals, t, want);
    mid_trace_close(t);
}

TEST(naive_bayes_fusion, refuses_strangers)
{
    static const float above[] = { 1, 1.5f }, below[] = { -1, 1 }, three[] = { 1, 1, 1 };
    static float ratio[2 * N_POINT];

    check_refuses_tensor("naive_bayes", by_hand(), "weight", above, 1, 2, "weight 1 is 1.5");
    check_refuses_tensor("naive_bayes", by_hand(), "weight", below, 1, 2, "weight 0 is -1");
    check_refuses_tensor("naive_bayes", by_hand(), "weight", three, 1, 3, "'weight'");
    check_refuses_tensor("naive_bayes", by_hand(), "ratio", ratio, 2, N_POINT - 1, "'ratio'");
    check_refuses_tensor("naive_bayes", by_hand(), "normal.0", ratio, 2, 3, "'normal.0'");
    ratio[N_POINT + 3] = -5;
    check_refuses_tensor("naive_bayes", by_hand(), "ratio", ratio, 2, N_POINT, "ratio 3 of member 1 is -5");
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static mid_weights *fitted(const mid_param *params, write_fn write, uint64_t seed)
{
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_weights *w;

    print_message("  seed %llu\n", (unsigned long long)seed);
    put_task(&a, &signals, write, ANSWER_MAX, seed, 0);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("naive_bayes"), params, &set, &w));
    answers_clear(&a);
    return w;
}

TEST(naive_bayes_fusion, better_than_either)
{
    check_better_than_either("naive_bayes", of_two, both_half_know, 20260314);
}

/* No more evidence than 4 nats, however far apart the classes are. */
static void far_apart(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };

    trace_put(t, "x", (float)-(20 * label + mid__rng_unit(rng)), (float)mid__rng_unit(rng), h);
}

TEST(naive_bayes_fusion, evidence_has_an_end)
{
    mid_weights *w = fitted(two_joined, far_apart, 20260315);
    const float *ratio;
    float least = 0, most = 0;
    int j;

    CHECK_OK(mid_weights_expect(test_ctx(), w, "ratio", 2, N_POINT, &ratio));
    for (j = 0; j < N_POINT; j++) {
        least = fminf(least, ratio[j]);
        most = fmaxf(most, ratio[j]);
        CHECK(fabsf(ratio[N_POINT + j]) < 1.5f);        /* entropy tells nothing */
    }
    CHECK_NEAR(least, -4, 0);
    CHECK_NEAR(most, 4, 0);
    mid_weights_close(w);
}

/* Normal scores, whose ratio has no edges that smoothing would round off. */
static void normal_shifts(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };
    const float first = 20 + (float)label + about_normal(rng), second = 20 + (float)label + about_normal(rng);

    trace_put(t, "x", -first, second, h);
}

/* The same score under two names is believed once in all; two that know half each are both believed. */
TEST(naive_bayes_fusion, twins_are_not_counted_twice)
{
    static const mid_param twins[] = { { "of", 0, "surprisal_mean, surprisal_mean+max", NULL },
                                       { "margin", -1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_weights *two = fitted(two_joined, normal_shifts, 20260316), *same = fitted(twins, normal_shifts, 20260316);
    const float *weight, *weight_same;

    CHECK_OK(mid_weights_expect(test_ctx(), two, "weight", 1, 2, &weight));
    CHECK_OK(mid_weights_expect(test_ctx(), same, "weight", 1, 2, &weight_same));
    print_message("  two %.3f %.3f, twins %.3f %.3f\n", (double)weight[0], (double)weight[1], (double)weight_same[0],
                  (double)weight_same[1]);
    CHECK(weight[0] + weight[1] > 1.4f);
    CHECK(weight_same[0] + weight_same[1] < 1.2f);
    mid_weights_close(two);
    mid_weights_close(same);
}

/* Unsafe answers lie on both sides of the safe ones: no mean of scores can see that. */
static void either_side(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };
    const double side = mid__rng_unit(rng) < 0.5 ? -1 : 1;
    const double first = 4 + 1.5 * side * label + mid__rng_unit(rng), second = 4 + side * label + mid__rng_unit(rng);

    trace_put(t, "x", (float)-first, (float)second, h);
}

TEST(naive_bayes_fusion, sees_either_side)
{
    static const uint64_t seed = 20260317;
    const mid_signals signals = signals_of(1, 1);
    const double bayes = learned_auroc("naive_bayes", of_two, &signals, either_side, seed, NULL);
    const double mean = learned_auroc("mean_z", of_two, &signals, either_side, seed, NULL);

    CHECK(bayes > 0.95 && mean < 0.7);
}
