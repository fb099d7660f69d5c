/* The formula by hand, and how much of the answer's evidence is believed: all of it where it is new, none of it where
 * it is the prompt once more. */
#include "joined.h"

/* Prior 2 s - 1 of surprisal; z: entropy - 1; logit q = 3 z + 7 z ln t / ln 128 + 1/2; pi_bar at logit -1; c = 1/2. */
static mid_weights *by_hand(void)
{
    static const float prior[] = { 2, -1 }, stream[] = { 3, 7, 0.5f }, base = -1, c = 0.5f;
    mid_weights *w = hybrid_weights("prompt_prior", of_two);

    put_z(w, 0, 9, 9);                  /* the prior is used as it is */
    put_z(w, 1, 1, 1);
    put(w, "prior", prior, 1, 2);
    put(w, "stream", stream, 1, 3);
    put(w, "base", &base, 1, 1);
    put(w, "c", &c, 1, 1);
    return w;
}

/* z = 2, then 1 at two tokens, whose position is 1/7: logit q = 6.5, then 3 + 1 + .5. A prior that is gone is pi_bar;
 * without the answer's member the prior is all. */
TEST(prompt_prior, golden)
{
    static const float surprisal[] = { 3, 3 }, entropy[] = { 3, 1 };
    static const double want[] = { 5 + 0.5 * (6.5 + 1), 5 + 0.5 * (4.5 + 1) };
    static const double no_prior[] = { -1 + 0.5 * (6.5 + 1), -1 + 0.5 * (4.5 + 1) }, no_stream[] = { 5, 5 };
    const mid_signals signals = signals_of(1, 1);
    const mid_signals poor = signals_without(MID_SIG_LOGPROB), other = signals_without(MID_SIG_ENTROPY);
    mid_trace *t = answer_of(surprisal, entropy, 2);

    check_scores("prompt_prior", by_hand(), &signals, t, want);
    check_scores("prompt_prior", by_hand(), &poor, t, no_prior);
    check_scores("prompt_prior", by_hand(), &other, t, no_stream);
    mid_trace_close(t);
}

TEST(prompt_prior, refuses_strangers)
{
    static const float above[] = { 1.5f }, below[] = { -0.5f }, x[] = { 1, 1, 1, 1 };

    check_refuses_tensor("prompt_prior", by_hand(), "c", above, 1, 1, "c is 1.5");
    check_refuses_tensor("prompt_prior", by_hand(), "c", below, 1, 1, "c is -0.5");
    check_refuses_tensor("prompt_prior", by_hand(), "c", x, 1, 2, "'c'");
    check_refuses_tensor("prompt_prior", by_hand(), "base", x, 2, 1, "'base'");
    check_refuses_tensor("prompt_prior", by_hand(), "prior", x, 1, 3, "'prior'");
    check_refuses_tensor("prompt_prior", by_hand(), "stream", x, 1, 4, "'stream'");
    check_refuses_tensor("prompt_prior", by_hand(), "normal.0", x, 1, 4, "'normal.0'");
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static double learned_c(const char *of, write_fn write, uint64_t seed)
{
    const mid_param params[] = { { "of", 0, of, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    const float *c;
    mid_fit_set set;
    mid_weights *w;
    double got;

    put_task(&a, &signals, write, ANSWER_MAX, seed, 0);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("prompt_prior"), params, &set, &w));
    CHECK_OK(mid_weights_expect(test_ctx(), w, "c", 1, 1, &c));
    got = (double)*c;
    print_message("  seed %llu, %s: c = %.3f\n", (unsigned long long)seed, of, got);
    mid_weights_close(w);
    answers_clear(&a);
    return got;
}

/* The answer's monitor knows what the prior knows, and something besides. */
static void knows_both(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };
    const double first = label + 2 * (double)about_normal(rng), second = label + 2 * (double)about_normal(rng);

    trace_put(t, "x", (float)-(20 + first), (float)(first + second), h);
}

TEST(prompt_prior, does_not_count_twice)
{
    const double news = learned_c("surprisal_mean, entropy_mean", both_half_know, 20260318);
    const double twin = learned_c("surprisal_mean, surprisal_mean+max", both_half_know, 20260318);
    const double both = learned_c("surprisal_mean, entropy_mean", knows_both, 20260318);

    CHECK(news > 0.8);
    CHECK(twin < 0.2);
    CHECK(both < news && both > twin);
}

TEST(prompt_prior, better_than_either) { check_better_than_either("prompt_prior", of_two, both_half_know, 20260319); }

/* With its own members: the prompt's row leans towards the label, and so do the answer's, the more of them the
 * surer. */
static void put_leaning(answers *a, uint64_t seed, uint64_t i_stream)
{
    const mid_signals signals = signals_of(1, 2);
    uint32_t j;
    mid__rng rng;
    int i;

    mid__rng_init(&rng, seed, i_stream);
    for (i = 0; i < ANSWER_MAX; i++) {
        const int label = i & 1;
        const float prompt_row[] = { about_normal(&rng) + (float)label, about_normal(&rng) };
        mid_trace *t = trace_open(&signals, "p", prompt_row);
        for (j = 0; j < 8; j++) {
            const float h[] = { about_normal(&rng), about_normal(&rng) + (float)label * 0.5f };
            trace_put(t, "x", -1, 1, h);
        }
        answers_put(a, t, label);
    }
}

TEST(prompt_prior, prompt_and_answer)
{
    static const uint64_t seed = 20260320;
    static const char *const name[] = { "prompt_prior", "prompt_only", "probe_linear" };
    const mid_signals signals = signals_of(1, 2);
    answers fit = { .n = 0 }, fresh = { .n = 0 };
    double auroc[3];
    int i;

    put_leaning(&fit, seed, 0);
    put_leaning(&fresh, seed, 1);
    for (i = 0; i < 3; i++) {
        mid_monitor *m = monitor_of(name[i], NULL, &fit, &signals);
        auroc[i] = auroc_at_end(m, &fresh);
        mid_monitor_close(m);
    }
    print_message("  seed %llu: AUROC %.3f, prompt %.3f, answer %.3f\n", (unsigned long long)seed, auroc[0], auroc[1],
                  auroc[2]);
    CHECK(auroc[0] > fmax(auroc[1], auroc[2]) + 0.02);
    answers_clear(&fit);
    answers_clear(&fresh);
}
