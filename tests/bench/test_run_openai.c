/* Runs that ask a server for answers. The server is written here and follows a script, for what it does wrong; a real
 * one is asked in tests/source/test_openai.c. One thread, so that requests come in the samples' order. */
#include "source/scripted.h"
#include "bench/read_json.h"
#include "bench/warned_run.h"

#include <sys/stat.h>

#define TOP "\"top_logprobs\":[{\"token\":\"a\",\"logprob\":-0.5},{\"token\":\"b\",\"logprob\":-1.5}]"
#define SAYS(text) "data: {\"choices\":[{\"delta\":{\"content\":\"" text "\"},\"logprobs\":{\"content\":[{\"token\":\"" text \
                   "\",\"logprob\":-1," TOP "}]}}]}\n\n"
#define ANSWER SAYS("Tea") SAYS(" is") SAYS(" nice") "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
#define ERROR "data: {\"error\":{\"message\":\"overloaded\"}}\n\n"

enum { N_ROW = 12 };

/* A plan that asks for answers to the rows of "qa"; of_model and of_data are more keys. */
static mid_plan *load(int port, const char *of_model, const char *of_data, const char *more_data)
{
    char text[4000];
    mid_plan *plan = NULL;
    int n = 0, i;

    mkdir(test_path("qa"), 0777);
    for (i = 0; i < N_ROW; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "{\"id\":\"qa-%d\",\"task\":\"qa\",\"prompt\":\"What is drink number %d?\","
                      "\"response\":null,\"references\":[\"%s\"]}\n", i, i, i % 2 ? "vile" : "nice");
    test_write("qa/data.jsonl", text, (size_t)n);
    n = snprintf(text, sizeof text, "name: asked\nseed: 1\nfolds: 3\ndraws: 20\nat_tok: [2]\nat_frac: [1]\nshow: 20\n"
                 "models:\n  - {name: served, url: \"http://127.0.0.1:%d/v1\", model: m, top_logprobs: 2%s}\n"
                 "data:\n  - {dataset: qa, as: asked, source: openai, model: served, labeler: alias, max_tok: 8%s}\n%s"
                 "monitors: [length, surprisal_mean, topk_entropy, entropy_mean]\nrules: [best_f1]\n", port, of_model, of_data,
                 more_data);
    CHECK_OK(mid_plan_load(test_ctx(), test_write("plan.yaml", text, (size_t)n), &plan));
    return plan;
}

static mid_status run_and_close(mid_plan *plan, const char *dir)
{
    const mid_status status = run(plan, dir, 1);

    mid_plan_close(plan);
    return status;
}

/* Of the i-th dataset of a run: how many answers it has, and in skips "ID: WHY" lines. */
static int n_answers(const char *dir, size_t i, char skips[2000])
{
    yyjson_doc *doc = read_json(dir, "results.json");
    yyjson_val *set = yyjson_arr_get(yyjson_ptr_get(yyjson_doc_get_root(doc), "/provenance/datasets"), i), *skip;
    const int n = (int)yyjson_get_int(yyjson_obj_get(set, "n"));
    size_t k, m;

    skips[0] = 0;
    yyjson_arr_foreach(yyjson_obj_get(set, "skips"), k, m, skip)
        snprintf(skips + strlen(skips), 2000 - strlen(skips), "%s: %s\n", yyjson_get_str(yyjson_obj_get(skip, "id")),
                 yyjson_get_str(yyjson_obj_get(skip, "why")));
    yyjson_doc_free(doc);
    return n;
}

/* Answers that are not given are named with their reasons; the next run asks for those alone, and the one after for
 * none. */
