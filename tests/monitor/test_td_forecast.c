/* Forecasts by hand: one-dimensional rows. At lambda 1 this is ridge regression of the label: rows 0, 0, 1, 1 with labels
 * 0, 0, 0, 1 (one row an answer): mean 1/2, deviation 1/2, standardised -1, -1, 1, 1; targets' mean 1/4; slope on the
 * standardised row (sum x (y - 1/4)) / (4 + 4 ridge) = 1 / (4 + 4 ridge). */
#include "hand_weights.h"

static mid_weights *fit(const answers *a, double lambda)
{
    const mid_param params[] = { { "lambda", lambda, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_fit_set set = set_of(a);
    mid_weights *w;

    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("td_forecast"), params, &set, &w));
    return w;
}

static void figures(const mid_weights *weights, double *w, double *b)
{
    const float *data;

    CHECK_OK(mid_weights_expect(test_ctx(), weights, "w", 1, 1, &data));
    *w = data[0];
    CHECK_OK(mid_weights_expect(test_ctx(), weights, "b", 1, 1, &data));
    *b = data[0];
}

static void put_answer(answers *a, const mid_signals *signals, const float *row, int n, int label)
{
    mid_trace *t = trace_open(signals, "p", NULL);
    int i;

    for (i = 0; i < n; i++)
        trace_put(t, "x", -1, 1, &row[i]);
    answers_put(a, t, label);
}

TEST(td_forecast, ridge_by_hand)
{
    const mid_signals signals = signals_of(1, 1);
    const float row[] = { 0, 0, 1, 1 };
    answers a = { .n = 0 };
    mid_weights *weights;
    double w, b, slope;
    int i;

    for (i = 0; i < 4; i++)
        put_answer(&a, &signals, &row[i], 1, i == 3);
    weights = fit(&a, 1);
    figures(weights, &w, &b);
    slope = 1 / (4 + 4 * mid_weights_number(weights, "ridge"));
    CHECK_NEAR(w, slope / 0.5, 1e-6);
    CHECK_NEAR(b, 0.25 - slope, 1e-6);
    mid_weights_close(weights);
    answers_clear(&a);
}

/* Every answer begins at row 0, moves on to mean 1 or -1 after two tokens and ends; 1 is unsafe 3 times in 4, -1 once in 4.
 * One lambda below 1: what row 0 is worth comes from the forecasts of the rows behind it, a half here, under any lambda. */
TEST(td_forecast, what_comes_next_is_what_counts)
{
    static const double lambda[] = { 1, 0.5, 0 };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    double w, b;
    int i;

    for (i = 0; i < 80; i++) {
        const float row[] = { 0, i % 2 ? 2 : -2 };
        put_answer(&a, &signals, row, 2, i % 2 ? i % 8 != 1 : i % 8 == 0);
    }
    for (i = 0; i < 3; i++) {
        mid_weights *weights = fit(&a, lambda[i]);
        figures(weights, &w, &b);
        CHECK_NEAR(b, 0.5, 1e-3);
        CHECK(w > 0.1 && w < 0.3);
        CHECK_NEAR(mid_weights_number(weights, "lambda"), lambda[i], 0);
        mid_weights_close(weights);
    }
    param_refused("td_forecast", &a, (mid_param){ "lambda", 1.5, NULL, NULL }, "lambda 1.5");
    answers_clear(&a);
}

/* Targets by hand at lambda 0: the row before the end is worth what the end's row is forecast to be, not the label. The
 * first rows 5 (safe ends) and -5 (unsafe ends) never meet an end of their own kind again, so the forecast at lambda 0 is
 * drawn to the values of the last rows, which are alike for both, while at lambda 1 it follows the labels. */
TEST(td_forecast, lambda_zero_bootstraps)
{
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    double w[2], b;
    int i;

    for (i = 0; i < 80; i++) {          /* the mean after two tokens is 0 for all */
        const float row[] = { i % 2 ? -5 : 5, i % 2 ? 5 : -5 };
        put_answer(&a, &signals, row, 2, i % 2);
    }
    for (i = 0; i < 2; i++) {
        mid_weights *weights = fit(&a, i ? 1 : 0);
        figures(weights, &w[i], &b);
        mid_weights_close(weights);
    }
    CHECK(w[1] < -0.05);
    CHECK(fabs(w[0]) < fabs(w[1]) / 10);
    answers_clear(&a);
}
