/* Differences of means by hand. Safe rows (+-2, 0) around (0, 0) and unsafe ones (0, +-1) around (3, 4), one an answer:
 *   w = (3, 4), b = -25/2, and the rows around their means are those of test_mahalanobis.c, so that
 *   Sigma = diag(23.25, 21.75) / 18,  Sigma^-1 w = (54 / 23.25, 72 / 21.75) */
#include "learned.h"

static void fill(answers *a, const mid_signals *signals)
{
    put_row2(a, signals, 2, 0, 0);
    put_row2(a, signals, -2, 0, 0);
    put_row2(a, signals, 3, 5, 1);
    put_row2(a, signals, 3, 3, 1);
}

/* Scores are the running means of w . h_t + b. */
static void check_scores(mid_monitor *given, double w0, double w1, double b)
{
    static const float h[][2] = { { 1, 0 }, { 0, 2 }, { 3, 4 } };
    mid_stream *s = stream_of(given, NULL);
    double sum = 0;
    uint32_t i;

    for (i = 0; i < 3; i++) {
        const mid_step step = hidden_step(i, h[i]);
        sum += w0 * (double)h[i][0] + w1 * (double)h[i][1] + b;
        CHECK_NEAR(push(s, &step), sum / (i + 1), 1e-5);        /* weights are stored as float32 */
    }
    mid_stream_close(s);
    mid_monitor_close(given);
}

TEST(diff_means, scores_by_hand)
{
    static const float w_hand[] = { 2, -1 }, b = 0.5f;
    const mid_signals signals = signals_of(2, 2);
    static const float h[][4] = { { 9, 9, 1, 0 }, { 9, 9, 1, 4 } };     /* the second layer is read: 5/2, then -3/2 */
    mid_weights *w = hand_weights("diff_means", NULL);
    mid_monitor *m;
    mid_stream *s;
    mid_step step;

    put(w, "w", w_hand, 1, 2);
    put(w, "b", &b, 1, 1);
    put_number(w, "layer", 1);
    m = hand_monitor(w, "diff_means", &signals);
    s = stream_of(m, NULL);
    step = hidden_step(0, h[0]);
    CHECK_NEAR(push(s, &step), 2.5, 1e-12);
    step = hidden_step(1, h[1]);
    CHECK_NEAR(push(s, &step), 0.5, 1e-12);
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(diff_means, learned_by_hand)
{
    static const mid_param whiten[] = { { "whiten", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, 2);
    const double w0 = 54 / 23.25, w1 = 72 / 21.75;
    answers a = { .n = 0 };

    fill(&a, &signals);
    check_scores(monitor_of("diff_means", NULL, &a, &signals), 3, 4, -12.5);
    check_scores(monitor_of("diff_means", whiten, &a, &signals), w0, w1, -(3 * w0 + 4 * w1) / 2);
    answers_clear(&a);
}

/* Only the second of two layers leans towards the label, and there a loud dimension hides it. */
static void write(mid__rng *rng, mid_trace *t, int label)
{
    const uint32_t n_tok = some_tok(rng);
    const float loud = 5 * about_normal(rng);
    uint32_t i;

    for (i = 0; i < n_tok; i++) {
        float h[4];
        h[0] = about_normal(rng);
        h[1] = about_normal(rng);
        h[2] = loud + about_normal(rng);
        h[3] = (float)label + about_normal(rng);
        trace_put(t, "x", -1, 1, h);
    }
}

TEST(diff_means, learns)
{
    static const mid_param whiten[] = { { "whiten", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(2, 2);
    mid_weights *w;

    CHECK(learned_auroc("diff_means", whiten, &signals, write, TASK_SEED, &w) > 0.9);
    CHECK_NEAR(mid_weights_number(w, "layer"), 1, 0);
    mid_weights_close(w);
}

TEST(diff_means, refuses)
{
    static const float three[3] = { 1, 2, 3 };
    const mid_signals signals = signals_of(1, 2);
    answers a = { .n = 0 };
    mid_weights *w = hand_weights("diff_means", NULL);

    put(w, "w", three, 1, 3);
    put(w, "b", three, 1, 1);
    put_number(w, "layer", 0);
    hand_refused(w, "diff_means", &signals, MID_EFORMAT, "w");
    w = hand_weights("diff_means", NULL);
    put(w, "w", three, 1, 2);
    put(w, "b", three, 1, 1);
    put_number(w, "layer", 4);
    hand_refused(w, "diff_means", &signals, MID_ESIGNAL, "layer 4");
    fill(&a, &signals);
    param_refused("diff_means", &a, (mid_param){ "whiten", 0.5, NULL, NULL }, "whiten 0.5");
    param_refused("diff_means", &a, (mid_param){ "layer", 7, NULL, NULL }, "layer");
    answers_clear(&a);
}