TEST(run_openai, goes_on_and_resumes)
{
    static const struct reply good = { 200, NULL, ANSWER };
    static const struct reply bad[] = { { 400, NULL, "{\"error\":{\"message\":\"prompt too long\"}}" }, { 200, NULL, ANSWER, .cut = 300 },
                                        { 200, NULL, "<html>" },
                                        { 200, NULL, "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n" } };
    struct reply reply[1 + N_ROW];
    char skips[2000];
    struct scripted s;
    size_t i;
    int port;

    for (i = 0; i < 1 + N_ROW; i++)
        reply[i] = good;                /* the first is for the short answer that comes before */
    for (i = 0; i < 4; i++)
        reply[3 + 2 * i] = bad[i];      /* qa-2, qa-4, qa-6, qa-8 */
    start(&s, reply, 1 + N_ROW);
    CHECK_OK(run_and_close(load(s.port, "", "", ""), "goes-on"));
    stop(&s);
    CHECK(strstr(s.seen[0], "\"max_tokens\":8,") && strstr(s.seen[1], "drink number 0?") && strstr(s.seen[12], "drink number 11?"));
    CHECK_INT(n_answers("goes-on", 0, skips), N_ROW - 4);
    CHECK(strstr(skips, "qa-2: http://127.0.0.1:") && strstr(skips, "HTTP 400 (1 tries): prompt too long\nqa-4: "));
    CHECK(strstr(skips, "qa-6: ") && strstr(skips, "without a chunk of a completion: '<html>'\nqa-8: "));
    CHECK(strstr(skips, "byte 0 of the answer comes without log-probabilities"));
    CHECK(strstr(warned, "asked: skipped qa-2: http://") && strstr(warned, "entropy_mean needs entropy"));

    for (i = 0; i < 5; i++)
        reply[i] = good;
    port = s.port;
    start_at(&s, port, reply, 5);
    CHECK_OK(run_and_close(load(port, "", "", ""), "goes-on"));
    stop(&s);
    for (i = 0; i < 4; i++) {
        char prompt[40];
        snprintf(prompt, sizeof prompt, "drink number %zu?", 2 + 2 * i);
        CHECK(strstr(s.seen[1 + i], prompt) != NULL);
    }
    CHECK_INT(n_answers("goes-on", 0, skips), N_ROW);
    CHECK_TEXT(skips, "");
    CHECK_OK(run_and_close(load(port, "", "", ""), "goes-on"));         /* nobody listens, nobody is asked */
    CHECK_INT(n_answers("goes-on", 0, skips), N_ROW);
}

/* A refusal of all requests stops the run, and what was given until then stays. */
TEST(run_openai, a_wrong_key_stops_it)
{
    static const struct reply first[] = { { 200, NULL, ANSWER }, { 200, NULL, ANSWER }, { 200, NULL, ANSWER },
                                          { 401, NULL, "{\"error\":{\"message\":\"key expired\"}}" } };
    static const struct reply at_once[] = { { 401, NULL, "{\"error\":{\"message\":\"key expired\"}}" } };
    struct reply rest[1 + N_ROW - 2];
    struct scripted s;
    char skips[2000];
    size_t i;
    int port;

    start(&s, first, 4);
    CHECK_FAILS(run_and_close(load(s.port, "", "", ""), "wrong-key"), MID_EMODEL);
    CHECK_SAYS("HTTP 401 (1 tries): key expired");
    stop(&s);
    port = s.port;
    start_at(&s, port, at_once, 1);
    CHECK_FAILS(run_and_close(load(port, "", "", ""), "wrong-key"), MID_EMODEL);
    CHECK_SAYS("plan.yaml:9: model 'served': ");
    stop(&s);
    for (i = 0; i < 1 + N_ROW - 2; i++)
        rest[i] = (struct reply){ 200, NULL, ANSWER };
    start_at(&s, port, rest, i);
    CHECK_OK(run_and_close(load(port, "", "", ""), "wrong-key"));
    stop(&s);
    CHECK(strstr(s.seen[1], "drink number 2?") != NULL);
    CHECK_INT(n_answers("wrong-key", 0, skips), N_ROW);
}

/* After eight failures in a row a server is left in peace; a server that is not there fails its entry, not the
 * others. */
TEST(run_openai, gives_up_on_a_server)
{
    struct reply reply[1 + 8 + 1 + N_ROW];
    struct scripted s;
    char skips[2000], more[300];
    yyjson_doc *doc;
    size_t i, n = 0;

    reply[n++] = (struct reply){ 200, NULL, ANSWER };
    for (i = 0; i < 8; i++)
        reply[n++] = (struct reply){ 200, NULL, ERROR };
    for (i = 0; i < 1 + N_ROW; i++)
        reply[n++] = (struct reply){ 200, NULL, ANSWER };
    start(&s, reply, n);
    snprintf(more, sizeof more, "  - {dataset: qa, as: again, source: openai, model: served, labeler: alias, max_tok: 6}\n");
    CHECK_FAILS(run_and_close(load(s.port, "", "", more), "gives-up"), MID_EUNDEFINED);
    CHECK_SAYS("data 'asked': qa-0: http://");
    CHECK_SAYS("everything else was done");
    stop(&s);
    CHECK_INT(n_answers("gives-up", 0, skips), 0);
    CHECK(strstr(skips, "qa-7: http://") && strstr(skips, "qa-8: not asked for, after 8 failures in a row: http://"));
    CHECK_INT(n_answers("gives-up", 1, skips), N_ROW);
    doc = read_json("gives-up", "results.json");
    CHECK(strstr(yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), "/provenance/datasets/0/skipped")), "overloaded"));
    yyjson_doc_free(doc);
    CHECK_FAILS(run_and_close(load(1, "", "", ""), "nobody"), MID_EUNDEFINED);
    CHECK_SAYS("(4 tries)");
}

