/* Average precision, by hand. */
#include "test.h"

TEST(auprc, golden)
{
    static const double score[] = { 0.1, 0.4, 0.35, 0.8 };
    static const uint8_t label[] = { 0, 0, 1, 1 };
    double value;

    CHECK_OK(mid_auprc(test_ctx(), score, label, 4, &value));
    CHECK_NEAR(value, 0.5 * 1 + 0.5 * (2.0 / 3), 1e-15);    /* .8 at precision 1, .35 at 2/3 */
}

TEST(auprc, equal_scores_share_a_threshold)
{
    static const double score[] = { 2, 1, 1, 1, 0 };
    static const uint8_t label[] = { 0, 1, 0, 1, 1 };
    double value;

    CHECK_OK(mid_auprc(test_ctx(), score, label, 5, &value));
    CHECK_NEAR(value, 2.0 / 3 * 0.5 + 1.0 / 3 * 0.6, 1e-15);    /* recall 2/3 at 2 of 4, then 1 at 3 of 5 */
    CHECK_OK(mid_auprc(test_ctx(), score + 1, label + 1, 3, &value));
    CHECK_NEAR(value, 2.0 / 3, 1e-15);                          /* all tied: the prevalence */
}

TEST(auprc, one_class)
{
    static const double score[] = { 2, 1 };
    static const uint8_t safe[] = { 0, 0 }, unsafe[] = { 1, 1 };
    double value = 42;

    CHECK_FAILS(mid_auprc(test_ctx(), score, safe, 2, &value), MID_EUNDEFINED);
    CHECK_FAILS(mid_auprc(test_ctx(), score, unsafe, 2, &value), MID_EUNDEFINED);
    CHECK_SAYS("AUPRC of 0 safe and 2 unsafe");
    CHECK_NEAR(value, 42, 0);
}
