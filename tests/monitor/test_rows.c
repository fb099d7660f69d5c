/* Training rows by hand: answers of 1, 3 and 130 tokens whose row after token t is (t). */
#include "traces.h"

#include "monitor/rows.h"

static void fill(answers *a, const mid_signals *signals)
{
    static const int n_tok[] = { 1, 3, 130 };
    const float prompt_row = 9;
    int i, t;

    for (i = 0; i < 3; i++) {
        mid_trace *trace = trace_open(signals, "p", &prompt_row);
        for (t = 1; t <= n_tok[i]; t++) {
            const float h = (float)t;
            trace_put(trace, "x", -1, 1, &h);
        }
        answers_put(a, trace, i == 1);
    }
}

/* One token: at 1. Three: at 1, 2 and, ended before 4, at 3. 130: at 1, 2, 4, ... 128. */
TEST(rows, horizons)
{
    static const float want[] = { 1, 1, 2, 3, 1, 2, 4, 8, 16, 32, 64, 128 };
    static const uint32_t answer[] = { 0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2 };
    static const uint8_t horizon[] = { 0, 0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7 };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid_fit_set set;
    mid__rows r;
    size_t i;

    fill(&a, &signals);
    set = set_of(&a);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_TOKEN, 0, 0, &r));
    CHECK_INT(r.n, 12);
    for (i = 0; i < r.n; i++) {
        CHECK_NEAR(r.x[i], want[i], 0);
        CHECK_INT(r.answer[i], answer[i]);
        CHECK_INT(r.horizon[i], horizon[i]);
        CHECK_INT(r.label[i], answer[i] == 1);
        CHECK_NEAR(r.weight[i], answer[i] == 0 ? 1 : answer[i] == 1 ? 1.0 / 3 : 1.0 / 8, 1e-15);
    }
    mid__rows_clear(&r);
    answers_clear(&a);
}

/* Means of the last 32: as those of all up to 32, then (t + (t - 31)) / 2. */
TEST(rows, window)
{
    static const float want[] = { 1, 1, 1.5f, 2, 1, 1.5f, 2.5f, 4.5f, 8.5f, 16.5f, 48.5f, 112.5f };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid_fit_set set;
    mid__rows r;
    size_t i;

    fill(&a, &signals);
    set = set_of(&a);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_WINDOW, 0, 0, &r));
    CHECK_INT(r.n, 12);
    for (i = 0; i < r.n; i++)
        CHECK_NEAR(r.x[i], want[i], 0);
    mid__rows_clear(&r);
    answers_clear(&a);
}

/* Means of 1..t are (t + 1) / 2. With beta = 1/2: 1, 3/2, 9/4. A cut at 2 gives one row an answer, of its last token if
 * it ended before. The prompt's row is one row whatever the answer. */
TEST(rows, views)
{
    static const float mean[] = { 1, 1, 1.5f, 2, 1, 1.5f, 2.5f, 4.5f, 8.5f, 16.5f, 32.5f, 64.5f };
    static const float ema[] = { 1, 1, 1.5f, 2.25f };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid_fit_set set;
    mid__rows r;
    size_t i;

    fill(&a, &signals);
    set = set_of(&a);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_MEAN, 0, 0, &r));
    for (i = 0; i < r.n; i++)
        CHECK_NEAR(r.x[i], mean[i], 1e-6);
    mid__rows_clear(&r);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_EMA, 0.5, 0, &r));
    for (i = 0; i < 4; i++)
        CHECK_NEAR(r.x[i], ema[i], 0);
    mid__rows_clear(&r);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_TOKEN, 0, 2, &r));
    CHECK_INT(r.n, 3);
    CHECK(r.x[0] == 1 && r.x[1] == 2 && r.x[2] == 2);
    mid__rows_clear(&r);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_PROMPT, 0, 0, &r));
    CHECK_INT(r.n, 3);
    CHECK(r.x[0] == 9 && r.x[1] == 9 && r.x[2] == 9);
    mid__rows_clear(&r);
    answers_clear(&a);
}