static bool file_has(const char *dir, const char *name, const char *word)
{
    const size_t n_word = strlen(word), room = 1 << 22;
    char path[100], *bytes = calloc(1, room);
    size_t n = 0, i;
    bool has = false;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(test_path(path), "rb");
    if (f) {
        n = fread(bytes, 1, room, f);
        fclose(f);
    }
    CHECK(n > 0 && n < room);
    for (i = 0; i + n_word <= n && !has; i++)
        has = memcmp(bytes + i, word, n_word) == 0;
    free(bytes);
    return has;
}

/* The key comes from the caller, goes to the server, and is kept nowhere. */
TEST(run_openai, key)
{
    static const char *const file[] = { "results.json", "answers.json", "report.html", "run.db" };
    struct reply reply[1 + N_ROW];
    struct scripted s;
    mid_plan *plan;
    char *json;
    size_t i;

    for (i = 0; i < 1 + N_ROW; i++)
        reply[i] = (struct reply){ 200, NULL, ANSWER };
    start(&s, reply, 1 + N_ROW);
    plan = load(s.port, ", key_env: MID_TEST_NO_SUCH_KEY, rpm: 60000", "", "");
    CHECK_FAILS(run(plan, "key", 1), MID_EINVAL);
    CHECK_SAYS("plan.yaml:9: the key of model 'served', key_env 'MID_TEST_NO_SUCH_KEY'");
    CHECK_FAILS(mid_plan_set_model_key(test_ctx(), plan, 1, "x"), MID_EINVAL);
    CHECK_OK(mid_plan_set_model_key(test_ctx(), plan, 0, "sk-secret-of-all"));
    CHECK_OK(mid_plan_json(test_ctx(), plan, &json));
    CHECK(strstr(json, "\"model\":\"m\",\"key_env\":\"MID_TEST_NO_SUCH_KEY\",\"top_logprobs\":2,\"rpm\":60000,\"timeout_s\":60"));
    mid_free(json);
    CHECK_OK(run_and_close(plan, "key"));
    stop(&s);
    CHECK(strstr(s.seen[N_ROW], "Authorization: Bearer sk-secret-of-all\r\n") != NULL);
    for (i = 0; i < 4; i++)
        CHECK(!file_has("key", file[i], "sk-secret-of-all"));
}

/* What a server answered, read by a model in process: instead of it, and beside it. It is asked for once. */
TEST(run_openai, observed)
{
    struct reply reply[1 + N_ROW];
    struct scripted s;
    char model[1200], more[300], skips[2000];
    yyjson_doc *doc;
    yyjson_val *cell;
    size_t i, n, n_entropy = 0, n_observed = 0;

    test_model();
    for (i = 0; i < 1 + N_ROW; i++)
        reply[i] = (struct reply){ 200, NULL, ANSWER };
    start(&s, reply, 1 + N_ROW);
    snprintf(more, sizeof more, "  - {dataset: qa, as: observed, source: openai, model: served, observer: small, labeler: alias, "
             "max_tok: 8}\n");
    snprintf(model, sizeof model, "}\n  - {name: small, path: \"%s\", layers: [14]", test_model());
    CHECK_OK(run_and_close(load(s.port, model, ", beside: small", more), "observed"));
    stop(&s);
    CHECK_INT(n_answers("observed", 0, skips), N_ROW);
    CHECK_INT(n_answers("observed", 1, skips), N_ROW);
    doc = read_json("observed", "results.json");
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "cells"), i, n, cell) {
        const bool observed = yyjson_equals_str(yyjson_obj_get(cell, "dataset"), "observed");
        if (!yyjson_equals_str(yyjson_obj_get(cell, "metric"), "auroc") || !yyjson_is_null(yyjson_obj_get(cell, "at_tok")))
            continue;
        CHECK_TEXT(yyjson_get_str(yyjson_obj_get(cell, "model")), "served");
        CHECK(observed == yyjson_equals_str(yyjson_obj_get(cell, "observer"), "small"));
        n_observed += observed;
        if (yyjson_equals_str(yyjson_obj_get(cell, "monitor"), "entropy_mean"))
            n_entropy += yyjson_is_num(yyjson_obj_get(cell, "value")) == observed;
    }
    CHECK(n_observed > 0 && n_entropy > 0);
    yyjson_doc_free(doc);
}
