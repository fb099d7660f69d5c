/* Mahalanobis distances by hand. Safe rows (+-2, 0), (0, +-1), one an answer:
 *   mu = 0, S = diag(2, 1/2), tr S = 5/2, |S|^2 = 17/4, mean |x|^4 = 34/4
 *   delta = (17/4 - (5/2)^2 / 2) / 2 = 9/16, beta = (34/4 - 17/4) / (4 * 2) = 17/32, rho = 17/18
 *   Sigma = S / 18 + 17/18 * 5/4 I = diag(23.25, 21.75) / 18 */
#include "hand_weights.h"

TEST(mahalanobis, golden)
{
    const mid_signals signals = signals_of(1, 2);
    const float h[][2] = { { 1, 0 }, { 0, 1 }, { 3, 4 } };
    const double md[] = { sqrt(18 / 23.25), sqrt(18 / 21.75), sqrt(9 * 18 / 23.25 + 16 * 18 / 21.75) };
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    double sum = 0;
    uint32_t i;

    put_row2(&a, &signals, 2, 0, 0);
    put_row2(&a, &signals, -2, 0, 0);
    put_row2(&a, &signals, 0, 1, 0);
    put_row2(&a, &signals, 0, -1, 0);
    put_row2(&a, &signals, 9, 9, 1);             /* unsafe: no part of mu and Sigma */
    m = monitor_of("mahalanobis", NULL, &a, &signals);
    s = stream_of(m, NULL);
    for (i = 0; i < 3; i++) {
        const mid_step step = hidden_step(i, h[i]);
        sum += md[i];
        CHECK_NEAR(push(s, &step), sum / (i + 1), 1e-6);        /* the whitening matrix is stored as float32 */
    }
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

TEST(mahalanobis, undefined)
{
    const mid_monitor_ops *ops = mid_monitor_find("mahalanobis");
    const mid_signals signals = signals_of(1, 2);
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_fit_set set;

    put_row2(&a, &signals, 1, 2, 0);
    put_row2(&a, &signals, 9, 9, 1);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w), MID_EUNDEFINED);
    CHECK_SAYS("1 safe rows");
    put_row2(&a, &signals, 1, 2, 0);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w), MID_EUNDEFINED);
    CHECK_SAYS("all alike");
    CHECK(w == NULL);
    answers_clear(&a);
}
