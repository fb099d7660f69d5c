/* Attention monitors refuse sources that do not say which heads they have, and answers of different models. */
#include "hand_weights.h"

#include "monitor/heads.h"

TEST(heads, are_expected)
{
    mid_signals s = signals_of(1, 1);

    CHECK_OK(mid__heads_expect(test_ctx(), "x", &s));
    s.n_head = 7;                       /* no whole number of layers */
    CHECK_FAILS(mid__heads_expect(test_ctx(), "x", &s), MID_ESIGNAL);
    s.n_head = 0;
    CHECK_FAILS(mid__heads_expect(test_ctx(), "x", &s), MID_ESIGNAL);
    CHECK_SAYS("x needs attention heads");
}

TEST(heads, are_the_same_in_all_answers)
{
    static const char *const name[] = { "attention_log_diag", "lookback_ratio", "rauq" };
    mid_signals signals = signals_of(1, 1);
    const mid_step step = { .have = MID_SIG_LOGPROB | MID_SIG_ATTENTION, .lp = -1,
                            .attention = (const float[2 * N_HEAD * MID_ATTENTION_N]){ 0 } };
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_fit_set set;
    int i;

    for (i = 0; i < 4; i++) {
        mid_trace *t;
        signals.n_head = i == 2 ? 2 * N_HEAD : N_HEAD;
        t = trace_open(&signals, "p", NULL);
        CHECK_OK(mid_trace_append(t, &step));
        answers_put(&a, t, i % 2);
    }
    set = set_of(&a);
    for (i = 0; i < 3; i++) {
        CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find(name[i]), NULL, &set, &w), MID_EMISMATCH);
        CHECK_SAYS("answer 2");
    }
    CHECK(w == NULL);
    answers_clear(&a);
}

TEST(heads, a_head_has_its_own_figures)
{
    const float attention[] = { 1, 2, 3, 4, 5, 6 };
    const mid_step step = { .attention = attention };

    CHECK_NEAR(mid__head_at(&step, 1)[MID_ATTENTION_SELF], 5, 0);
}
