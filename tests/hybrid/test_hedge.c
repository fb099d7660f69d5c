/* Hedge itself: by hand, and its bound on losses of every kind; then the monitor. */
#include "hand_hybrid.h"

#include "hybrid/hedge.h"

/* Two experts, two rounds: eta = sqrt(8 ln 2 / 2) = 1.66511. Losses (0, 1), then (1, 1/2): the learner loses 1/2, then
 * with weights 1 : e^-eta, which are .84093 and .15907, .84093 + .15907 / 2 = .92046; at the end weights are as e^-eta
 * to e^(-3/2 eta), .69689 and .30311. */
TEST(hedge, by_hand)
{
    static const double loss[] = { 0, 1, 1, 0.5 };
    double weight[2];

    CHECK_NEAR(mid__hedge_rate(2, 2), 1.665109, 1e-6);
    CHECK_NEAR(mid__hedge(loss, 2, 2, weight), 1.420461, 1e-5);
    CHECK_NEAR(weight[0], 0.696895, 1e-5);
    CHECK_NEAR(weight[1], 0.303105, 1e-5);
    CHECK_NEAR(mid__hedge_bound(2, 2), 0.832555, 1e-6);
}

/* At random, with one expert better than the rest, and against an opponent that lets whoever leads lose. */
TEST(hedge, regret_is_bounded)
{
    enum { N_ROUND = 400, N_MOST = 8 };
    static double loss[N_ROUND * N_MOST];
    static const uint64_t seed = 20260214;
    double weight[N_MOST], worst = -1;
    mid__rng rng;
    int kind, n, r, i;

    mid__rng_init(&rng, seed, 0);
    for (kind = 0; kind < 3; kind++)
        for (n = 2; n <= N_MOST; n++) {
            double total[N_MOST] = { 0 }, best = INFINITY, lost, regret;
            for (r = 0; r < N_ROUND; r++) {
                int leader = 0;
                for (i = 1; i < n; i++)
                    leader = total[i] < total[leader] ? i : leader;
                for (i = 0; i < n; i++) {
                    double x = mid__rng_unit(&rng);
                    if (kind == 1 && i == 0)
                        x *= 0.8;
                    if (kind == 2)
                        x = i == leader;
                    loss[r * n + i] = x;
                    total[i] += x;
                }
            }
            lost = mid__hedge(loss, N_ROUND, (size_t)n, weight);
            for (i = 0; i < n; i++)
                best = fmin(best, total[i]);
            regret = (lost - best) / mid__hedge_bound(N_ROUND, (size_t)n);
            worst = fmax(worst, regret);
            CHECK(regret <= 1);
        }
    print_message("  seed %llu: at worst %.2f of the bound\n", (unsigned long long)seed, worst);
}

static const mid_param of_two[] = {
    { "of", 0, "surprisal_mean, entropy_mean", NULL }, { "missing", 0, "degrade", NULL }, { NULL, 0, NULL, NULL }
};

/* p = surprisal and entropy / 2. */
static mid_weights *by_hand(float first, float second)
{
    const float weight[] = { first, second };
    mid_weights *w = hybrid_weights("hedge", of_two);

    put_isotonic(w, 0, 1);
    put_isotonic(w, 1, 2);
    put(w, "weight", weight, 1, 2);
    return w;
}

/* (3/4) 1/4 + (1/4) 3/4 = 3/8. One gone: the other. That with no weight, and one gone that has all: the other all
 * the same. */
