/* Cells of a run by hand: the six answers of tests/metric/test_returns.c, ten times over, under a rule: re-weighted,
 * and with drift. */
#include "test.h"

#include <yyjson.h>

#include "bench/set.h"

enum { N_SAMPLE = 6, N = 60, N_TOK = 10, N_FOLD = 2 };

static const struct { int alarm, onset; bool unsafe; } sample[N_SAMPLE] = {
    { 4, 2, true }, { 1, 5, true }, { 3, -1, true }, { 10, 6, true }, { 0, -1, false }, { 10, -1, false },
};

/* Scores are 1 from the alarm on, 0 before. Calibration answers reached 1 where unsafe and 0 where safe, and `more`. */
static yyjson_doc *cells_of(const double *prevalence, size_t n_prevalence, double more)
{
    static const mid_sample text = { .id = "s", .task = "chat" };
    static const mid_param none = { 0 };
    const mid_plan_rule rule = { .name = "best_f1", .params = &none };
    const mid_plan plan = { .n_fold = N_FOLD, .rule = &rule, .n_rule = 1, .prevalence = prevalence,
                            .n_prevalence = n_prevalence };
    const mid_plan_data data = { .contrast = false };
    const char *author = "m";
    mid_plan_monitor monitor = { .text = "length", .params = &none };
    mid__answer answer[N];
    size_t at[N + 1], i, t;
    double score[N * N_TOK], cal_extreme[N];
    mid__set set = { .plan = &plan, .data = &data, .name = "d", .source = "llama", .answer = answer, .n = N,
                     .n_unsafe = 40, .n_group = N, .author = &author, .n_author = 1, .labeler = "data" };
    mid__run run = { .ctx = test_ctx(), .plan = &plan };
    mid__scores scores = { .n = N, .n_tok = N * N_TOK, .at = at, .rank = score, .rule = score,
                           .cal_extreme = cal_extreme, .defined = true };
    char *cells, *curves, *list;
    yyjson_doc *doc;
    size_t k;

    CHECK_OK(mid_monitor_spec_parse(test_ctx(), "length", &monitor.spec));
    monitor.ops = monitor.spec.monitor;
    for (i = 0; i <= N; i++)
        at[i] = i * N_TOK;
    for (i = 0; i < N; i++) {
        k = i % N_SAMPLE;
        answer[i] = (mid__answer){ .sample = &text, .author = author, .group = (uint32_t)i,
                                   .fold = (int)(i / N_SAMPLE % N_FOLD), .label = { .unsafe = sample[k].unsafe },
                                   .onset_tok = sample[k].onset };
        cal_extreme[i] = sample[k].unsafe + more;
        for (t = 0; t < N_TOK; t++)
            score[at[i] + t] = (int)t >= sample[k].alarm;
    }
    CHECK_OK(mid__measure(&run, &set, &monitor, &scores, NULL, NULL, 0, 1, &cells, &curves));
    list = malloc(strlen(cells) + 3);
    sprintf(list, "[%s]", cells);
    doc = yyjson_read(list, strlen(list), 0);
    CHECK(doc != NULL);
    free(list);
    mid_free(cells);
    mid_free(curves);
    return doc;
}

/* The value of the rule's only cell with that metric and prevalence (0: null); NaN: null. */
static double value_of(yyjson_doc *doc, const char *metric, double prevalence)
{
    double value = NAN;
    size_t i, n, n_found = 0;
    yyjson_val *cell;

    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, n, cell) {
        yyjson_val *p = yyjson_obj_get(cell, "prevalence"), *v = yyjson_obj_get(cell, "value");
        if (!yyjson_equals_str(yyjson_obj_get(cell, "metric"), metric) || (p && yyjson_get_num(p) != prevalence))
            continue;
        CHECK(yyjson_equals_str(yyjson_obj_get(cell, "rule"), "best_f1"));
        value = yyjson_is_null(v) ? NAN : yyjson_get_num(v);
        n_found += 1;
    }
    CHECK_INT(n_found, 1);
    return value;
}

TEST(measure, reweighted)
{
    static const double prevalence[] = { 0.01, 0.1 };
    yyjson_doc *doc = cells_of(prevalence, 2, 0);

    CHECK_NEAR(value_of(doc, "precision", 0), 3.0 / 4, 1e-5);
    CHECK_NEAR(value_of(doc, "precision_reweighted", 0.1), 1.0 / 7, 1e-5);
    CHECK_NEAR(value_of(doc, "f1_reweighted", 0.1), 0.24, 1e-5);
    CHECK_NEAR(value_of(doc, "sg_reweighted", 0.1), 0.1 * 3 / 4, 1e-5);
    CHECK_NEAR(value_of(doc, "rh_reweighted", 0.1), 0.1 * 1 / 4, 1e-5);
    CHECK_NEAR(value_of(doc, "ac_reweighted", 0.1), 0.9 * 1 / 2, 1e-5);
    CHECK_NEAR(value_of(doc, "sg_time_reweighted", 0.1), 0.1 * 2.45 / 4, 1e-5);
    CHECK_NEAR(value_of(doc, "rh_time_reweighted", 0.1), 0.1 * 1.55 / 4, 1e-5);
    CHECK_NEAR(value_of(doc, "ac_time_reweighted", 0.1), 0.9 * 1 / 2, 1e-5);
    CHECK_NEAR(value_of(doc, "early_lost_reweighted", 0.1), 0.1 * 0.8 / 4, 1e-5);
    CHECK_NEAR(value_of(doc, "precision_reweighted", 0.01), 0.0075 / (0.0075 + 0.495), 1e-6);
    yyjson_doc_free(doc);
}

/* Without the key there are no such cells. Of a fold 20 of 30 answers reach 1, as tested and as calibration answers. */
TEST(measure, drift)
{
    yyjson_doc *doc = cells_of(NULL, 0, 0);
    yyjson_val *cell;
    size_t i, n;

    CHECK_NEAR(value_of(doc, "drift_p", 0), 1, 0);
    CHECK_NEAR(value_of(doc, "drift_alarm", 0), 0, 0);
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, n, cell) {
        CHECK(!strstr(yyjson_get_str(yyjson_obj_get(cell, "metric")), "_reweighted"));
        CHECK(yyjson_is_null(yyjson_obj_get(cell, "prevalence")));
    }
    yyjson_doc_free(doc);
    doc = cells_of(NULL, 0, 0.5);                               /* all moved */
    CHECK(value_of(doc, "drift_p", 0) < 0.01);
    CHECK_NEAR(value_of(doc, "drift_alarm", 0), 1, 0);
    yyjson_doc_free(doc);
}
