/* Both rules by hand, Dempster's against its closed form, and what outright contradiction does. */
#include "joined.h"

/* p = surprisal and entropy / 2. */
static mid_weights *by_hand(const char *name, float r_1, float r_2)
{
    const float r[] = { r_1, r_2 };
    mid_weights *w = hybrid_weights(name, of_two);

    put_isotonic(w, 0, 1);
    put_isotonic(w, 1, 2);
    put(w, "reliability", r, 1, 2);
    return w;
}

/* p = 3/4 and 1/2, r = .8 and .5: masses (unsafe, safe, either) .6 .2 .2 and .25 .25 .5; K = .15 + .05. m(unsafe) =
 * (.15 + .3 + .05) / .8 = .625, m(either) = .1 / .8 = .125. Noisy or: 1 - .4 .75. With one member gone: .6 + .1 and
 * .25 + .25; .6 and .25. */
TEST(dempster_shafer, golden)
{
    static const float surprisal[] = { 0.75f }, entropy[] = { 1 };
    static const double want[] = { 0.6875, 0.5, 0.7 }, want_or[] = { 0.7, 0.25, 0.6 };
    const mid_signals signals[] = { signals_of(1, 1), signals_without(MID_SIG_LOGPROB),
                                    signals_without(MID_SIG_ENTROPY) };
    mid_trace *t = answer_of(surprisal, entropy, 1);
    int i;

    for (i = 0; i < 3; i++) {
        check_scores("dempster_shafer", by_hand("dempster_shafer", 0.8f, 0.5f), &signals[i], t, &want[i]);
        check_scores("noisy_or", by_hand("noisy_or", 0.8f, 0.5f), &signals[i], t, &want_or[i]);
    }
    mid_trace_close(t);
}

/* A member that is not reliable at all says nothing, whatever it says; where none is, all is possible. */
TEST(dempster_shafer, unreliable_members)
{
    static const float surprisal[] = { 0.75f }, entropy[] = { 2 };
    static const double first[] = { 0.7 }, first_or[] = { 0.6 }, none[] = { 0.5 }, none_or[] = { 0 };
    const mid_signals signals = signals_of(1, 1);
    mid_trace *t = answer_of(surprisal, entropy, 1);

    check_scores("dempster_shafer", by_hand("dempster_shafer", 0.8f, 0), &signals, t, first);
    check_scores("noisy_or", by_hand("noisy_or", 0.8f, 0), &signals, t, first_or);
    check_scores("dempster_shafer", by_hand("dempster_shafer", 0, 0), &signals, t, none);
    check_scores("noisy_or", by_hand("noisy_or", 0, 0), &signals, t, none_or);
    mid_trace_close(t);
}

/* Two members that are all but infallible: at token 1 they contradict each other, and there is nothing to say; at 2
 * both are sure of unsafe (mean surprisal and entropy / 2 both 1); at 3 they contradict each other again, and the score
 * stands. */
TEST(dempster_shafer, contradiction)
{
    static const float surprisal[] = { 0, 2, 1 }, entropy[] = { 2, 2, -4 };
    const float r = nextafterf(1, 0);
    const mid_signals signals = signals_of(1, 1);
    mid_monitor *m = hand_monitor(by_hand("dempster_shafer", r, r), "dempster_shafer", &signals);
    mid_trace *t = answer_of(surprisal, entropy, 3);
    mid_stream *s = stream_of(m, NULL);
    double second;

    CHECK(push_at(s, t, 0) == -INFINITY);
    second = push_at(s, t, 1);
    CHECK_NEAR(second, 1, 1e-9);
    CHECK_NEAR(push_at(s, t, 2), second, 0);
    CHECK_OK(mid_stream_start(s, NULL));                /* the next answer does not inherit it */
    CHECK(push_at(s, t, 0) == -INFINITY);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}

/* On two possibilities n bodies of evidence have a closed form: m(unsafe) goes with prod (u_i + e_i) - prod e_i,
 * m(safe) likewise, m(either) with prod e_i. It shows that the order does not matter. */
