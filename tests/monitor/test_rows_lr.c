/* Logistic regression on rows: folded back by hand, C and layer by inner folds. */
#include "traces.h"

#include "monitor/rows_lr.h"

/* One-token answers at h = 3 (safe) and 5 (unsafe): standardised to -1 and +1. With C = 1 w minimises
 * 2 ln(1 + e^-w) + w^2 / 2, so w (1 + e^w) = 2, w = .674838; a row h has the logit w (h - 4). */
static mid_fit_set two_answers(answers *a, const mid_signals *signals)
{
    int label;

    for (label = 0; label <= 1; label++) {
        const float h = label ? 5 : 3;
        mid_trace *t = trace_open(signals, "p", NULL);
        trace_put(t, "x", -1, 1, &h);
        answers_put(a, t, label);
    }
    return set_of(a);
}

TEST(rows_lr, folded_by_hand)
{
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    const mid_fit_set set = two_answers(&a, &signals);
    mid__rows rows;
    float w, b;
    double c, auroc;

    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_MEAN, 0, 0, &rows));
    CHECK_OK(mid__rows_lr_fit(test_ctx(), &set, &rows, 1, &w, &b));
    CHECK_NEAR((double)w * (1 + exp((double)w)), 2, 1e-5);
    CHECK_NEAR(b, -4 * (double)w, 1e-6);
    CHECK_OK(mid__rows_lr_choose(test_ctx(), &set, &rows, &mid__c_grid_rows, &c, &auroc));
    CHECK_NEAR(c, 0.01, 0);                         /* one answer outside a fold: the fallback, and no AUROC */
    CHECK_NEAR(auroc, 0, 0);
    mid__rows_clear(&rows);
    answers_clear(&a);
}

/* Of three layers the second tells. */
static mid_fit_set three_layers(answers *a, const mid_signals *signals)
{
    int i;

    for (i = 0; i < 60; i++) {
        const float h[3] = { (float)(i * 7 % 11), (float)(i % 2 * 4 + i * 5 % 3), (float)(i * 3 % 13) };
        mid_trace *t = trace_open(signals, "p", NULL);
        trace_put(t, "x", -1, 1, h);
        answers_put(a, t, i % 2);
    }
    return set_of(a);
}

TEST(rows_lr, chooses)
{
    static const double wrong_way[] = { 1e-9, 1 };
    static const mid__c_grid grid = { wrong_way, 2, 7 };
    const mid_signals signals = signals_of(3, 1);
    answers a = { .n = 0 };
    const mid_fit_set set = three_layers(&a, &signals);
    mid__rows rows;
    double c, auroc;
    int i_layer;

    CHECK_OK(mid__linear_layer(test_ctx(), &set, -1, MID__VIEW_MEAN, &i_layer));
    CHECK_INT(i_layer, 1);
    CHECK_OK(mid__linear_layer(test_ctx(), &set, 2, MID__VIEW_MEAN, &i_layer));
    CHECK_INT(i_layer, 2);
    CHECK_FAILS(mid__linear_layer(test_ctx(), &set, 3, MID__VIEW_MEAN, &i_layer), MID_EINVAL);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 1, MID__VIEW_MEAN, 0, 0, &rows));
    CHECK_OK(mid__rows_lr_choose(test_ctx(), &set, &rows, &grid, &c, &auroc));
    CHECK(c == 1 || auroc == 1);                    /* a tie stays with the smaller, a better one wins */
    CHECK(auroc > 0.95);
    mid__rows_clear(&rows);
    answers_clear(&a);
}
