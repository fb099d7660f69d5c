/* Which rows an entry takes. The data here: two authors and two halves, so four strata of 60, 20, 15 and 5 answers. */
#include "test.h"

#include "base/buf.h"
#include "bench/set.h"

enum { N_STRATUM = 4, N_ROW = 100 };
static const struct { const char *author, *split; size_t n; } stratum[N_STRATUM] = {
    { "one", "cal", 60 }, { "one", "test", 20 }, { "two", "cal", 15 }, { "two", "test", 5 },
};

static const char *dataset(void)
{
    mid__buf out = { 0 };
    const char *path;
    size_t s, i;

    for (s = 0; s < N_STRATUM; s++)
        for (i = 0; i < stratum[s].n; i++)
            mid__buf_fmt(&out, "{\"id\":\"%zu-%zu\",\"task\":\"qa\",\"prompt\":\"p %zu %zu\",\"response\":\"r\","
                                  "\"response_model\":\"%s\",\"label\":0,\"meta\":{\"split\":\"%s\"}}\n",
                            s, i, s, i, stratum[s].author, stratum[s].split);
    path = test_write("rows.jsonl", out.at, out.n);
    mid__buf_clear(&out);
    return path;
}

/* The rows of an entry as a set; its samples live as long as it. */
static void open_set(const char *path, uint32_t limit, bool stratify, mid__set *set)
{
    static const mid_run_opts opts = { 0 };
    static mid_plan plan;
    static mid_plan_model model = { .name = "m" };
    static mid_plan_data data;
    mid__run run = { .ctx = test_ctx(), .plan = &plan, .opts = &opts };

    plan = (mid_plan){ .file = "plan.yaml", .n_fold = 5, .model = &model, .n_model = 1, .data = &data, .n_data = 1 };
    data = (mid_plan_data){ .dataset = path, .model = "m", .source = "recorded", .labeler = "data", .group = "prompt",
                            .limit = limit, .stratify = stratify };
    CHECK_OK(mid__set_open(&run, &data, set));
}

TEST(set, stratify_keeps_every_share)
{
    static const uint32_t limit[] = { 20, 33, 7, 99 };
    const char *path = dataset();
    size_t k, s, i;

    for (k = 0; k < sizeof limit / sizeof limit[0]; k++) {
        mid__set set;
        open_set(path, limit[k], true, &set);
        CHECK_INT(set.n, limit[k]);
        for (s = 0; s < N_STRATUM; s++) {
            const double share = (double)limit[k] * (double)stratum[s].n / N_ROW;
            size_t n = 0;
            for (i = 0; i < set.n; i++)
                n += strcmp(set.answer[i].author, stratum[s].author) == 0 &&
                     strcmp(set.answer[i].sample->split, stratum[s].split) == 0;
            CHECK(fabs((double)n - share) <= 1.0);
        }
        mid__set_close(&set);
    }
}

/* A larger limit only adds rows, whichever way they are drawn, and a limit beyond the data takes all of it. */
TEST(set, limits_are_nested)
{
    const char *path = dataset();
    size_t i, j;
    int way;

    for (way = 0; way < 2; way++) {
        mid__set few, more;
        open_set(path, 15, way == 1, &few);
        open_set(path, 40, way == 1, &more);
        for (i = 0; i < few.n; i++) {
            for (j = 0; j < more.n && strcmp(few.answer[i].sample->id, more.answer[j].sample->id) != 0; j++)
                ;
            CHECK(j < more.n);
        }
        mid__set_close(&few);
        mid__set_close(&more);
        open_set(path, 1000, way == 1, &more);
        CHECK_INT(more.n, N_ROW);
        mid__set_close(&more);
    }
}
