/* TPR at an FPR, by hand on 100 safe answers with scores 0 .. 99 and a few unsafe ones. */
#include "test.h"

enum { N_SAFE = 100, N_UNSAFE = 4, N = N_SAFE + N_UNSAFE };

static void fill(double *score, uint8_t *label, const double *unsafe)
{
    int i;

    for (i = 0; i < N; i++) {
        label[i] = i >= N_SAFE;
        score[i] = i < N_SAFE ? i : unsafe[i - N_SAFE];
    }
}

TEST(tpr_at_fpr, golden)
{
    static const double unsafe[N_UNSAFE] = { 99.5, 94.5, 94, 10 };
    double score[N], value;
    uint8_t label[N];

    fill(score, label, unsafe);
    CHECK_OK(mid_tpr_at_fpr(test_ctx(), score, label, N, 0.05, &value));
    CHECK_NEAR(value, 0.5, 0);                          /* 95 .. 99 may alarm; 94 ties with a sixth safe answer */
    CHECK_OK(mid_tpr_at_fpr(test_ctx(), score, label, N, 0.06, &value));
    CHECK_NEAR(value, 0.75, 0);
    CHECK_OK(mid_tpr_at_fpr(test_ctx(), score, label, N, 1, &value));
    CHECK_NEAR(value, 1, 0);
}

TEST(tpr_at_fpr, all_tied)
{
    double score[N] = { 0 }, value;
    uint8_t label[N];
    int i;

    for (i = 0; i < N; i++)
        label[i] = i >= N_SAFE;
    CHECK_OK(mid_tpr_at_fpr(test_ctx(), score, label, N, 0.5, &value));
    CHECK_NEAR(value, 0, 0);                            /* all alarm or none: only none has FPR <= .5 */
}

TEST(tpr_at_fpr, too_few_safe_answers)
{
    static const double unsafe[N_UNSAFE] = { 99.5, 94.5, 94, 10 };
    double score[N], value = 42;
    uint8_t label[N];

    fill(score, label, unsafe);
    CHECK_FAILS(mid_tpr_at_fpr(test_ctx(), score, label, N, 0.01, &value), MID_EUNDEFINED);
    CHECK_SAYS("needs 500 safe answers");
    CHECK_FAILS(mid_tpr_at_fpr(test_ctx(), score + 1, label + 1, N - 1, 0.05, &value), MID_EUNDEFINED);
    CHECK_SAYS("needs 100 safe answers");
    CHECK_FAILS(mid_tpr_at_fpr(test_ctx(), score, label, N_SAFE, 0.05, &value), MID_EUNDEFINED);
    CHECK_SAYS("0 unsafe");
    CHECK_FAILS(mid_tpr_at_fpr(test_ctx(), score, label, N, 0, &value), MID_EINVAL);
    CHECK_FAILS(mid_tpr_at_fpr(test_ctx(), score, label, N, NAN, &value), MID_EINVAL);
    CHECK_NEAR(value, 42, 0);
}
