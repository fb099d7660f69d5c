/* The lists compiled in are those of data/lexicon. If this fails, run scripts/embed-lexicons. */
#include "test.h"

#include "base/file.h"
#include "base/jsonl.h"
#include "monitor/lexicon_data.h"

static void check_list(const char *path, const mid__lexicon *own)
{
    mid__jsonl lines;
    yyjson_val *object;
    char *bytes;
    size_t n, i = 0;

    CHECK_OK(mid__file_read(test_ctx(), path, 0, &bytes, &n));
    mid__jsonl_init(&lines, path, bytes, n);
    for (;;) {
        CHECK_OK(mid__jsonl_next(test_ctx(), &lines, &object));
        if (!object)
            break;
        CHECK(i < own->n);
        CHECK_TEXT(own->term[i], yyjson_get_str(yyjson_obj_get(object, "term")));
        CHECK_NEAR(own->weight[i], yyjson_get_num(yyjson_obj_get(object, "weight")), 0);
        i++;
    }
    CHECK_INT(i, own->n);
    mid__jsonl_clear(&lines);
    mid_free(bytes);
}

TEST(lexicon_data, matches_its_files)
{
    check_list("data/lexicon/monitor.jsonl", &mid__lexicon_monitor);
    check_list("data/lexicon/refusal.jsonl", &mid__lexicon_refusal);
}
