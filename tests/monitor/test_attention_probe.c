/* The attention probe by hand: head 0 looks by the first value and reads the second plus 1/2, head 1 looks everywhere
 * alike, the others read 0. */
#include "learned.h"

enum { N_HEAD_ = 8 };

static mid_weights *by_hand(size_t n_row)
{
    float w_hand[2 * N_HEAD_][2] = { { 0 } }, b[2 * N_HEAD_] = { 0 };
    mid_weights *w = hand_weights("attention_probe", NULL);

    w_hand[0][0] = 1;                   /* u of head 0 */
    w_hand[N_HEAD_][1] = 1;             /* g of head 0 */
    w_hand[N_HEAD_ + 1][1] = 1;         /* g of head 1 */
    b[N_HEAD_] = 0.5f;
    put(w, "w", w_hand[0], n_row, 2);
    put(w, "b", b, 1, 2 * N_HEAD_);
    put_number(w, "layer", 0);
    return w;
}

/* e^u = 1, 2, 4: means 1, (1 + 8) / 3, (9 - 4) / 7 of head 0, and 1, 5/2, 4/3 of head 1. */
TEST(attention_probe, golden)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[][2] = { { 0, 1 }, { (float)log(2), 4 }, { (float)log(4), -1 } };
    const double want[] = { 2.5, 3 + 2.5 + 0.5, 5.0 / 7 + 4.0 / 3 + 0.5 };
    mid_monitor *m = hand_monitor(by_hand(2 * N_HEAD_), "attention_probe", &signals);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 3; i++) {
        const mid_step step = hidden_step(i, h[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-6);      /* u is a float32 */
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* e^1000 is no number, but only the distance from the largest u matters: the loudest token is all that head 0 sees. */
TEST(attention_probe, loud_tokens)
{
    static const float h[][2] = { { -1000, 1 }, { 1000, 3 }, { -1000, 5 } };
    static const double want[] = { 2.5, 3 + 2 + 0.5, 3 + 3 + 0.5 };
    const mid_signals signals = signals_of(1, 2);
    mid_monitor *m = hand_monitor(by_hand(2 * N_HEAD_), "attention_probe", &signals);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 3; i++) {
        const mid_step step = hidden_step(i, h[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-6);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* Every fourth token tells, and says so in its first value; in the second, the others are louder. */
static void write(mid__rng *rng, mid_trace *t, int label)
{
    const uint32_t n_tok = some_tok(rng);
    uint32_t i;

    for (i = 0; i < n_tok; i++) {
        const bool tells = i % 4 == 1;
        float h[2];
        h[0] = tells ? 3 : 0;
        h[1] = tells ? (label ? 1.5f : -1.5f) : 1.5f * about_normal(rng);
        trace_put(t, "x", -1, 1, h);
    }
}

TEST(attention_probe, learns)
{
    const mid_signals signals = signals_of(1, 2);
    const double mean = learned_auroc("probe_linear", NULL, &signals, write, TASK_SEED, NULL);
    const double looked = learned_auroc("attention_probe", NULL, &signals, write, TASK_SEED, NULL);

    CHECK(looked > 0.9);
    CHECK(looked > mean);
}

TEST(attention_probe, refuses)
{
    const mid_signals signals = signals_of(1, 2);
    answers a = { .n = 0 };
    mid_weights *w = by_hand(2 * N_HEAD_ - 1);

    hand_refused(w, "attention_probe", &signals, MID_EFORMAT, "w");
    w = by_hand(2 * N_HEAD_);
    put_number(w, "layer", 0.5);
    hand_refused(w, "attention_probe", &signals, MID_ESIGNAL, "layer 0.5");
    put_task(&a, &signals, write, 4, TASK_SEED, 3);
    param_refused("attention_probe", &a, (mid_param){ "layer", 7, NULL, NULL }, "layer");
    answers_clear(&a);
}