TEST(hedge, golden)
{
    static const float surprisal[] = { 0.25f }, entropy[] = { 1.5f };
    const mid_signals one = signals_without(MID_SIG_LOGPROB), signals[] = { signals_of(1, 1), one, one };
    static const double want[] = { 0.375, 0.75, 0.75 };
    mid_trace *t = answer_of(surprisal, entropy, 1);
    int i;

    for (i = 0; i < 3; i++) {
        mid_monitor *m = hand_monitor(i < 2 ? by_hand(0.75f, 0.25f) : by_hand(1, 0), "hedge", &signals[i]);
        mid_stream *s = stream_of(m, NULL);
        CHECK_NEAR(push_at(s, t, 0), want[i], 1e-7);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    mid_trace_close(t);
}

TEST(hedge, refuses)
{
    const mid_signals signals = signals_of(1, 1);
    mid_weights *w = by_hand(1, 0);
    const float one = 1;

    hand_refused(by_hand(1, -0.5f), "hedge", &signals, MID_EFORMAT, "weight 1 is -0.5");
    put(w, "weight", &one, 1, 1);
    hand_refused(w, "hedge", &signals, MID_EFORMAT, "'weight'");
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static void one_knows(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };
    int i;

    for (i = 0; i < 5; i++)
        trace_put(t, "x", (float)-(label + 2 * mid__rng_unit(rng)), (float)(2 * mid__rng_unit(rng)), h);
}

/* The one that knows gets nearly all weight, the regret keeps to its bound, and the order of the answers changes
 * nothing. */
TEST(hedge, learns_whom_to_believe)
{
    static const uint64_t seed = 20260215;
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid_fit_set set;
    const float *weight[2];
    mid_weights *w[2];
    int i;

    put_task(&a, &signals, one_knows, ANSWER_MAX, seed, 0);
    set = set_of(&a);
    for (i = 0; i < 2; i++) {
        size_t k;
        CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("hedge"), of_two, &set, &w[i]));
        CHECK_OK(mid_weights_expect(test_ctx(), w[i], "weight", 1, 2, &weight[i]));
        CHECK(mid_weights_number(w[i], "regret") <= mid_weights_number(w[i], "regret_bound"));
        CHECK_NEAR(mid_weights_number(w[i], "regret_bound"), sqrt(ANSWER_MAX * log(2) / 2), 1e-9);
        for (k = 0; i == 0 && k < a.n / 2; k++) {
            const mid_fit_answer kept = a.answer[k];
            a.answer[k] = a.answer[a.n - 1 - k];
            a.answer[a.n - 1 - k] = kept;
        }
    }
    print_message("  seed %llu: weights %.3f and %.3f\n", (unsigned long long)seed,
                  (double)weight[0][0], (double)weight[0][1]);
    CHECK(weight[0][0] > 0.8f);
    CHECK_NEAR(weight[0][0], weight[1][0], 1e-6);
    mid_weights_close(w[0]);
    mid_weights_close(w[1]);
    answers_clear(&a);
}

static void both_half_know(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };
    const double first = label + 3 * mid__rng_unit(rng), second = label + 3 * mid__rng_unit(rng);

    trace_put(t, "x", (float)-first, (float)second, h);
}

/* Of two that know as much as each other, both are heard, and together they are better than either. */
TEST(hedge, better_than_either)
{
    static const uint64_t seed = 20260216;
    const mid_signals signals = signals_of(1, 1);
    const char *const name[] = { "hedge", "surprisal_mean", "entropy_mean" };
    answers fit = { .n = 0 }, fresh = { .n = 0 };
    double auroc[3];
    int i;

    put_task(&fit, &signals, both_half_know, ANSWER_MAX, seed, 0);
    put_task(&fresh, &signals, both_half_know, ANSWER_MAX, seed, 1);
    for (i = 0; i < 3; i++) {
        mid_monitor *m = monitor_of(name[i], i ? NULL : of_two, &fit, &signals);
        auroc[i] = auroc_at_end(m, &fresh);
        mid_monitor_close(m);
    }
    print_message("  seed %llu: AUROC %.3f, alone %.3f and %.3f\n", (unsigned long long)seed, auroc[0], auroc[1],
                  auroc[2]);
    CHECK(auroc[0] > fmax(auroc[1], auroc[2]) + 0.02);
    answers_clear(&fit);
    answers_clear(&fresh);
}
