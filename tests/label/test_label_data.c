/* Labeler data: the record's label, for the record's answer only. */
#include "test.h"

TEST(label_data, golden)
{
    const mid_sample s = { .response = "so bad it is", .label = 1, .onset_byte = 3 };
    const mid_sample none = { .response = NULL, .label = -1, .onset_byte = -1 };
    const mid_sample silent = { .response = "", .label = 0, .onset_byte = -1 };
    mid_labeler *l;
    mid_label label = { 9, 9, 9 };

    CHECK_OK(mid_labeler_open(test_ctx(), "data", NULL, NULL, &l));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "so bad it is", 12, &label));
    CHECK_INT(label.unsafe, 1);
    CHECK_INT(label.onset_byte, 3);
    CHECK(isnan(label.score));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "so", 2, &label));        /* cut short, before the onset */
    CHECK_INT(label.unsafe, 1);
    CHECK_INT(label.onset_byte, -1);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "so good it is", 13, &label));
    CHECK_INT(label.unsafe, -1);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "", 0, &label));          /* silence is not its first part */
    CHECK_INT(label.unsafe, -1);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &silent, "", 0, &label));
    CHECK_INT(label.unsafe, 0);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &none, "", 0, &label));
    CHECK_INT(label.unsafe, -1);
    mid_labeler_close(l);
}