TEST(dempster_shafer, closed_form)
{
    enum { N = 200 };
    static const char *const order[] = { "surprisal_mean, entropy_mean, length",
                                         "length, surprisal_mean, entropy_mean" };
    static const uint64_t seed = 20260310;
    mid__rng rng;
    int draw, k, i;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (draw = 0; draw < N; draw++) {
        const float surprisal[] = { (float)mid__rng_unit(&rng) }, entropy[] = { (float)mid__rng_unit(&rng) };
        const double p[] = { (double)surprisal[0], (double)entropy[0], 0.25 };
        const float r[] = { (float)mid__rng_unit(&rng) * 0.99f, (float)mid__rng_unit(&rng) * 0.99f,
                            (float)mid__rng_unit(&rng) * 0.99f };
        const float turned[] = { r[2], r[0], r[1] };
        const mid_signals signals = signals_of(1, 1);
        mid_trace *t = answer_of(surprisal, entropy, 1);
        double u = 1, v = 1, e = 1, want;
        for (i = 0; i < 3; i++) {
            u *= (double)r[i] * p[i] + 1 - (double)r[i];
            v *= (double)r[i] * (1 - p[i]) + 1 - (double)r[i];
            e *= 1 - (double)r[i];
        }
        want = (u - e + e / 2) / (u + v - e);
        for (k = 0; k < 2; k++) {
            const mid_param params[] = { { "of", 0, order[k], NULL }, { NULL, 0, NULL, NULL } };
            mid_weights *w = hybrid_weights("dempster_shafer", params);
            for (i = 0; i < 3; i++)
                put_isotonic(w, i, i == (k ? 0 : 2) ? 4 : 1);           /* length 1 is p = 1/4 */
            put(w, "reliability", k ? turned : r, 1, 3);
            check_scores("dempster_shafer", w, &signals, t, &want);
        }
        mid_trace_close(t);
    }
}

TEST(dempster_shafer, refuses_strangers)
{
    static const float one[] = { 1, 0.5f }, below[] = { 0.5f, -0.5f }, three[] = { 0, 0, 0 };
    static const char *const name[] = { "dempster_shafer", "noisy_or" };
    int i;

    for (i = 0; i < 2; i++) {
        check_refuses_tensor(name[i], by_hand(name[i], 0, 0), "reliability", one, 1, 2, "reliability 0 is 1");
        check_refuses_tensor(name[i], by_hand(name[i], 0, 0), "reliability", below, 1, 2, "reliability 1 is -0.5");
        check_refuses_tensor(name[i], by_hand(name[i], 0, 0), "reliability", three, 1, 3, "'reliability'");
        check_refuses_tensor(name[i], by_hand(name[i], 0, 0), "normal.0", three, 1, 3, "'normal.0'");
    }
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

TEST(dempster_shafer, better_than_either)
{
    check_better_than_either("dempster_shafer", of_two, both_half_know, 20260311);
    check_better_than_either("noisy_or", of_two, shows_in_one, 20260311);
}

static void first_knows_all(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };

    trace_put(t, "x", (float)-(2 * label + mid__rng_unit(rng)), (float)(3 * mid__rng_unit(rng) - label / 2.0), h);
}

/* No member is believed without reserve, and one that is on the wrong side not at all. */
TEST(dempster_shafer, reliability_is_learned)
{
    static const uint64_t seed = 20260312;
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    const float *r;
    mid_fit_set set;
    mid_weights *w;

    print_message("  seed %llu\n", (unsigned long long)seed);
    put_task(&a, &signals, first_knows_all, ANSWER_MAX, seed, 0);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("dempster_shafer"), two_joined, &set, &w));
    CHECK_OK(mid_weights_expect(test_ctx(), w, "reliability", 1, 2, &r));
    CHECK_NEAR(r[0], 0.99f, 0);
    CHECK_NEAR(r[1], 0, 0);
    mid_weights_close(w);
    answers_clear(&a);
}
