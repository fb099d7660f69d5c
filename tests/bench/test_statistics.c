/* Statistics of cells written by hand: what is compared, what is ranked, and what is left out. */
#include "test.h"

#include <yyjson.h>

#include "bench/statistics.h"

enum { N_DATA = 4, N_MONITOR = 3 };
static mid_plan_data data[N_DATA];
static mid_plan_monitor monitor[N_MONITOR];
static const mid_plan_metric metric = { "auroc", 16 };

static mid_plan plan_of(void)
{
    static const char *const set[] = { "one", "two", "three", "four" };
    static const char *const name[] = { "length", "random", "lexicon" };
    size_t i;

    for (i = 0; i < N_DATA; i++)
        data[i] = (mid_plan_data){ .dataset = set[i], .source = "recorded" };
    for (i = 0; i < N_MONITOR; i++)
        monitor[i] = (mid_plan_monitor){ .name = name[i] };
    return (mid_plan){ .data = data, .n_data = N_DATA, .monitor = monitor, .n_monitor = N_MONITOR, .baseline = "length",
                       .statistics = { .alpha = 0.05, .metric = &metric, .n_metric = 1 } };
}

static void put(mid__buf *cells, const char *set, const char *name, const char *what, double value, const char *p,
                const char *rest)
{
    mid__buf_fmt(cells, "%s{\"dataset\":\"%s\",\"model\":\"all\",\"observer\":\"o\",\"monitor\":\"%s\",\"rule\":null,"
                 "\"metric\":\"%s\",\"subset\":\"all\",\"value\":%g,\"lo\":null,\"hi\":null,\"p\":%s,\"n\":100,"
                 "\"n_unsafe\":40,\"n_prompts\":50,\"at_tok\":16,\"at_frac\":null,\"n_seeds\":null,\"circular\":%s}",
                 cells->n ? ",\n" : "", set, name, what, value, p, rest);
}

/* Runs it and reads what it wrote as {"c": [...], "r": [...]}. */
static yyjson_doc *statistics(const mid_plan *plan, mid__buf *cells)
{
    mid__buf c = { 0 }, r = { 0 }, all = { 0 };
    yyjson_doc *doc;

    CHECK_OK(mid__statistics(test_ctx(), plan, cells, &c, &r));
    mid__buf_fmt(&all, "{\"c\":[%s],\"r\":[%s]}", c.at ? c.at : "", r.at);
    doc = yyjson_read(all.at, all.n, 0);
    CHECK(doc != NULL);
    mid__buf_clear(&c);
    mid__buf_clear(&r);
    mid__buf_clear(&all);
    return doc;
}

static double number(yyjson_val *o, const char *key) { return yyjson_get_num(yyjson_obj_get(o, key)); }
static const char *text(yyjson_val *o, const char *key) { return yyjson_get_str(yyjson_obj_get(o, key)); }

/* By hand: p .01 and .04 are .02 and .04 after Holm. */
TEST(statistics, comparisons)
{
    mid_plan plan = plan_of();
    mid__buf cells = { 0 };
    yyjson_doc *doc;
    yyjson_val *c;

    put(&cells, "one", "random", "auroc_gain", -0.2, "0.01", "false");
    put(&cells, "one", "lexicon", "auroc_gain", 0.1, "0.04", "false");
    put(&cells, "two", "random", "auroc_gain", -0.2, "0.04", "false");
    put(&cells, "two", "lexicon", "auroc_gain", 0.1, "0.001", "true");       /* circular: not tested, not counted */
    doc = statistics(&plan, &cells);
    c = yyjson_obj_get(yyjson_doc_get_root(doc), "c");
    CHECK_INT(yyjson_arr_size(c), 3);
    CHECK_TEXT(text(yyjson_arr_get(c, 0), "monitor"), "random");
    CHECK_TEXT(text(yyjson_arr_get(c, 0), "baseline"), "length");
    CHECK_NEAR(number(yyjson_arr_get(c, 0), "p_holm"), 0.02, 1e-12);
    CHECK_NEAR(number(yyjson_arr_get(c, 1), "p_holm"), 0.04, 1e-12);
    CHECK(yyjson_get_bool(yyjson_obj_get(yyjson_arr_get(c, 1), "differs")));
    CHECK_TEXT(text(yyjson_arr_get(c, 2), "dataset"), "two");
    CHECK_NEAR(number(yyjson_arr_get(c, 2), "p_holm"), 0.04, 1e-12);
    CHECK_NEAR(number(yyjson_arr_get(c, 2), "n_tests"), 1, 0);
    yyjson_doc_free(doc);
    mid__buf_clear(&cells);
}

