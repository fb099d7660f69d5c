/* Rows of the surprisal -ln p as a one-value signal: 1, 2, ... n at tokens 1, 2, ... n. */
#include "traces.h"

#include "monitor/signal_rows.h"

static bool read(const void *user, const mid_prompt *prompt, const mid_step *step, float *value)
{
    (void)user;
    value[0] = -step->lp;
    value[1] = (float)prompt->n_tok;
    return isfinite(step->lp);
}

static void fill(answers *a, const mid_signals *signals)
{
    int i, t;

    for (i = 0; i < 2; i++) {
        mid_trace *trace = trace_open(signals, "p", NULL);
        for (t = 1; t <= 12; t++)
            trace_put(trace, "x", i && t < 5 ? NAN : (float)-t, 1, (const float[]){ 0 });
        answers_put(a, trace, i);
    }
}

TEST(signal_rows, means_and_windows)
{
    /* at 1, 2, 4, 8 tokens and at the end, 12: of all so far, of the last 3 */
    const double mean[] = { 1, 1.5, 2.5, 4.5, 6.5 }, window[] = { 1, 1.5, 3, 7, 11 };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid__rows rows;
    mid_fit_set set;
    int i, k;

    fill(&a, &signals);
    set = set_of(&a);
    for (k = 0; k < 2; k++) {
        CHECK_OK(mid__signal_rows(test_ctx(), &set, MID_SIG_LOGPROB, 2, read, NULL, k ? 3 : 0, &rows));
        CHECK_INT(rows.n, 7);           /* 5, and 2 of the answer whose first four are no numbers */
        for (i = 0; i < 5; i++) {
            CHECK_NEAR(rows.x[2 * i], k ? window[i] : mean[i], 1e-6);
            CHECK_NEAR(rows.x[2 * i + 1], 5, 0);        /* the prompt's tokens, traces.h */
            CHECK_INT(rows.horizon[i], i);
            CHECK_NEAR(rows.weight[i], 0.2, 1e-15);
        }
        CHECK_INT(rows.answer[5], 1);
        CHECK_INT(rows.horizon[5], 3);
        CHECK_NEAR(rows.x[10], k ? 7 : 6.5, 1e-6);      /* 5, 6, 7, 8 */
        CHECK_NEAR(rows.weight[5], 0.5, 1e-15);
        mid__rows_clear(&rows);
    }
    CHECK_OK(mid__signal_rows(test_ctx(), &set, MID_SIG_TIME, 2, read, NULL, 0, &rows));        /* no step has it */
    CHECK_INT(rows.n, 0);
    mid__rows_clear(&rows);
    answers_clear(&a);
}

TEST(signal_rows, column_auroc)
{
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid__rows rows;
    mid_fit_set set;
    double auroc;
    int i;

    for (i = 0; i < 6; i++) {
        mid_trace *t = trace_open(&signals, "p", NULL);
        trace_put(t, "x", (float)-i, 1, (const float[]){ 0 });
        answers_put(&a, t, i >= 3);
    }
    set = set_of(&a);
    CHECK_OK(mid__signal_rows(test_ctx(), &set, 0, 2, read, NULL, 0, &rows));
    CHECK_OK(mid__column_auroc(test_ctx(), &set, &rows, 0, &auroc));
    CHECK_NEAR(auroc, 1, 0);
    CHECK_OK(mid__column_auroc(test_ctx(), &set, &rows, 1, &auroc));
    CHECK_NEAR(auroc, 0.5, 0);
    mid__rows_clear(&rows);
    answers_clear(&a);
}

/* An answer that was read with more signals than the first needs more room. */
TEST(signal_rows, scratch_is_of_the_widest)
{
    mid_signals few = signals_of(1, 3), many = signals_of(1, 3);
    answers a = { .n = 0 };
    mid_fit_set set;

    few.have &= ~(uint32_t)MID_SIG_ATTENTION;
    few.n_head = few.n_head_layer = 0;
    answers_put(&a, trace_open(&few, "p", NULL), 0);
    answers_put(&a, trace_open(&many, "p", NULL), 1);
    set = set_of(&a);
    CHECK_INT(mid__fit_scratch(&set), SCRATCH_N(1, 3));
    answers_clear(&a);
}
