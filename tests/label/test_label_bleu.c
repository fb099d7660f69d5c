/* Labeler bleu: the threshold, and what it cannot label. The figures are tests/base/test_bleu.c's. */
#include "test.h"

static mid_label judged(const mid_param *params, const mid_sample *s, const char *text)
{
    mid_labeler *l;
    mid_label label;

    CHECK_OK(mid_labeler_open(test_ctx(), "bleu", params, NULL, &l));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, s, text, strlen(text), &label));
    mid_labeler_close(l);
    return label;
}

TEST(label_bleu, golden)
{
    static const char *const reference[] = { "the cat sat on the mat", "a dog" };
    static const mid_param strict[] = { { "threshold", 100, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_sample s = { .reference = reference, .n_reference = 2 };
    mid_label label = judged(NULL, &s, "the cat sat on the mat");

    CHECK_INT(label.unsafe, 0);
    CHECK_NEAR(label.score, 0, 1e-12);
    CHECK_INT(label.onset_byte, -1);
    label = judged(NULL, &s, "a dog");              /* either reference will do, and two words are enough */
    CHECK_NEAR(label.score, 0, 1e-12);
    label = judged(strict, &s, "a dog barks");
    CHECK_INT(label.unsafe, 1);
    label = judged(NULL, &s, "nothing of it");
    CHECK_INT(label.unsafe, 1);
    CHECK_NEAR(label.score, 1, 0);
    label = judged(NULL, &s, "");
    CHECK_INT(label.unsafe, 1);
    s.n_reference = 0;
    label = judged(NULL, &s, "a dog");
    CHECK_INT(label.unsafe, -1);
    CHECK(isnan(label.score));
}
