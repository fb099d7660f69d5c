/* What holds for every labeler. */
#include "test.h"

TEST(label_registry, list)
{
    const mid_labeler_info *const *l = mid_labeler_list();
    const mid_task_info *task;
    size_t i;

    for (i = 0; l[i]; i++) {
        CHECK(l[i]->name && l[i]->summary && l[i]->source && l[i]->who);
        CHECK(i == 0 || strcmp(l[i - 1]->name, l[i]->name) < 0);
    }
    CHECK_INT(i, 16);
    for (task = mid_task_list(); task->name; task++) {
        for (i = 0; l[i] && strcmp(l[i]->name, task->default_labeler) != 0; i++)
            ;
        CHECK(l[i] != NULL);
    }
}

TEST(label_registry, open)
{
    static const mid_param unknown[] = { { "treshold", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_labeler *l = NULL;

    CHECK_FAILS(mid_labeler_open(test_ctx(), "oracle", NULL, NULL, &l), MID_ENOTFOUND);
    CHECK_SAYS("no labeler 'oracle'; there are alias, bleu, bleu_diff, chrf, ");
    CHECK_FAILS(mid_labeler_open(test_ctx(), "lexicon", unknown, NULL, &l), MID_EINVAL);
    CHECK_SAYS("treshold");
    CHECK(l == NULL);
    CHECK_OK(mid_labeler_open(test_ctx(), "data", NULL, NULL, &l));
    CHECK_TEXT(mid_labeler_about(l)->name, "data");
    mid_labeler_close(l);
    mid_labeler_close(NULL);
}
