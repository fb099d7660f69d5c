/* k of n by hand, against sorting, and what it does without all members. */
#include "joined.h"

/* Members surprisal, entropy and length, with ranks s / 8. */
static mid_weights *by_hand(double k, double ever)
{
    const mid_param params[] = { { "of", 0, "surprisal_max, entropy_mean, length", NULL },
                                 { "missing", 0, "degrade", NULL }, { "k", k, NULL, NULL },
                                 { "ever", ever, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_weights *w = hybrid_weights("vote", params);
    int i;

    for (i = 0; i < 3; i++)
        put_rank(w, i, 8);
    return w;
}

/* Largest surprisal 2, 2, 6, mean entropy 4, 2, 1, length 1, 2, 3, in eighths. */
TEST(vote, golden)
{
    static const float surprisal[] = { 2, 1, 6 }, entropy[] = { 4, 0, -1 };
    static const double any[] = { 0.5, 0.25, 0.75 }, two[] = { 0.25, 0.25, 0.375 }, all[] = { 0.125, 0.25, 0.125 };
    static const double any_ever[] = { 0.5, 0.5, 0.75 }, two_ever[] = { 0.25, 0.25, 0.5 };
    static const double all_ever[] = { 0.125, 0.25, 0.375 };
    const mid_signals signals = signals_of(1, 1);
    mid_trace *t = answer_of(surprisal, entropy, 3);

    check_scores("vote", by_hand(1, 0), &signals, t, any);
    check_scores("vote", by_hand(2, 0), &signals, t, two);
    check_scores("vote", by_hand(0, 0), &signals, t, two);              /* most of three: two */
    check_scores("vote", by_hand(3, 0), &signals, t, all);
    check_scores("vote", by_hand(1, 1), &signals, t, any_ever);
    check_scores("vote", by_hand(2, 1), &signals, t, two_ever);
    check_scores("vote", by_hand(3, 1), &signals, t, all_ever);
    mid_trace_close(t);
}

/* Ranks 1/4 and 1/8 are left: all of three is all of these two, most of three is most of two, so both. */
TEST(vote, without_a_member)
{
    static const float surprisal[] = { 2 }, entropy[] = { 4 };
    static const double larger[] = { 0.25 }, smaller[] = { 0.125 };
    const mid_signals poor = signals_without(MID_SIG_ENTROPY);
    mid_trace *t = answer_of(surprisal, entropy, 1);

    check_scores("vote", by_hand(1, 0), &poor, t, larger);
    check_scores("vote", by_hand(2, 0), &poor, t, smaller);
    check_scores("vote", by_hand(3, 0), &poor, t, smaller);
    check_scores("vote", by_hand(0, 0), &poor, t, smaller);
    check_scores("vote", by_hand(3, 1), &poor, t, smaller);
    mid_trace_close(t);
}

/* What a member said before it was lost still counts where alarms stay. */
TEST(vote, lost_after_it_spoke)
{
    static const float surprisal[] = { 1, 1 }, entropy[] = { 7, 7 };
    const mid_signals signals = signals_of(1, 1);
    mid_trace *t = answer_of(surprisal, entropy, 2);
    double ever;

    for (ever = 0; ever <= 1; ever++) {
        mid_monitor *m = hand_monitor(by_hand(1, ever), "vote", &signals);
        mid_stream *s = stream_of(m, NULL);
        float scratch[SCRATCH_N(1, 1)];
        mid_step step;
        CHECK_NEAR(push_at(s, t, 0), 0.875, 1e-6);
        mid_trace_step(t, 1, scratch, &step);
        step.have &= ~(uint32_t)MID_SIG_ENTROPY;
        CHECK_NEAR(push(s, &step), ever == 1 ? 0.875 : 0.25, 1e-6);
        CHECK_INT(mid_stream_gone(s), 2);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    mid_trace_close(t);
}

/* S >= threshold is what it says: at least k members' ranks are there, now or so far. */
TEST(vote, is_a_count)
{
    enum { N = 40 };
    static const uint64_t seed = 20260308;
    const mid_signals signals = signals_of(1, 1);
    float surprisal[N], entropy[N];
    double most[3], rank[3], k, ever, threshold;
    uint32_t i;
    mid__rng rng;
    int j;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < N; i++) {
        surprisal[i] = (float)(8 * mid__rng_unit(&rng));
        entropy[i] = (float)(8 * mid__rng_unit(&rng));
    }
    for (k = 1; k <= 3; k++)
        for (ever = 0; ever <= 1; ever++) {
            mid_trace *t = answer_of(surprisal, entropy, N);
            mid_monitor *m = hand_monitor(by_hand(k, ever), "vote", &signals);
            mid_stream *s = stream_of(m, NULL);
            double largest = 0, sum = 0;
            memset(most, 0, sizeof most);
            for (i = 0; i < N; i++) {
                const double got = push_at(s, t, i);
                largest = fmax(largest, (double)surprisal[i]);
                sum += (double)entropy[i];
                rank[0] = largest / 8;
                rank[1] = sum / (i + 1) / 8;
                rank[2] = i < 8 ? (i + 1) / 8.0 : 1 + 0.1 * (i + 1 - 8) / (12 * 8 / 128.0);
                for (threshold = 0.05; threshold < 1.5; threshold += 0.1) {
                    int n = 0;
                    for (j = 0; j < 3; j++) {
                        most[j] = fmax(most[j], rank[j]);
                        n += (ever == 1 ? most[j] : rank[j]) >= threshold;
                    }
                    CHECK((got >= threshold) == (n >= k) || fabs(got - threshold) < 1e-6);
                }
            }
            mid_stream_close(s);
            mid_monitor_close(m);
            mid_trace_close(t);
        }
}

TEST(vote, refuses)
{
    static const float x[] = { 1 };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid_weights *w = by_hand(2, 0);

    answers_put(&a, answer_of(x, x, 1), 0);
    answers_put(&a, answer_of(x, x, 1), 1);
    param_refused("vote", &a, (mid_param){ "k", 4, NULL, NULL }, "k is 4 of 3 members");
    param_refused("vote", &a, (mid_param){ "k", -1, NULL, NULL }, "k is -1 of 3 members");
    param_refused("vote", &a, (mid_param){ "k", 1.5, NULL, NULL }, "k is 1.5");
    param_refused("vote", &a, (mid_param){ "k", NAN, NULL, NULL }, "whole number");
    param_refused("vote", &a, (mid_param){ "ever", 2, NULL, NULL }, "ever is 2");
    CHECK_OK(mid_weights_set_number(test_ctx(), w, "param.k", 4));
    hand_refused(w, "vote", &signals, MID_EINVAL, "k is 4 of 3 members");
    check_refuses_tensor("vote", by_hand(1, 0), "normal.2", x, 1, 1, "'normal.2'");
    answers_clear(&a);
}

TEST(vote, better_than_either)
{
    const mid_param any[] = { of_two[0], of_two[1], { "k", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };

    check_better_than_either("vote", any, shows_in_one, 20260309);
}
