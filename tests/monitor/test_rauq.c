/* Three layers of two heads: the middle third is layer 1, heads 2 and 3. With head 3, alpha .5, p = .8, .2, .5 and weights
 * on the token before of (.6), .5, 1:  c = .8, .5 * .2 + .5 * .5 * .8 = .3, .5 * .5 + .5 * 1 * .3 = .4 */
#include "hand_weights.h"

static mid_step looking_back(uint32_t i_tok, double p, float head2, float head3, float *attention)
{
    int k;

    for (k = 0; k < N_HEAD * MID_ATTENTION_N; k++)
        attention[k] = 0.99f;           /* of other heads and figures */
    attention[2 * MID_ATTENTION_N + MID_ATTENTION_PREVIOUS] = head2;
    attention[3 * MID_ATTENTION_N + MID_ATTENTION_PREVIOUS] = head3;
    return (mid_step){ .have = MID_SIG_ATTENTION | MID_SIG_LOGPROB, .i_tok = i_tok, .lp = (float)log(p),
                       .attention = attention };
}

TEST(rauq, golden)
{
    const mid_signals signals = signals_of(1, 1);
    const float head = 3, back[] = { 0.6f, 0.5f, 1 };
    const double p[] = { 0.8, 0.2, 0.5 }, c[] = { 0.8, 0.3, 0.4 };
    float attention[N_HEAD * MID_ATTENTION_N];
    mid_weights *w = hand_weights("rauq", NULL);
    mid_monitor *m;
    mid_stream *s;
    double sum = 0;
    uint32_t i;

    put(w, "head", &head, 1, 1);
    put_number(w, "alpha", 0.5);
    m = hand_monitor(w, "rauq", &signals);
    s = stream_of(m, NULL);
    for (i = 0; i < 3; i++) {
        const mid_step step = looking_back(i, p[i], 0.1f, back[i], attention);
        sum -= log(c[i]);
        CHECK_NEAR(push(s, &step), sum / (i + 1), 1e-6);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* Six layers of one head: the middle third is layers 2 and 3, and the more doubtful of the two counts. */
TEST(rauq, largest_over_layers)
{
    mid_signals signals = signals_of(1, 1);
    const float head[] = { 2, 3 };
    float attention[N_HEAD * MID_ATTENTION_N];
    mid_weights *w = hand_weights("rauq", NULL);
    mid_monitor *m;
    mid_stream *s;
    mid_step step;

    signals.n_head_layer = 1;
    put(w, "head", head, 1, 2);
    put_number(w, "alpha", 0.5);
    m = hand_monitor(w, "rauq", &signals);
    s = stream_of(m, NULL);
    step = looking_back(0, 0.8, 0, 0, attention);
    push(s, &step);
    step = looking_back(1, 0.2, 0.5f, 0, attention);    /* c .3 and .1 */
    CHECK_NEAR(push(s, &step), (-log(0.8) - log(0.1)) / 2, 1e-6);
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(rauq, head_is_fitted)
{
    const mid_signals signals = signals_of(1, 1);
    const mid_monitor_ops *ops = mid_monitor_find("rauq");
    float attention[N_HEAD * MID_ATTENTION_N];
    answers a = { .n = 0 };
    const float *head;
    mid_weights *w;
    mid_fit_set set;
    int i;
    uint32_t t;

    for (i = 0; i < 20; i++) {
        mid_trace *trace = trace_open(&signals, "p", NULL);
        for (t = 0; t < 5; t++) {       /* at the first token head 3 looks back most, but at the prompt */
            const mid_step step = looking_back(t, i % 2 ? 0.3 : 0.6, t ? 0.7f : 0, t ? 0.2f : 1, attention);
            CHECK_OK(mid_trace_append(trace, &step));
        }
        answers_put(&a, trace, i % 2);
    }
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w));
    CHECK_OK(mid_weights_expect(test_ctx(), w, "head", 1, 1, &head));
    CHECK_NEAR(head[0], 2, 0);
    CHECK_NEAR(mid_weights_number(w, "alpha"), 0.2, 0);        /* both rank perfectly: the first stays */
    mid_weights_close(w);
    param_refused("rauq", &a, (mid_param){ "alpha", 2, NULL, NULL }, "alpha 2");
    answers_clear(&a);
}

TEST(rauq, refuses_bad_weights)
{
    static const float bad[] = { -1, 6, 2.5f };
    const mid_signals signals = signals_of(1, 1);
    int i;

    for (i = 0; i < 3; i++) {
        mid_weights *w = hand_weights("rauq", NULL);
        put(w, "head", &bad[i], 1, 1);
        put_number(w, "alpha", 0.5);
        hand_refused(w, "rauq", &signals, MID_EFORMAT, "head");
    }
}
