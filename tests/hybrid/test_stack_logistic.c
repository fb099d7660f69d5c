/* The formula by hand, and what it learns. Its fit against scikit-learn is in tests/oracle/fusion_sums.py. */
#include "joined.h"

/* z: surprisal / 2 and entropy - 1; w = 2, -1, v = 7, b = 1/2. */
static mid_weights *by_hand(void)
{
    static const float w[] = { 2, -1, 7 }, b = 0.5f;
    mid_weights *weights = hybrid_weights("stack_logistic", of_two);

    put_z(weights, 0, 0, 2);
    put_z(weights, 1, 1, 1);
    put(weights, "w", w, 1, 3);
    put(weights, "b", &b, 1, 1);
    return weights;
}

/* After 1 token ln t is 0; after 2 it is 1/7 of ln 128; after 4 it is 2/7. */
TEST(stack_logistic, golden)
{
    static const float surprisal[] = { 2, 2, 8, 4 }, entropy[] = { 3, 1, 2, 2 };
    const mid_signals signals = signals_of(1, 1);
    const mid_signals poor = signals_without(MID_SIG_LOGPROB), other = signals_without(MID_SIG_ENTROPY);
    const double position = 7 * log(3) / log(128);
    const double want[] = { 2 - 2 + 0.5, 2 - 1 + 1 + 0.5, 4 - 1 + position + 0.5, 4 - 1 + 2 + 0.5 };
    const double no_first[] = { -2 + 0.5, -1 + 1 + 0.5, -1 + position + 0.5, -1 + 2 + 0.5 };
    const double no_second[] = { 2 + 0.5, 2 + 1 + 0.5, 4 + position + 0.5, 4 + 2 + 0.5 };
    mid_trace *t = answer_of(surprisal, entropy, 4);

    check_scores("stack_logistic", by_hand(), &signals, t, want);
    check_scores("stack_logistic", by_hand(), &poor, t, no_first);       /* a member that is gone is at its mean */
    check_scores("stack_logistic", by_hand(), &other, t, no_second);
    mid_trace_close(t);
}

/* From token 128 on the position counts no more. */
TEST(stack_logistic, position_has_an_end)
{
    static float surprisal[300], entropy[300];
    const mid_signals signals = signals_of(1, 1);
    mid_trace *t = answer_of(surprisal, entropy, 300);
    mid_monitor *m = hand_monitor(by_hand(), "stack_logistic", &signals);
    mid_stream *s = stream_of(m, NULL);
    double at[300];
    uint32_t i;

    for (i = 0; i < 300; i++)
        at[i] = push_at(s, t, i);
    CHECK(at[126] < at[127]);
    CHECK_NEAR(at[127], 1 + 7 + 0.5, 1e-12);
    CHECK_NEAR(at[299], at[127], 0);
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_trace_close(t);
}

TEST(stack_logistic, refuses_strangers)
{
    static const float x[] = { 1, 1, 1, 1 };

    check_refuses_tensor("stack_logistic", by_hand(), "w", x, 1, 2, "'w'");
    check_refuses_tensor("stack_logistic", by_hand(), "w", x, 1, 4, "'w'");
    check_refuses_tensor("stack_logistic", by_hand(), "b", x, 1, 2, "'b'");
    check_refuses_tensor("stack_logistic", by_hand(), "normal.1", x, 2, 2, "'normal.1'");
}

TEST(stack_logistic, better_than_either)
{
    check_better_than_either("stack_logistic", of_two, both_half_know, 20260306);
}

/* Unsafe answers have the higher surprisal or the lower entropy: a sign that no mean of ranks would find. */
static void against_each_other(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };

    trace_put(t, "x", (float)-(label + 3 * mid__rng_unit(rng)), (float)(3 * mid__rng_unit(rng) - label + 1), h);
}

TEST(stack_logistic, finds_signs)
{
    static const uint64_t seed = 20260307;
    const mid_signals signals = signals_of(1, 1);
    mid_weights *learned;
    const float *w;
    double mean, stack = learned_auroc("stack_logistic", of_two, &signals, against_each_other, seed, &learned);

    mean = learned_auroc("mean_z", of_two, &signals, against_each_other, seed, NULL);
    CHECK_OK(mid_weights_expect(test_ctx(), learned, "w", 1, 3, &w));
    CHECK(w[0] > 0 && w[1] < 0);
    CHECK(stack > 0.8 && stack > mean + 0.2);
    mid_weights_close(learned);
}
