/* Drift within a run, by hand: folds of four, one of which was calibrated on other scores. */
#include "test.h"

#include "bench/set.h"

enum { N_FOLD = 3, N_MAX = 120 };

/* n answers of one token, answer i in fold i % 3, of prompt i / n_of_prompt / 3 * 3 + i % 3. As tested an answer scores
 * i / 3, and as a calibration answer the same, or 100 more in fold `moved`. */
struct bench {
    mid_plan plan;
    mid__set set;
    mid__run run;
    mid__answer answer[N_MAX];
    mid__scores scores;
    size_t at[N_MAX + 1], all[N_MAX];
    double rule[N_MAX], cal[N_MAX];
};

static struct bench *make(size_t n, size_t n_of_prompt, int moved)
{
    static struct bench b;
    size_t i;

    memset(&b, 0, sizeof b);
    b.plan = (mid_plan){ .seed = 4, .n_fold = N_FOLD };
    b.set = (mid__set){ .plan = &b.plan, .answer = b.answer, .n = n };
    b.run = (mid__run){ .ctx = test_ctx(), .plan = &b.plan };
    b.scores = (mid__scores){ .n = n, .n_tok = n, .at = b.at, .rule = b.rule, .cal_extreme = b.cal, .defined = true };
    for (i = 0; i < n; i++) {
        const int fold = (int)(i % N_FOLD);
        b.answer[i] = (mid__answer){ .fold = fold, .group = (uint32_t)(i / N_FOLD / n_of_prompt * N_FOLD + i % N_FOLD),
                                     .label = { .unsafe = i % 2 } };
        b.at[i] = b.all[i] = i;
        b.rule[i] = (double)(i / N_FOLD);
        b.cal[i] = b.rule[i] + 100 * (fold == moved);
    }
    b.at[n] = n;
    return &b;
}

static mid__fold_drift drift_of(struct bench *b, const size_t *view, size_t n)
{
    mid__fold_drift d = { .p = 7 };

    CHECK_OK(mid__fold_drift_of(&b->run, &b->set, &b->scores, view, n, &d));
    return d;
}

/* Fold 0 is calibrated on fold 1, whose four scores are all above its own: 2 of the 70 ways to deal eight are so far
 * apart. The two other folds are alike, p = 1. Three tests: 3 x 2/70. */
TEST(fold_drift, golden)
{
    struct bench *b = make(12, 1, 1);
    mid__fold_drift d = drift_of(b, b->all, 12);

    CHECK_NEAR(d.p, 6.0 / 70, 1e-15);
    CHECK_INT(d.n, 12);
    CHECK_INT(d.n_unsafe, 6);
    CHECK_INT(d.n_fold, 3);
    d = drift_of(make(12, 1, -1), b->all, 12);
    CHECK_NEAR(d.p, 1, 0);
}

/* A view of fold 0's first two answers: scores 0, 1 against 100 .. 103, 2 of 15 ways. */
TEST(fold_drift, a_view)
{
    static const size_t view[] = { 0, 3 };
    struct bench *b = make(12, 1, 1);
    mid__fold_drift d = drift_of(b, view, 2);

    CHECK_NEAR(d.p, 2.0 / 15, 1e-15);
    CHECK_INT(d.n, 2);
    CHECK_INT(d.n_fold, 1);
    d = drift_of(b, view, 0);
    CHECK(isnan(d.p));
    CHECK_INT(d.n, 0);
}

/* Two answers to each prompt: as with half the prompts, 3 x 2/C(2 + 2, 2). */
TEST(fold_drift, a_prompt_counts_once)
{
    struct bench *b = make(12, 2, 1);
    const mid__fold_drift d = drift_of(b, b->all, 12);

    CHECK_INT(d.n, 6);
    CHECK_NEAR(d.p, 1, 0);                                      /* 3 x 2/6, at most 1 */
}

TEST(fold_drift, a_large_shift)
{
    struct bench *b = make(60, 1, 1);

    CHECK(drift_of(b, b->all, 60).p < 1e-9);
}
