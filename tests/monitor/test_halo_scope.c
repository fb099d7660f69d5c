/* HaloScope's idea on rows made for it: safe rows gather at the middle, unsafe ones far out along one direction, on one
 * side. The labels it guesses are then the true ones, and it finds the direction though it never sees a label. */
#include "hand_weights.h"

#include "base/rng.h"

enum { D = 4, N = 120 };

static void fill(answers *a, const mid_signals *signals, double share_unsafe, uint64_t seed)
{
    mid__rng rng;
    float h[D];
    int i, j;

    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < N; i++) {
        const int label = mid__rng_unit(&rng) < share_unsafe;
        mid_trace *t = trace_open(signals, "p", NULL);
        for (j = 0; j < D; j++)
            h[j] = (float)(mid__rng_unit(&rng) - 0.5);
        h[2] += label ? 6 : 0;
        trace_put(t, "x", -1, 1, h);
        answers_put(a, t, label);
    }
}

static double score_of(mid_stream *s, float x2)
{
    const float h[D] = { 0, 0, x2, 0 };
    const mid_step step = hidden_step(0, h);

    CHECK_OK(mid_stream_start(s, NULL));
    return push(s, &step);
}

TEST(halo_scope, guesses_labels)
{
    const mid_signals signals = signals_of(1, D);
    uint64_t seed;

    for (seed = 1; seed < 6; seed++) {
        answers a = { .n = 0 };
        mid_monitor *m;
        mid_stream *s;
        print_message("seed %llu\n", (unsigned long long)seed);
        fill(&a, &signals, 0.3, seed);
        m = monitor_of("halo_scope", NULL, &a, &signals);
        s = stream_of(m, NULL);
        CHECK(score_of(s, 6) > score_of(s, 0) + 0.3);
        mid_stream_close(s);
        mid_monitor_close(m);
        answers_clear(&a);
    }
}

/* The labels only say which side is unsafe: with all of them turned round, the same weights come with the other sign. */
TEST(halo_scope, labels_give_the_sign_alone)
{
    const mid_signals signals = signals_of(1, D);
    const mid_monitor_ops *ops = mid_monitor_find("halo_scope");
    const mid_param params[] = { { "layer", 0, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_weights *w[2];
    const float *x[2];
    answers a = { .n = 0 };
    mid_fit_set set;
    size_t i;
    int k;

    fill(&a, &signals, 0.3, 7);
    set = set_of(&a);
    for (k = 0; k < 2; k++) {
        CHECK_OK(mid_monitor_fit(test_ctx(), ops, params, &set, &w[k]));
        CHECK_OK(mid_weights_expect(test_ctx(), w[k], "w", 1, D, &x[k]));
        for (i = 0; i < a.n; i++)
            a.answer[i].label ^= 1;
    }
    CHECK(x[0][2] > 0);
    if (mid_weights_number(w[0], "k") == mid_weights_number(w[1], "k"))
        for (i = 0; i < D; i++)
            CHECK_NEAR(x[0][i], -(double)x[1][i], 1e-6);
    CHECK(mid_weights_number(w[0], "large_is_unsafe") == 1 && mid_weights_number(w[1], "large_is_unsafe") == 0);
    mid_weights_close(w[0]);
    mid_weights_close(w[1]);
    answers_clear(&a);
}
