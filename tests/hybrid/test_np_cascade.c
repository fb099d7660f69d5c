/* The tree by hand, then the two budgets on a fit. tests/oracle/cascade.py has what the fit should find. */
#include "hand_hybrid.h"

enum { N_BIN = 7, SILENT = 6, N_CELL = 1 + N_BIN + N_BIN * N_BIN };

static const mid_param of_two[] = {
    { "of", 0, "surprisal_mean, entropy_mean", NULL }, { "missing", 0, "degrade", NULL }, { "cost", 0, "1, 10", NULL },
    { NULL, 0, NULL, NULL }
};

/* Ranks are s and s / 2. The order is entropy, surprisal: with entropy's rank in .5 .. .75 (bin 1), or entropy silent,
 * the surprisal is asked, which reads the first three tokens. A cell's score is its number. */
static mid_weights *by_hand(void)
{
    static const float order[] = { 1, 0 };
    mid_weights *w = hybrid_weights("np_cascade", of_two);
    float cell[N_CELL][2];
    int i;

    for (i = 0; i < N_CELL; i++) {
        cell[i][0] = i == 0 || i == 1 + 1 || i == 1 + SILENT;
        cell[i][1] = (float)i;
    }
    put_rank(w, 0, 1);
    put_rank(w, 1, 2);
    put(w, "order", order, 1, 2);
    put(w, "cell", &cell[0][0], N_CELL, 2);
    put_number(w, "reads", 3);
    return w;
}

/* Where a member of rank r was asked last, within its cell. */
static double in_cell(double r) { return 0.001 * r / (1 + r); }

/* Mean entropies 0, 1, 1.5, 1.92, 2.5 are ranks 0, .5, .75, .96 and above 1, by a tenth for each
 * of the top tenth's widths, 12/128 of 2: bins 0 1 2 4 5, the cells 1 2 3 5 6. The second goes on: the surprisal's mean .875 is rank .875, bin 2, and
 * so cell 7 * 2 + 1 + 2. */
TEST(np_cascade, golden)
{
    static const float entropy[] = { 0, 2, 2.5f, 3.18f, 4.82f }, surprisal[] = { 0.75f, 1, 5, 5, 5 };
    static const double want[] = { 1, 17, 3, 5, 6 }, rank[] = { 0, 0.875, 0.75, 0.96, 1 + 0.1 * 0.5 / 0.1875 };
    const mid_signals signals = signals_of(1, 1);
    mid_monitor *m = hand_monitor(by_hand(), "np_cascade", &signals);
    mid_trace *t = answer_of(surprisal, entropy, 5);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 5; i++) {
        CHECK_NEAR(push_at(s, t, i), want[i] + in_cell(rank[i]), 1e-7);
        CHECK_INT(mid_stream_calls(s, 1), i + 1);
        CHECK_INT(mid_stream_calls(s, 0), i >= 1);
    }
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}

/* After three tokens the surprisal's mean .5 stands, whatever comes: rank .5, bin 1, cell 7 * 2 + 1 + 1. The fifth token
 * asks it once more, and it has read no further. */
TEST(np_cascade, reads_the_beginning)
{
    static const float entropy[] = { 1, 1, 1, 1, 1 }, surprisal[] = { 0.5f, 0.5f, 0.5f, 9, 9 };
    const mid_signals signals = signals_of(1, 1);
    mid_monitor *m = hand_monitor(by_hand(), "np_cascade", &signals);
    mid_trace *t = answer_of(surprisal, entropy, 5);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 5; i++) {
        CHECK_NEAR(push_at(s, t, i), 16 + in_cell(0.5), 1e-7);
        CHECK_INT(mid_stream_calls(s, 0), i < 3 ? i + 1 : 3);
    }
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}

/* Entropy gone: the silent bin's cell 7 asks the surprisal, of bin 0: 7 * 7 + 1. Surprisal gone: bin 1 asks it in vain:
 * cell 7 * 2 + 1 + 6. */