/* Three sets that rank alike; on the fourth two of three are missing, so it does not count. */
TEST(statistics, ranks)
{
    static const char *const set[] = { "one", "two", "three" };
    mid_plan plan = plan_of();
    mid__buf cells = { 0 };
    yyjson_doc *doc;
    yyjson_val *r, *left;
    size_t i;

    for (i = 0; i < 3; i++) {
        put(&cells, set[i], "length", "auroc", 0.6, "null", "false");
        put(&cells, set[i], "random", "auroc", 0.5, "null", "false");
        put(&cells, set[i], "lexicon", "auroc", 0.9, "null", "false");
    }
    put(&cells, "four", "length", "auroc", 0.7, "null", "false");
    doc = statistics(&plan, &cells);
    r = yyjson_arr_get(yyjson_obj_get(yyjson_doc_get_root(doc), "r"), 0);
    CHECK(yyjson_is_null(yyjson_obj_get(r, "why")));
    CHECK_NEAR(number(r, "n_sets"), 3, 0);
    CHECK_NEAR(number(r, "chi2"), 6, 1e-9);                 /* N (k - 1) */
    CHECK_NEAR(number(r, "cd"), 2.343 * sqrt(3 * 4 / 18.0), 1e-3);
    CHECK_TEXT(text(yyjson_arr_get(yyjson_obj_get(r, "methods"), 0), "monitor"), "lexicon");
    CHECK_NEAR(number(yyjson_arr_get(yyjson_obj_get(r, "methods"), 2), "mean_rank"), 3, 0);
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(r, "cliques")), 2);
    left = yyjson_arr_get(yyjson_obj_get(r, "left_out"), 0);
    CHECK_TEXT(text(left, "dataset"), "four");
    yyjson_doc_free(doc);
    mid__buf_clear(&cells);
}

/* Two entries that read the same recorded answers count once; two models that answer the same prompts count twice. */
TEST(statistics, answers_are_ranked_once)
{
    static const char *const set[] = { "one", "two", "three", "four" };
    mid_plan plan = plan_of();
    mid__buf cells = { 0 };
    yyjson_doc *doc;
    yyjson_val *r;
    size_t i;

    data[1] = (mid_plan_data){ .dataset = "one", .as = "two", .source = "recorded", .model = "reader" };
    data[2] = (mid_plan_data){ .dataset = "asked", .as = "three", .source = "llama", .model = "one" };
    data[3] = (mid_plan_data){ .dataset = "asked", .as = "four", .source = "llama", .model = "another" };
    for (i = 0; i < N_DATA; i++) {
        put(&cells, set[i], "length", "auroc", 0.6, "null", "false");
        put(&cells, set[i], "random", "auroc", 0.5, "null", "false");
        put(&cells, set[i], "lexicon", "auroc", 0.9, "null", "false");
    }
    doc = statistics(&plan, &cells);
    r = yyjson_arr_get(yyjson_obj_get(yyjson_doc_get_root(doc), "r"), 0);
    CHECK_NEAR(number(r, "n_sets"), 3, 0);
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(r, "left_out")), 1);
    CHECK_TEXT(text(yyjson_arr_get(yyjson_obj_get(r, "left_out"), 0), "dataset"), "two");
    yyjson_doc_free(doc);
    mid__buf_clear(&cells);
}

TEST(statistics, too_little_is_said)
{
    mid_plan plan = plan_of();
    mid__buf cells = { 0 };
    yyjson_doc *doc = statistics(&plan, &cells);
    yyjson_val *r = yyjson_arr_get(yyjson_obj_get(yyjson_doc_get_root(doc), "r"), 0);

    CHECK_TEXT(text(r, "why"), "0 datasets with 3 methods to rank: needs 3 and 2");
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(r, "methods")), 0);
    yyjson_doc_free(doc);
    put(&cells, "one", "length", "auroc", 0.6, "null", "true");             /* circular */
    put(&cells, "one", "random", "auroc", 0.6, "null", "false");
    put(&cells, "one", "lexicon", "auroc", 0.6, "null", "false");
    doc = statistics(&plan, &cells);
    r = yyjson_arr_get(yyjson_obj_get(yyjson_doc_get_root(doc), "r"), 0);
    CHECK_TEXT(text(r, "why"), "1 datasets with 2 methods to rank: needs 3 and 2");
    yyjson_doc_free(doc);
    mid__buf_clear(&cells);
    mid__buf_text(&cells, "{\"metric\":\"auroc\",\"broken\":");
    CHECK_FAILS(mid__statistics(test_ctx(), &plan, &cells, &(mid__buf){ 0 }, &(mid__buf){ 0 }), MID_EFORMAT);
    mid__buf_clear(&cells);
}
