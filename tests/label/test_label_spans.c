/* Labeler spans: shares and onsets by hand. */
#include "test.h"

static mid_label judged(double share, const mid_sample *s, const char *text, size_t n)
{
    const mid_param params[] = { { "share", share, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_labeler *l;
    mid_label label;

    CHECK_OK(mid_labeler_open(test_ctx(), "spans", params, NULL, &l));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, s, text, n, &label));
    mid_labeler_close(l);
    return label;
}

/* Bytes 3 to 6 of 10, marked twice, and an empty span before them. */
TEST(label_spans, golden)
{
    const mid_sample s = { .response = "0123456789", .meta = "{\"spans\":[{\"start\":4,\"end\":7},{\"start\":3,\"end\":6},"
                                                             "{\"start\":1,\"end\":1}]}" };
    mid_label label = judged(0, &s, s.response, 10);

    CHECK_INT(label.unsafe, 1);
    CHECK_NEAR(label.score, 0.4, 1e-15);
    CHECK_INT(label.onset_byte, 3);
    label = judged(0.5, &s, s.response, 10);
    CHECK_INT(label.unsafe, 0);
    CHECK_INT(label.onset_byte, -1);
    label = judged(0, &s, s.response, 5);           /* cut short: 3 and 4 of 5 bytes */
    CHECK_NEAR(label.score, 0.4, 1e-15);
    label = judged(0, &s, s.response, 3);
    CHECK_INT(label.unsafe, 0);
    CHECK_INT(judged(0, &s, "another", 7).unsafe, -1);
}

TEST(label_spans, none)
{
    mid_sample s = { .response = "0123456789", .meta = "{\"spans\":[]}" };

    CHECK_INT(judged(0, &s, s.response, 10).unsafe, 0);
    CHECK_INT(judged(0, &s, s.response, 0).unsafe, -1);
    s.meta = "{\"spans\":null}";
    CHECK_INT(judged(0, &s, s.response, 10).unsafe, -1);
    s.meta = NULL;
    CHECK_INT(judged(0, &s, s.response, 10).unsafe, -1);
    s.meta = "{\"spans\":[3,{\"start\":8,\"end\":99},{\"start\":20,\"end\":21}]}";
    CHECK_NEAR(judged(0, &s, s.response, 10).score, 0.2, 1e-15);
}
