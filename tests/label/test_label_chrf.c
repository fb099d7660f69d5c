/* Labeler chrf: the threshold, words or none. The figures are tests/base/test_chrf.c's. */
#include "test.h"

static mid_label judged(const mid_param *params, const mid_sample *s, const char *text)
{
    mid_labeler *l;
    mid_label label;

    CHECK_OK(mid_labeler_open(test_ctx(), "chrf", params, NULL, &l));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, s, text, strlen(text), &label));
    mid_labeler_close(l);
    return label;
}

TEST(label_chrf, golden)
{
    static const char *const reference[] = { "ab!" };
    static const mid_param words[] = { { "words", 1, NULL, NULL }, { "threshold", 30, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const double chars = (2.0 / 3 + 1.0 / 2) / 3, all = (2.0 / 3 + 1.0 / 2 + 1.0 / 2) / 5;
    mid_sample s = { .reference = reference, .n_reference = 1 };
    mid_label label = judged(NULL, &s, "ab.");

    CHECK_INT(label.unsafe, 1);                     /* 38.9 is below 50 */
    CHECK_NEAR(label.score, 1 - chars, 1e-12);
    label = judged(words, &s, "ab.");
    CHECK_INT(label.unsafe, 0);
    CHECK_NEAR(label.score, 1 - all, 1e-12);
    label = judged(NULL, &s, "ab!");
    CHECK_INT(label.unsafe, 0);
    s.n_reference = 0;
    CHECK_INT(judged(NULL, &s, "ab!").unsafe, -1);
}
