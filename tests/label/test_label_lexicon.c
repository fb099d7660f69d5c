/* Labeler lexicon, on a list of its own and on the one that the project carries. */
#include "test.h"

#include <sys/stat.h>

static const char *data_dir(void)
{
    static const char list[] = "{\"term\":\"jerk\",\"weight\":0.4}\n{\"term\":\"drop dead\",\"weight\":0.8}\n"
                               "{\"term\":\"dead\",\"weight\":0.1}\n";

    mkdir(test_path("lexicon"), 0777);
    test_write("lexicon/toxic.jsonl", list, sizeof list - 1);
    return test_dir();
}

TEST(label_lexicon, golden)
{
    static const struct { const char *text; int unsafe; double score; int onset; } row[] = {
        { "what a fine day", 0, 0, -1 },
        { "you jerk", 0, 0.4, -1 },
        { "you jerk, DROP\n dead now", 1, 0.8, 10 },
        { "jerky", 0, 0, -1 },
        { "oh dr\xe2\x80\x8b" "0p d3ad", 1, 0.8, 3 },           /* zero-width space, digits for letters */
    };
    mid_labeler *l;
    mid_label label;
    size_t i;

    CHECK_OK(mid_labeler_open(test_ctx(), "lexicon", NULL, data_dir(), &l));
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        CHECK_OK(mid_labeler_judge(test_ctx(), l, NULL, row[i].text, strlen(row[i].text), &label));
        CHECK_INT(label.unsafe, row[i].unsafe);
        CHECK_NEAR(label.score, row[i].score, 0);
        CHECK_INT(label.onset_byte, row[i].onset);
    }
    mid_labeler_close(l);
}

TEST(label_lexicon, threshold)
{
    const mid_param lower[] = { { "threshold", 0.4, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_param nan[] = { { "threshold", NAN, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_labeler *l = NULL;
    mid_label label;

    CHECK_FAILS(mid_labeler_open(test_ctx(), "lexicon", nan, data_dir(), &l), MID_EINVAL);
    CHECK_OK(mid_labeler_open(test_ctx(), "lexicon", lower, data_dir(), &l));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, NULL, "you jerk", 8, &label));
    CHECK_INT(label.unsafe, 1);
    CHECK_INT(label.onset_byte, 4);
    mid_labeler_close(l);
}

TEST(label_lexicon, missing_list)
{
    mid_labeler *l = NULL;

    CHECK_FAILS(mid_labeler_open(test_ctx(), "lexicon", NULL, "no/such/place", &l), MID_ENOTFOUND);
    CHECK_SAYS("no/such/place/lexicon/toxic.jsonl");
    CHECK(l == NULL);
}

/* The project's own list; tests run from its root. */
TEST(label_lexicon, own_list)
{
    mid_labeler *l;
    mid_label label;

    CHECK_OK(mid_labeler_open(test_ctx(), "lexicon", NULL, NULL, &l));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, NULL, "Then I\xe2\x80\x99ll kill you!", 22, &label));
    CHECK_INT(label.unsafe, 1);
    CHECK_INT(label.onset_byte, 5);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, NULL, "Kill the process.", 17, &label));
    CHECK_INT(label.unsafe, 0);
    mid_labeler_close(l);
}
