/* ROC points, by hand; the area under them is the AUROC. */
#include "test.h"

#include "base/rng.h"

TEST(roc, golden)
{
    static const double score[] = { 3, 2, 2, 1, 0 };
    static const uint8_t label[] = { 1, 1, 0, 0, 1 };
    static const double want_fpr[] = { 0, 0, 0.5, 1, 1 }, want_tpr[] = { 0, 1.0 / 3, 2.0 / 3, 2.0 / 3, 1 };
    double fpr[6], tpr[6];
    size_t n_point, i;

    CHECK_OK(mid_roc(test_ctx(), score, label, 5, fpr, tpr, &n_point));
    CHECK_INT(n_point, 5);
    for (i = 0; i < n_point; i++) {
        CHECK_NEAR(fpr[i], want_fpr[i], 1e-15);
        CHECK_NEAR(tpr[i], want_tpr[i], 1e-15);
    }
}

TEST(roc, area_is_auroc)
{
    enum { N = 80, SEED = 77 };
    double score[N], fpr[N + 1], tpr[N + 1], auroc, area;
    uint8_t label[N];
    mid__rng rng;
    size_t n_point, i;
    int i_case;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i_case = 0; i_case < 50; i_case++) {
        for (i = 0; i < N; i++) {
            label[i] = i % 3 == 0;
            score[i] = mid__rng_below(&rng, 20);
        }
        CHECK_OK(mid_roc(test_ctx(), score, label, N, fpr, tpr, &n_point));
        CHECK_OK(mid_auroc(test_ctx(), score, label, N, &auroc));
        for (area = 0, i = 1; i < n_point; i++)
            area += (fpr[i] - fpr[i - 1]) * (tpr[i] + tpr[i - 1]) / 2;
        CHECK_NEAR(area, auroc, 1e-13);
        CHECK_NEAR(fpr[n_point - 1] + tpr[n_point - 1], 2, 0);
    }
}

TEST(roc, one_class)
{
    static const double score[] = { 1 };
    static const uint8_t label[] = { 1 };
    double fpr[2], tpr[2];
    size_t n_point = 42;

    CHECK_FAILS(mid_roc(test_ctx(), score, label, 1, fpr, tpr, &n_point), MID_EUNDEFINED);
    CHECK_INT(n_point, 42);
}