/* Safe answers of 1 and 130 tokens, an unsafe one of 3; the row's value is the score. At horizon 1 all are 1 (AUROC
 * 1/2); at 2 it is 2 against 1 and 2 (3/4); at 4 it is 3 against 1 and 4 (1/2), and so on to 128. */
TEST(rows, auroc)
{
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    double score[12], auroc;
    mid_fit_set set;
    mid__rows r;
    size_t i;

    fill(&a, &signals);
    set = set_of(&a);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_TOKEN, 0, 0, &r));
    for (i = 0; i < r.n; i++)
        score[i] = (double)r.x[i];
    CHECK_OK(mid__rows_auroc(test_ctx(), &set, &r, score, &auroc));
    CHECK_NEAR(auroc, 4.25 / 8, 1e-15);
    for (i = 0; i < r.n; i++)
        r.label[i] = 0;
    CHECK_OK(mid__rows_auroc(test_ctx(), &set, &r, score, &auroc));
    CHECK(isnan(auroc));
    mid__rows_clear(&r);
    answers_clear(&a);
}

TEST(rows, inner_folds_keep_groups_together)
{
    mid_fit_answer answer[300];
    const mid_fit_set set = { .answer = answer, .n = 300, .seed = 5 };
    int n_in[3] = { 0 };
    size_t i;

    CHECK_INT(mid__n_inner(&set), 3);
    for (i = 0; i < 300; i++)
        answer[i] = (mid_fit_answer){ NULL, 0, (uint32_t)(i / 3) };
    for (i = 0; i < 300; i++) {
        const int fold = mid__inner_fold(&set, i);
        CHECK(fold >= 0 && fold < 3);
        CHECK_INT(fold, mid__inner_fold(&set, i / 3 * 3));
        n_in[fold]++;
    }
    for (i = 0; i < 3; i++)
        CHECK(n_in[i] > 58 && n_in[i] < 142);           /* 100 +- 3 standard deviations of 3 sqrt(100 * 2 / 9) */
}

TEST(rows, picks_evenly)
{
    const mid_signals signals = signals_of(1, 1);
    uint8_t use[10];
    answers a = { .n = 0 };
    mid__rows rows, some;
    mid_fit_set set;
    int i;

    for (i = 0; i < 10; i++) {
        const float h = (float)i;
        mid_trace *t = trace_open(&signals, "p", NULL);
        trace_put(t, "x", -1, 1, &h);
        answers_put(&a, t, i % 2);
        use[i] = i != 4;
    }
    set = set_of(&a);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_TOKEN, 0, 0, &rows));
    CHECK_OK(mid__rows_pick(test_ctx(), &rows, use, -1, 3, &some));             /* of nine: 0, 3, 7 (the 4 is not in use) */
    CHECK_INT(some.n, 3);
    CHECK(some.x[0] == 0 && some.x[1] == 3 && some.x[2] == 7);
    mid__rows_clear(&some);
    CHECK_OK(mid__rows_pick(test_ctx(), &rows, use, 0, 100, &some));
    CHECK_INT(some.n, 4);
    CHECK(some.x[2] == 6 && some.answer[2] == 6 && some.label[2] == 0);
    mid__rows_clear(&some);
    mid__rows_clear(&rows);
    answers_clear(&a);
}

TEST(rows, outside_a_fold)
{
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid__rows rows, some;
    mid_fit_set set;
    size_t i, n, n_all = 0;
    int fold;

    fill(&a, &signals);
    set = set_of(&a);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_TOKEN, 0, 0, &rows));
    for (fold = -1; fold < mid__n_inner(&set); fold++) {
        CHECK_OK(mid__rows_outside(test_ctx(), &set, &rows, fold, &some));
        for (i = n = 0; i < rows.n; i++) {
            if (mid__inner_fold(&set, rows.answer[i]) == fold)
                continue;
            CHECK(some.x[n] == rows.x[i] && some.answer[n] == rows.answer[i] && some.weight[n] == rows.weight[i]);
            n++;
        }
        CHECK_INT(some.n, n);
        n_all += rows.n - n;
        mid__rows_clear(&some);
    }
    CHECK_INT(n_all, rows.n);           /* each row is held out once, and by fold -1 never */
    mid__rows_clear(&rows);
    answers_clear(&a);
}