TEST(np_cascade, goes_on_without_a_member)
{
    static const float surprisal[] = { 0.25f }, entropy[] = { 1 };
    static const double want[] = { 50, 21 }, rank[] = { 0.25, 0 };
    const mid_signals one[] = { signals_without(MID_SIG_ENTROPY), signals_without(MID_SIG_LOGPROB) };
    mid_trace *t = answer_of(surprisal, entropy, 1);
    int i;

    for (i = 0; i < 2; i++) {
        mid_monitor *m = hand_monitor(by_hand(), "np_cascade", &one[i]);
        mid_stream *s = stream_of(m, NULL);
        CHECK_NEAR(push_at(s, t, 0), want[i] + in_cell(rank[i]), 1e-7);
        CHECK_INT(mid_stream_calls(s, (size_t)i), 1);
        CHECK_INT(mid_stream_calls(s, (size_t)!i), 0);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    mid_trace_close(t);
}

/* A file with one number of a tensor changed. */
static void refuses(const char *tensor, size_t at, float value, size_t n_row, size_t n_col, const char *says)
{
    const mid_signals signals = signals_of(1, 1);
    mid_weights *w = by_hand();
    float x[2 * N_CELL];
    const float *old;

    CHECK_OK(mid_weights_expect(test_ctx(), w, tensor, n_row, n_col, &old));
    memcpy(x, old, n_row * n_col * sizeof *x);
    x[at] = value;
    put(w, tensor, x, n_row, n_col);
    hand_refused(w, "np_cascade", &signals, MID_EFORMAT, says);
}

TEST(np_cascade, refuses_strangers)
{
    const mid_signals signals = signals_of(1, 1);
    mid_weights *w = by_hand();
    float none[2] = { 0 };

    refuses("order", 0, 0, 1, 2, "names a member twice");
    refuses("order", 0, 2, 1, 2, "order 0 is 2");
    refuses("order", 1, 0.5f, 1, 2, "order 1 is 0.5");
    refuses("order", 1, -1, 1, 2, "order 1 is -1");
    refuses("cell", 0, 0, N_CELL, 2, "cell 0 asks 0");
    refuses("cell", 2, 0.5f, N_CELL, 2, "cell 1 asks 0.5");
    refuses("cell", 2 * 8, 1, N_CELL, 2, "cell 8 asks 1");      /* the last member's cells can ask nobody */
    put(w, "cell", none, 1, 2);
    hand_refused(w, "np_cascade", &signals, MID_EFORMAT, "'cell'");
    w = by_hand();
    put_number(w, "reads", 0);
    hand_refused(w, "np_cascade", &signals, MID_EFORMAT, "'reads' is 0");
}

TEST(np_cascade, refuses_parameters)
{
    static const mid_param bad[] = {
        { "cost", 0, "1, 10", NULL }, { "cost", 0, "1, 2, 3, 4", NULL }, { "cost", 0, "1, 0, 3", NULL },
        { "cost", 0, "1, nan, 3", NULL }, { "cost", 0, "", NULL }, { "cost", 0, "1, 1, 1", NULL },
        { "budget", 0, NULL, NULL }, { "budget", -1, NULL, NULL }, { "false_alarm", 0, NULL, NULL },
        { "false_alarm", 1, NULL, NULL }, { "of", 0, "length, surprisal_mean, entropy_mean, margin, perplexity", NULL },
    };
    static const char *const says[] = {
        "each of the 3 members", "each of the 3 members", "above 0", "above 0", "cost is ''",
        "does not pay for the cheapest", "budget is 0", "budget is -1", "false_alarm is 0", "false_alarm is 1",
        "at most 4 members, not of 5",
    };
    static const float x[] = { 1 };
    answers a = { .n = 0 };
    size_t i;

    answers_put(&a, answer_of(x, x, 1), 0);
    answers_put(&a, answer_of(x, x, 1), 1);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        param_refused("np_cascade", &a, bad[i], says[i]);
    answers_clear(&a);
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static const uint64_t seed = 20260212;

/* Surprisal is wrong about every tenth answer and unsure of every third; entropy is right but for its noise. */
static void fill(answers *a, mid__rng *rng)
{
    float surprisal[8], entropy[8];
    int i, t;

    for (i = 0; i < ANSWER_MAX; i++) {
        const int label = i & 1, n_tok = 1 + (int)mid__rng_below(rng, 8);
        const double lean = i % 10 == 0 ? !label : i % 3 == 0 ? 0.5 : label;
        for (t = 0; t < n_tok; t++) {
            surprisal[t] = (float)(2 * lean + mid__rng_unit(rng));
            entropy[t] = (float)(label + 1.3 * mid__rng_unit(rng));
        }
        answers_put(a, answer_of(surprisal, entropy, n_tok), label);
    }
}

/* Mean cost per token, what is read late counted. */
static double spent(const mid_monitor *m, const answers *a, const double *price)
{
    double cost = 0, n = 0;
    mid_stream *s;
    size_t i, k;

    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    for (i = 0; i < a->n; i++) {
        const uint32_t n_tok = mid_trace_n_tok(a->answer[i].trace);
        uint32_t upto[2] = { 0, 0 }, t;
        CHECK_OK(mid_stream_start(s, NULL));
        for (t = 0; t < n_tok; t++) {
            const uint64_t before[2] = { mid_stream_calls(s, 0), mid_stream_calls(s, 1) };
            push_at(s, a->answer[i].trace, t);
            for (k = 0; k < 2; k++)
                if (mid_stream_calls(s, k) > before[k])
                    upto[k] = t + 1;
        }
        n += n_tok;
        cost += upto[0] * price[0] + upto[1] * price[1];
    }
    mid_stream_close(s);
    return cost / n;
}

/* What is allowed is what is spent, about, and what is spent is worth it. */
TEST(np_cascade, keeps_to_its_budget)
{
    static const double budget[] = { 0.1, 0.5, 0.9, 1.2 }, price[] = { 1, 10 };
    const mid_signals signals = signals_of(1, 1);
    answers fit = { .n = 0 }, fresh = { .n = 0 };
    double auroc[4], cost[4];
    mid__rng rng;
    int i;

    mid__rng_init(&rng, seed, 0);
    fill(&fit, &rng);
    fill(&fresh, &rng);
    for (i = 0; i < 4; i++) {
        mid_param params[] = { of_two[0], of_two[2], { "budget", budget[i], NULL, NULL }, { NULL, 0, NULL, NULL } };
        mid_monitor *m = monitor_of("np_cascade", params, &fit, &signals);
        CHECK(spent(m, &fit, price) <= 10 * budget[i] * 1.05);      /* the fit sees tokens 1, 2, 4, 8 and the last */
        auroc[i] = auroc_at_end(m, &fresh);
        cost[i] = spent(m, &fresh, price);
        print_message("  seed %llu, budget %.1f: %.2f spent, AUROC %.3f\n", (unsigned long long)seed, 10 * budget[i],
                      cost[i], auroc[i]);
        CHECK(cost[i] <= 10 * budget[i] * 1.15);
        mid_monitor_close(m);
    }
    CHECK_NEAR(cost[0], 1, 1e-9);       /* the first everywhere, and nothing is left */
    CHECK(cost[1] > 2 && auroc[1] > auroc[0] + 0.02);
    answers_clear(&fit);
    answers_clear(&fresh);
}
