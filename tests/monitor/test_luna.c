/* LUNA monitors by hand: rows of one value, three states with centres at 0, 10 and 20 (mean 0, axis 1). */
#include "hand_weights.h"

#include "base/rng.h"
#include "monitor/luna.h"

static mid_weights *by_hand(const char *name, const mid_param *changed)
{
    const float mean = 0, axis = 1, centre[] = { 0, 10, 20 };
    mid_weights *w = hand_weights(name, changed);

    put(w, "mean", &mean, 1, 1);
    put(w, "axis", &axis, 1, 1);
    put(w, "centre", centre, 3, 1);
    put_number(w, "layer", 0);
    return w;
}

static void expect_walk(mid_weights *given, const char *name, const float *row, const double *want, uint32_t n)
{
    const mid_signals signals = signals_of(1, 1);
    mid_monitor *m = hand_monitor(given, name, &signals);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < n; i++) {
        const mid_step step = hidden_step(i, &row[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-6);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(luna, state_golden)
{
    const float theta[] = { 0.1f, 0.4f, 1, 0.3f }, row[] = { 1, 21, 9 };
    const double want[] = { 0.1, 0.55, 0.5 };   /* states 0, 2, 1 */
    mid_weights *w = by_hand("luna_state", NULL);

    put(w, "theta", theta, 1, 4);
    expect_walk(w, "luna_state", row, want, 3);
}

/* Moves cost row * 10 + column; from the start, row 4, as well: states 1, 1, 2 cost 41, 11, 12. */
TEST(luna, transition_golden)
{
    const float row[] = { 10, 11, 20 };
    const double want[] = { 41, 26, 64.0 / 3 };
    mid_weights *w = by_hand("luna_transition", NULL);
    float cost[5 * 4];
    int i;

    for (i = 0; i < 20; i++)
        cost[i] = (float)(i / 4 * 10 + i % 4);
    put(w, "cost", cost, 5, 4);
    expect_walk(w, "luna_transition", row, want, 3);
}

/* Two regimes: the first emits state 0, the second state 2, state 1 is as likely in both; both stay with .5, start even. */
TEST(luna, hmm_golden)
{
    const mid_param changed[] = { { "hidden", 2, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const float start[] = { 0.5f, 0.5f }, move[] = { 0.5f, 0.5f, 0.5f, 0.5f }, emit[] = { 0.5f, 0.5f, 0, 0, 0.5f, 0.5f };
    const float theta[] = { 0.2f, 0.8f }, row[] = { 0, 10, 20 };
    const double want[] = { 0.2, 0.5, 0.8 };
    mid_weights *w = by_hand("luna_hmm", changed);

    put(w, "start", start, 1, 2);
    put(w, "move", move, 2, 2);
    put(w, "emit", emit, 2, 3);
    put(w, "theta", theta, 1, 2);
    expect_walk(w, "luna_hmm", row, want, 3);
}

/* One regime per class: safe answers emit .5 .25 .25, unsafe ones .25 .25 .5: a 2 is worth ln 2, a 0 minus that. */
TEST(luna, hmm_two_class_golden)
{
    const mid_param changed[] = { { "hidden", 1, NULL, NULL }, { "form", 0, "two_class", NULL }, { NULL, 0, NULL, NULL } };
    const float one = 1, safe[] = { 0.5f, 0.25f, 0.25f }, unsafe[] = { 0.25f, 0.25f, 0.5f }, row[] = { 20, 10, 0 };
    const double want[] = { log(2), log(2) / 2, 0 };
    mid_weights *w = by_hand("luna_hmm", changed);

    put(w, "start", &one, 1, 1);
    put(w, "move", &one, 1, 1);
    put(w, "emit", safe, 1, 3);
    put(w, "start_unsafe", &one, 1, 1);
    put(w, "move_unsafe", &one, 1, 1);
    put(w, "emit_unsafe", unsafe, 1, 3);
    expect_walk(w, "luna_hmm", row, want, 3);
}

/* Visits by hand. Safe: states 0, 0, 1 and 1; unsafe: 1, 1. Each answer weighs 1: N_0 = 2/3, N_1 = 1/3 + 1 + 1, U_1 = 1;
 * pi = 1/3. kappa 3: theta_0 = 1 / (2/3 + 3), theta_1 = (1 + 1) / (7/3 + 3); never seen: 1/3. */
TEST(luna, shares_by_hand)
{
    const mid_signals signals = signals_of(1, 1);
    static const int n_tok[] = { 3, 1, 2 };
    uint32_t state[] = { 0, 0, 1, 1, 1, 1 };
    size_t first[] = { 0, 3, 4, 6 };
    const uint8_t use[] = { 1, 1, 1 };
    answers a = { .n = 0 };
    mid__luna_data data;
    mid_fit_set set;
    double theta[3];
    int i, t;

    for (i = 0; i < 3; i++) {
        mid_trace *trace = trace_open(&signals, "p", NULL);
        for (t = 0; t < n_tok[i]; t++)
            trace_put(trace, "x", -1, 1, (const float[]){ 0 });
        answers_put(&a, trace, i == 2);
    }
    set = set_of(&a);
    data = (mid__luna_data){ .set = &set, .n = 3, .first = first, .state = state, .n_dim = 1, .n_state = 2 };
    CHECK_OK(mid__luna_shares(test_ctx(), &data, use, 3, theta));
    CHECK_NEAR(theta[0], 1 / (2.0 / 3 + 3), 1e-14);
    CHECK_NEAR(theta[1], 2 / (7.0 / 3 + 3), 1e-14);
    CHECK_NEAR(theta[2], 1.0 / 3, 1e-14);
    answers_clear(&a);
}

/* Both classes visit the same three clumps equally often; safe answers go round one way, unsafe ones the other. Only moves
 * tell them apart, not states. On layer 1; layer 0 is noise. */
static void fill(answers *a, const mid_signals *signals)
{
    mid__rng rng;
    int i, t;

    mid__rng_init(&rng, 31, 0);
    for (i = 0; i < 80; i++) {
        mid_trace *trace = trace_open(signals, "p", NULL);
        const int begin = (int)mid__rng_below(&rng, 3);
        for (t = 0; t < 9; t++) {
            const int at = (begin + (i % 2 ? 2 : 1) * t) % 3;
            const float h[4] = { (float)mid__rng_unit(&rng), (float)mid__rng_unit(&rng),
                                 (float)mid__rng_unit(&rng) + 20 * (float)(at == 0),
                                 (float)mid__rng_unit(&rng) + 20 * (float)(at == 1) };
            trace_put(trace, "x", -1, 1, h);
        }
        answers_put(a, trace, i % 2);
    }
}

static double inner_auroc(const answers *a, const char *name, const mid_param *params)
{
    const mid_fit_set set = set_of(a);
    mid_weights *w;
    double auroc;

    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find(name), params, &set, &w));
    auroc = mid_weights_number(w, "inner_auroc");
    if (auroc > 0.9)
        CHECK_NEAR(mid_weights_number(w, "layer"), 1, 0);
    mid_weights_close(w);
    return auroc;
}

TEST(luna, moves_tell_what_states_cannot)
{
    static const char *const map[] = { "kmeans", "gmm", "grid" };
    const mid_signals signals = signals_of(2, 2);
    answers a = { .n = 0 };
    int k;

    fill(&a, &signals);
    for (k = 0; k < 3; k++) {
        const mid_param params[] = { { "map", 0, map[k], NULL }, { "dims", 2, NULL, NULL }, { "states", 3, NULL, NULL },
                                     { "cells", 2, NULL, NULL }, { NULL, 0, NULL, NULL } };
        CHECK(inner_auroc(&a, "luna_state", params) < 0.75);
        CHECK(inner_auroc(&a, "luna_transition", params) > 0.85);       /* a first token cannot tell: (.5 + 3) / 4 */
    }
    {   /* two regimes per class are enough to follow a cycle of three only in part; three follow it */
        const mid_param params[] = { { "dims", 2, NULL, NULL }, { "states", 3, NULL, NULL }, { "hidden", 3, NULL, NULL },
                                     { "form", 0, "two_class", NULL }, { NULL, 0, NULL, NULL } };
        CHECK(inner_auroc(&a, "luna_hmm", params) > 0.8);
    }
    {   /* a grid that remembers a cell tells moves by states */
        const mid_param params[] = { { "map", 0, "grid", NULL }, { "dims", 2, NULL, NULL }, { "cells", 2, NULL, NULL },
                                     { "history", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
        CHECK(inner_auroc(&a, "luna_state", params) > 0.85);
    }
    {
        const mid_param safe[] = { { "dims", 2, NULL, NULL }, { "states", 3, NULL, NULL }, { "form", 0, "safe", NULL },
                                   { NULL, 0, NULL, NULL } };
        CHECK(inner_auroc(&a, "luna_transition", safe) > 0.85);
    }
    param_refused("luna_transition", &a, (mid_param){ "form", 0, "posterior", NULL }, "safe or two_class");
    param_refused("luna_hmm", &a, (mid_param){ "form", 0, "safe", NULL }, "posterior or two_class");
    param_refused("luna_hmm", &a, (mid_param){ "hidden", 65, NULL, NULL }, "hidden 65");
    param_refused("luna_state", &a, (mid_param){ "kappa", 0, NULL, NULL }, "kappa 0");
    answers_clear(&a);
}

TEST(luna, refuses_bad_weights)
{
    const mid_signals signals = signals_of(1, 1);
    const float theta[] = { 0.1f, 0.4f, 1 }, two_axes[] = { 1, 1 };
    mid_weights *w = by_hand("luna_state", NULL);

    put(w, "theta", theta, 1, 3);               /* one for each state, none for the one never seen */
    hand_refused(w, "luna_state", &signals, MID_EFORMAT, "theta");
    w = by_hand("luna_state", (const mid_param[]){ { "dims", 1, NULL, NULL }, { NULL, 0, NULL, NULL } });
    put(w, "axis", two_axes, 2, 1);
    hand_refused(w, "luna_state", &signals, MID_EFORMAT, "2 axes");
    w = by_hand("luna_state", (const mid_param[]){ { "map", 0, "grid", NULL }, { NULL, 0, NULL, NULL } });
    put(w, "lo", theta, 1, 1);
    put(w, "hi", theta, 1, 1);
    put(w, "code", two_axes, 1, 2);             /* codes must ascend */
    hand_refused(w, "luna_state", &signals, MID_EFORMAT, "code 1");
}
