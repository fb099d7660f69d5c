/* The dual head by hand: unit 0 is ReLU(h_0), a token's logit is that less 1, and the k-th largest counts. The answer's
 * head has loud weights that no score may show. */
#include "learned.h"

enum { WIDTH = 64, D = 2 };

static mid_weights *by_hand(double k)
{
    float w_hand[WIDTH][D] = { { 1, 0 } }, b[WIDTH] = { 0 }, more[2 * (WIDTH + 1)] = { 1 };
    mid_weights *w = hand_weights("dual_head", NULL);
    size_t j;

    more[WIDTH] = -1;
    for (j = WIDTH + 1; j < 2 * (WIDTH + 1); j++)
        more[j] = 99;
    put(w, "w", w_hand[0], WIDTH, D);
    put(w, "b", b, 1, WIDTH);
    put(w, "more", more, 1, 2 * (WIDTH + 1));
    put_number(w, "layer", 0);
    put_number(w, "k", k);
    return w;
}

/* Logits 2, 0, 4, -1 (behind the ReLU), 3, 3. */
static void check_scores(double k, const double *want)
{
    static const float h[][D] = { { 3, 9 }, { 1, 9 }, { 5, 9 }, { -7, 9 }, { 4, 9 }, { 4, 9 } };
    const mid_signals signals = signals_of(1, D);
    mid_monitor *m = hand_monitor(by_hand(k), "dual_head", &signals);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 6; i++) {
        const mid_step step = hidden_step(i, h[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-12);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(dual_head, golden)
{
    static const double largest[] = { 2, 2, 4, 4, 4, 4 }, second[] = { 2, 0, 2, 2, 3, 3 },
                        third[] = { 2, 0, 0, 0, 2, 3 }, eighth[] = { 2, 0, 0, -1, -1, -1 };

    check_scores(1, largest);
    check_scores(2, second);
    check_scores(3, third);
    check_scores(8, eighth);
}

/* Three tokens of an unsafe answer are unsafe; in every answer, safe or not, one token is as loud, by accident. */
static void write(mid__rng *rng, mid_trace *t, int label)
{
    const uint32_t n_tok = some_tok(rng);
    uint32_t i;

    for (i = 0; i < n_tok; i++) {
        const bool shown = i == 3 || (label && (i == 1 || i == 2 || i == 4));
        float h[2];
        h[0] = (shown ? 4 : 0) + about_normal(rng) / 2;
        h[1] = about_normal(rng);
        trace_put(t, "x", -1, 1, h);
    }
}

TEST(dual_head, learns)
{
    static const mid_param one[] = { { "k", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(1, D);
    mid_weights *w;
    double k;

    CHECK(learned_auroc("dual_head", NULL, &signals, write, TASK_SEED, &w) > 0.9);
    k = mid_weights_number(w, "k");
    CHECK(k == 2 || k == 4);            /* one loud token says nothing */
    mid_weights_close(w);
    CHECK(learned_auroc("dual_head", one, &signals, write, TASK_SEED, &w) < 0.9);
    CHECK_NEAR(mid_weights_number(w, "k"), 1, 0);
    mid_weights_close(w);
}

TEST(dual_head, refuses)
{
    static const char *const tensor[] = { "w", "b", "more" };
    static const double bad_k[] = { 0, 9, 1.5, -1, NAN };
    static const float strange[15];
    const mid_signals signals = signals_of(1, D);
    answers a = { .n = 0 };
    mid_weights *w;
    size_t i;

    for (i = 0; i < sizeof tensor / sizeof tensor[0]; i++) {
        w = by_hand(1);
        put(w, tensor[i], strange, 3, 5);
        hand_refused(w, "dual_head", &signals, MID_EFORMAT, tensor[i]);
    }
    for (i = 0; i < sizeof bad_k / sizeof bad_k[0]; i++)
        hand_refused(by_hand(bad_k[i]), "dual_head", &signals, MID_EFORMAT, "whole number from 1 to 8");
    put_task(&a, &signals, write, 4, TASK_SEED, 3);
    param_refused("dual_head", &a, (mid_param){ "k", 9, NULL, NULL }, "k 9");
    param_refused("dual_head", &a, (mid_param){ "k", 0.5, NULL, NULL }, "k 0.5");
    answers_clear(&a);
}
