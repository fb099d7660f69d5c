/* What holds for every labeler. */
#include "test.h"

#include "label/labeler.h"

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
        for (i = 0; l[i] && strcmp(l[i]->name, task->generated_labeler ? task->generated_labeler : "data") != 0; i++)
            ;
        CHECK(l[i] != NULL);
        for (i = 0; l[i] && strcmp(l[i]->name, task->default_labeler) != 0; i++)
            ;
        CHECK(l[i] != NULL);
    }
}

/* What labels are stored under: by what they depend on, not by how it was asked for. */
static void check_id(const char *name, const mid_param *params, const char *id)
{
    mid_labeler *l = NULL;

    CHECK_OK(mid_labeler_open(test_ctx(), name, params, NULL, &l));
    if (strcmp(id, "other") == 0)
        CHECK(strncmp(mid__labeler_id(l), name, strlen(name)) == 0 && strlen(mid__labeler_id(l)) == strlen(name) + 17);
    else
        CHECK_TEXT(mid__labeler_id(l), id);
    mid_labeler_close(l);
}

TEST(label_registry, id)
{
    static const mid_param usual[] = { { "threshold", 0.5, NULL, NULL }, { NULL, 0, NULL, NULL } };
    static const mid_param other[] = { { "threshold", 0.7, NULL, NULL }, { NULL, 0, NULL, NULL } };
    static const mid_param judge[] = { { "model", 0, "http://localhost:1", NULL }, { NULL, 0, NULL, NULL } };
    static const mid_param keyed[] = { { "model", 0, "http://localhost:1", NULL }, { "key", 0, "sesame", NULL },
                                       { "threads", 3, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_labeler *l = NULL;
    char id[64];

    check_id("refusal", NULL, "refusal");
    check_id("lexicon", usual, "lexicon");
    check_id("lexicon", other, "other");
    check_id("judge", judge, "other");
    CHECK_OK(mid_labeler_open(test_ctx(), "judge", judge, NULL, &l));
    snprintf(id, sizeof id, "%s", mid__labeler_id(l));
    CHECK_TEXT(mid__labeler_asks(l), "http://localhost:1/v1/chat/completions ");
    CHECK(mid__labeler_is_dear(l));
    mid_labeler_close(l);
    check_id("judge", keyed, id);
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
