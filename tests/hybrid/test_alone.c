/* Hybrids that learn whom to trust: joined where that is better by the margin, the best member alone where it is not. */
#include "joined.h"

static const char *const weighing[] = { "weighted_rank", "stack_logistic", "stack_boosted", "naive_bayes",
                                        "dempster_shafer", "noisy_or", "hedge" };
enum { N_WEIGHING = sizeof weighing / sizeof weighing[0] };

/* Entropy knows, surprisal knows nothing. */
static void second_knows(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };

    trace_put(t, "x", (float)-mid__rng_unit(rng), (float)(label + 2 * mid__rng_unit(rng)), h);
}

/* NULL: boosted trees, and the library that grows them is not on this machine. */
static mid_weights *fitted_on(const char *name, write_fn write, uint64_t seed, double margin)
{
    const mid_signals signals = signals_of(1, 1);
    const mid_param params[] = { of_two[0], of_two[1], { "margin", margin, NULL, NULL }, { NULL, 0, NULL, NULL } };
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_weights *w = NULL;
    mid_status status;

    put_task(&a, &signals, write, ANSWER_MAX, seed, 0);
    set = set_of(&a);
    status = mid_monitor_fit(test_ctx(), mid_monitor_find(name), params, &set, &w);
    if (status != MID_EPLUGIN)
        CHECK_OK(status);
    answers_clear(&a);
    return w;
}

/* A gain by chance in all three folds may join one or two of them all the same. */
TEST(alone, where_joining_brings_nothing)
{
    static const uint64_t seed = 20261124;
    static const float x[] = { 0.5f, 0.25f };
    const mid_signals signals = signals_without(MID_SIG_LOGPROB);       /* of the one that is not heard */
    mid_trace *t = answer_of(x, x, 2);
    int i, n_tried = 0, n_alone = 0;

    for (i = 0; i < N_WEIGHING; i++) {
        mid_weights *w = fitted_on(weighing[i], second_knows, seed, 1);
        mid_monitor *m = NULL;
        mid_stream *s;
        if (!w) {
            print_message("  %s not tried\n", weighing[i]);
            continue;
        }
        n_tried++;
        print_message("  %s, alone: %g\n", weighing[i], mid_weights_number(w, "alone"));
        if (isnan(mid_weights_number(w, "alone"))) {
            mid_weights_close(w);
            continue;
        }
        n_alone++;
        CHECK_NEAR(mid_weights_number(w, "alone"), 1, 0);
        CHECK_OK(mid_monitor_open(test_ctx(), mid_monitor_find(weighing[i]), NULL, w, &signals, &m));
        s = stream_of(m, NULL);
        CHECK(isfinite(push_at(s, t, 0)));
        CHECK_INT(mid_stream_gone(s), 0);
        CHECK_INT(mid_stream_calls(s, 0), 0);
        CHECK_INT(mid_stream_calls(s, 1), 1);
        mid_stream_close(s);
        mid_monitor_close(m);
        mid_weights_close(w);
    }
    CHECK(n_alone >= n_tried - 2);
    mid_trace_close(t);
}

/* Fitted so, a hybrid puts new answers into the order of that member (which steps may blur). */
TEST(alone, says_what_the_member_says)
{
    static const uint64_t seed = 20261125;
    static const mid_param params[] = { { "of", 0, "surprisal_mean, entropy_mean", NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, 1);
    answers fit = { .n = 0 }, fresh = { .n = 0 };
    mid_monitor *member;
    double want;
    int i;

    put_task(&fit, &signals, second_knows, ANSWER_MAX, seed, 0);
    put_task(&fresh, &signals, second_knows, ANSWER_MAX, seed, 1);
    member = monitor_of("entropy_mean", NULL, &fit, &signals);
    want = auroc_at_end(member, &fresh);
    for (i = 0; i < N_WEIGHING; i++) {
        mid_monitor *m;
        double auroc;
        if (strcmp(weighing[i], "stack_boosted") == 0)
            continue;
        m = monitor_of(weighing[i], params, &fit, &signals);
        auroc = auroc_at_end(m, &fresh);
        print_message("  %s, seed %llu: AUROC %.3f, member %.3f\n", weighing[i], (unsigned long long)seed, auroc, want);
        CHECK_NEAR(auroc, want, 0.01);
        mid_monitor_close(m);
    }
    mid_monitor_close(member);
    answers_clear(&fit);
    answers_clear(&fresh);
}

TEST(alone, joined_where_it_helps_or_must)
{
    int i;

    for (i = 0; i < N_WEIGHING; i++) {
        mid_weights *helps = fitted_on(weighing[i], both_half_know, 20261126, 1);
        mid_weights *must = fitted_on(weighing[i], second_knows, 20261126, -1);
        if (!must)
            continue;
        print_message("  %s\n", weighing[i]);
        CHECK(isnan(mid_weights_number(must, "alone")));
        if (strcmp(weighing[i], "stack_boosted") != 0)      /* so few answers are not enough for trees */
            CHECK(isnan(mid_weights_number(helps, "alone")));
        mid_weights_close(helps);
        mid_weights_close(must);
    }
}

TEST(alone, refuses_strangers)
{
    static const double bad[] = { -1, 2, 0.5 };
    const mid_signals signals = signals_of(1, 1);
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mid_weights *w = fitted_on("stack_logistic", second_knows, 20261127, 1);
        CHECK_OK(mid_weights_set_number(test_ctx(), w, "alone", bad[i]));
        hand_refused(w, "stack_logistic", &signals, MID_EFORMAT, "there are 2 members");
    }
}
