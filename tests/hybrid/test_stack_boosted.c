/* The sum by hand, then what trees know that a line does not. */
#include "hand_hybrid.h"

#include "learn/boost.h"

static const mid_param of_two[] = {
    { "of", 0, "surprisal_mean, entropy_mean", NULL }, { "missing", 0, "degrade", NULL }, { NULL, 0, NULL, NULL }
};

/* z_0 = mean surprisal - 1, z_1 = (mean entropy - 2) / 2. First tree: z_0 < 0 gives 1, else z_1 < 1/2 gives 2, else 4;
 * a missing z_0 goes on, a missing z_1 gives 4. Second: before 2 tokens 1/8, from there 1/4. */
static mid_weights *by_hand(void)
{
    static const float root[] = { 0, 5 };
    static const float tree[][MID__TREE_N] = {
        { 0, 0, 1, 2, 2 }, { -1, 1, 0, 0, 0 }, { 1, 0.5f, 3, 4, 4 }, { -1, 2, 0, 0, 0 }, { -1, 4, 0, 0, 0 },
        { 2, 0.015625f, 6, 7, 6 }, { -1, 0.125f, 0, 0, 0 }, { -1, 0.25f, 0, 0, 0 },
    };
    mid_weights *w = hybrid_weights("stack_boosted", of_two);

    put_z(w, 0, 1, 1);
    put_z(w, 1, 2, 2);
    put(w, "root", root, 1, 2);
    put(w, "tree", tree[0], 8, MID__TREE_N);
    return w;
}

/* Mean surprisals 0.5, 1, 1.5; mean entropies 9, 2.5, 3: z_1 = 3.5, .25, .5. */
TEST(stack_boosted, golden)
{
    static const float surprisal[] = { 0.5f, 1.5f, 2.5f }, entropy[] = { 9, -4, 4 };
    static const double want[] = { 1.125, 2.25, 4.25 };
    const mid_signals signals = signals_of(1, 1);
    mid_monitor *m = hand_monitor(by_hand(), "stack_boosted", &signals);
    mid_trace *t = answer_of(surprisal, entropy, 3);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 3; i++)
        CHECK_NEAR(push_at(s, t, i), want[i], 0);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}

TEST(stack_boosted, goes_on_without_a_member)
{
    static const float surprisal[] = { 2 }, entropy[] = { 2 };
    static const double want[] = { 2.125, 4.125 };
    const mid_signals one[] = { signals_without(MID_SIG_LOGPROB), signals_without(MID_SIG_ENTROPY) };
    mid_trace *t = answer_of(surprisal, entropy, 1);
    int i;

    for (i = 0; i < 2; i++) {
        mid_monitor *m = hand_monitor(by_hand(), "stack_boosted", &one[i]);
        mid_stream *s = stream_of(m, NULL);
        CHECK_NEAR(push_at(s, t, 0), want[i], 0);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    mid_trace_close(t);
}

/* tests/learn/test_boost.c has all that can be wrong with trees. */
TEST(stack_boosted, refuses_strangers)
{
    static const float back[][MID__TREE_N] = { { 0, 0, 1, 1, 1 }, { 0, 0, 0, 0, 0 } };
    static const float wide[][MID__TREE_N] = { { 3, 0, 1, 1, 1 } };
    static const float two[] = { 0, 0 };
    const mid_signals signals = signals_of(1, 1);
    mid_weights *w = by_hand();

    put(w, "root", two, 2, 1);
    hand_refused(w, "stack_boosted", &signals, MID_EFORMAT, "2 rows");
    w = by_hand();
    put(w, "tree", back[0], 2, MID__TREE_N - 1);
    hand_refused(w, "stack_boosted", &signals, MID_EFORMAT, "4 columns");
    w = by_hand();
    put(w, "tree", back[0], 2, MID__TREE_N);
    hand_refused(w, "stack_boosted", &signals, MID_EFORMAT, "tree 1 begins at node 5 of 2");
    w = by_hand();
    put(w, "root", two, 1, 1);
    put(w, "tree", back[0], 2, MID__TREE_N);
    hand_refused(w, "stack_boosted", &signals, MID_EFORMAT, "node 1 goes on with node 0");
    w = by_hand();
    put(w, "root", two, 1, 1);
    put(w, "tree", wide[0], 1, MID__TREE_N);
    hand_refused(w, "stack_boosted", &signals, MID_EFORMAT, "feature 3 of 3");
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static void needs_xgboost(void)
{
    if (mid__boost_check(test_ctx()) == MID_OK)
        return;
    print_message("skipped: %s\n", mid_ctx_message(test_ctx()));
    skip();
}

/* Unsafe where just one of the two is high. */
static void either_or(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };
    const bool first = mid__rng_unit(rng) < 0.5, second = first != (label == 1);
    int i;

    for (i = 0; i < 5; i++)
        trace_put(t, "x", (float)-(first + 1.5 * mid__rng_unit(rng)), (float)(second + 1.5 * mid__rng_unit(rng)), h);
}

/* No member knows anything, nor does any line through them. */
TEST(stack_boosted, better_than_either)
{
    static const uint64_t seed = 20260218;
    const mid_signals signals = signals_of(1, 1);
    const char *const name[] = { "stack_boosted", "stack_logistic", "surprisal_mean", "entropy_mean" };
    answers fit = { .n = 0 }, fresh = { .n = 0 };
    double auroc[4];
    int i;

    needs_xgboost();
    put_task(&fit, &signals, either_or, ANSWER_MAX, seed, 0);
    put_task(&fresh, &signals, either_or, ANSWER_MAX, seed, 1);
    for (i = 0; i < 4; i++) {
        mid_monitor *m = monitor_of(name[i], i < 2 ? of_two : NULL, &fit, &signals);
        auroc[i] = auroc_at_end(m, &fresh);
        mid_monitor_close(m);
    }
    print_message("  seed %llu: AUROC %.3f; a line %.3f, alone %.3f and %.3f\n", (unsigned long long)seed, auroc[0],
                  auroc[1], auroc[2], auroc[3]);
    CHECK(auroc[0] > 0.8 && auroc[1] < 0.65 && auroc[2] < 0.65 && auroc[3] < 0.65);
    answers_clear(&fit);
    answers_clear(&fresh);
}
