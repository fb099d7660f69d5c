/* Both branches by hand, then which one a fit believes. */
#include "hand_hybrid.h"

static const mid_param of_two[] = {
    { "of", 0, "surprisal_mean, entropy_mean", NULL }, { "missing", 0, "degrade", NULL }, { NULL, 0, NULL, NULL }
};

/* R_A = mean surprisal, R_E = mean entropy / 2. */
static mid_weights *by_hand(float w_a, float cut)
{
    mid_weights *w = hybrid_weights("huq", of_two);

    put_rank(w, 0, 1);
    put_rank(w, 1, 2);
    put(w, "w", &w_a, 1, 1);
    put(w, "cut", &cut, 1, 1);
    return w;
}

/* R_A 1/4, 1/2, 3/4 and R_E 1/4, 1/2, 5/8, cut 1/2, w 1/4: below it R_A alone, from it on 3/4 R_E + 1/4 R_A. */
TEST(huq, golden)
{
    static const float surprisal[] = { 0.25f, 0.75f, 1.25f }, entropy[] = { 0.5f, 1.5f, 1.75f };
    static const double want[] = { 0.25, 0.5, 0.65625 };
    const mid_signals signals = signals_of(1, 1);
    mid_monitor *m = hand_monitor(by_hand(0.25f, 0.5f), "huq", &signals);
    mid_trace *t = answer_of(surprisal, entropy, 3);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 3; i++)
        CHECK_NEAR(push_at(s, t, i), want[i], 1e-6);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}

/* What HUQ promises at its ends: w = 1, or a cut beyond all ranks, is the likelihood's rank; w = 0 with cut 0 the
 * density's. */
TEST(huq, ends)
{
    static const float setting[][2] = { { 1, 0 }, { 0, 1e30f }, { 0, 0 } };
    static const float surprisal[] = { 0.25f }, entropy[] = { 1.5f };
    static const double want[] = { 0.25, 0.25, 0.75 };
    const mid_signals signals = signals_of(1, 1);
    mid_trace *t = answer_of(surprisal, entropy, 1);
    int i;

    for (i = 0; i < 3; i++) {
        mid_monitor *m = hand_monitor(by_hand(setting[i][0], setting[i][1]), "huq", &signals);
        mid_stream *s = stream_of(m, NULL);
        CHECK_NEAR(push_at(s, t, 0), want[i], 1e-6);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    mid_trace_close(t);
}

TEST(huq, goes_on_without_a_member)
{
    static const float surprisal[] = { 0.25f }, entropy[] = { 1.5f };
    static const double want[] = { 0.75, 0.25 };
    const mid_signals one[] = { signals_without(MID_SIG_LOGPROB), signals_without(MID_SIG_ENTROPY) };
    mid_trace *t = answer_of(surprisal, entropy, 1);
    int i;

    for (i = 0; i < 2; i++) {
        mid_monitor *m = hand_monitor(by_hand(0.5f, 0.5f), "huq", &one[i]);
        mid_stream *s = stream_of(m, NULL);
        CHECK_NEAR(push_at(s, t, 0), want[i], 1e-6);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    mid_trace_close(t);
}

TEST(huq, refuses)
{
    static const mid_param three = { "of", 0, "surprisal_mean, entropy_mean, length", NULL };
    static const float x[] = { 1 };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };

    hand_refused(by_hand(1.5f, 0.5f), "huq", &signals, MID_EFORMAT, "w is 1.5");
    hand_refused(by_hand(-0.5f, 0.5f), "huq", &signals, MID_EFORMAT, "w is -0.5");
    answers_put(&a, answer_of(x, x, 1), 0);
    answers_put(&a, answer_of(x, x, 1), 1);
    param_refused("huq", &a, three, "are 3 members");
    answers_clear(&a);
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static const uint64_t seed = 20260213;

/* Half of the unsafe answers look like safe ones but are unlikely; the others look strange, and say so by entropy
 * alone. */
static void two_ways(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };
    const bool strange = label && mid__rng_unit(rng) < 0.5;
    int i;

    for (i = 0; i < 5; i++)
        trace_put(t, "x", (float)-((label && !strange ? 1.5 : strange ? -0.5 : 0) + 1 + mid__rng_unit(rng)),
                  (float)((strange ? 2 : 0) + mid__rng_unit(rng)), h);
}

/* Together they know what neither does. */
TEST(huq, better_than_either)
{
    const mid_signals signals = signals_of(1, 1);
    const char *const name[] = { "huq", "surprisal_mean", "entropy_mean" };
    answers fit = { .n = 0 }, fresh = { .n = 0 };
    double auroc[3];
    int i;

    put_task(&fit, &signals, two_ways, ANSWER_MAX, seed, 0);
    put_task(&fresh, &signals, two_ways, ANSWER_MAX, seed, 1);
    for (i = 0; i < 3; i++) {
        mid_monitor *m = monitor_of(name[i], i ? NULL : of_two, &fit, &signals);
        auroc[i] = auroc_at_end(m, &fresh);
        mid_monitor_close(m);
    }
    print_message("  seed %llu: AUROC %.3f, alone %.3f and %.3f\n", (unsigned long long)seed, auroc[0], auroc[1],
                  auroc[2]);
    CHECK(auroc[0] > fmax(auroc[1], auroc[2]) + 0.1);
    answers_clear(&fit);
    answers_clear(&fresh);
}
