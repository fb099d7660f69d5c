/* Runs with a judge on a few answers to own_qa questions, read by the real SmolLM2: verdicts get to the monitors that
 * look at them, their cost into the results, and nobody is asked twice. Judges are a server written here that always
 * says the same, SmolLM2 itself in process and, where it was built, behind llama.cpp's own server. */
#include "bench/read_json.h"
#include "bench/warned_run.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- running a plan ---------------------------------------------------------------------------------------------- */

/* Two right answers and two wrong ones, in turn, each longer than the N_TOK tokens that are read. */
static const struct { const char *prompt, *answer; int label; } row[] = {
    { "Which city is the national capital of Japan?",
      "The national capital of Japan is the large city of Tokyo in the east.", 0 },
    { "Which city is the national capital of Italy?",
      "The national capital of Italy is the large city of Milan in the north.", 1 },
    { "Which city is the national capital of Spain?",
      "The national capital of Spain is the large city of Madrid in the middle.", 0 },
    { "Which city is the national capital of Norway?",
      "The national capital of Norway is the large city of Bergen by the sea.", 1 },
};
enum { N_ROW = sizeof row / sizeof row[0], N_MANY = MID_GROUP_N + 1, N_TOK = 8 };   /* N_MANY: more than one group */

/* The entry "judged" of so many answers; more entries may follow it. */
static mid_plan *load(size_t n_answer, const char *judge, const char *more)
{
    char text[8000];
    mid_plan *plan = NULL;
    size_t i;
    int n = 0;

    mkdir(test_path("qa"), 0777);
    for (i = 0; i < n_answer; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "{\"id\":\"qa-%zu\",\"task\":\"qa\",\"prompt\":\"%s\","
                      "\"response\":\"%s\",\"response_model\":\"m\",\"label\":%d}\n", i, row[i % N_ROW].prompt,
                      row[i % N_ROW].answer, row[i % N_ROW].label);
    test_write("qa/data.jsonl", text, (size_t)n);
    n = snprintf(text, sizeof text, "name: judged\nseed: 1\nfolds: 3\ndraws: 20\nat_tok: [8]\nat_frac: [1]\nshow: 20\n"
                 "models:\n  - {name: small, path: \"%s\", layers: [14]}\n"
                 "data:\n"
                 "  - {dataset: qa, as: judged, model: small, source: recorded, labeler: data, max_tok: %d,\n"
                 "     judge: %s}\n%s"
                 "monitors: [judge_chunk, judge_chunk+max, length]\nrules: [best_f1]\n", test_model(), N_TOK, judge,
                 more);
    CHECK_OK(mid_plan_load(test_ctx(), test_write("plan.yaml", text, (size_t)n), &plan));
    return plan;
}

/* What results say that the judge of the entry "judged" was asked. */
struct asked { double n_verdict, n_missing, n_call, n_retry, seconds; char judge[65]; };

static struct asked asked_of(const char *dir)
{
    yyjson_doc *doc = read_json(dir, "results.json");
    yyjson_val *stages = yyjson_ptr_get(yyjson_doc_get_root(doc), "/provenance/stages"), *stage;
    struct asked a = { .n_call = -1 };
    size_t i, n, n_found = 0;

    yyjson_arr_foreach(stages, i, n, stage) {
        if (!yyjson_obj_get(stage, "judge"))
            continue;
        CHECK_TEXT(yyjson_get_str(yyjson_obj_get(stage, "name")), "judged: judge");
        a.n_verdict = yyjson_get_num(yyjson_obj_get(stage, "n_verdict"));
        a.n_missing = yyjson_get_num(yyjson_obj_get(stage, "n_missing"));
        a.n_call = yyjson_get_num(yyjson_obj_get(stage, "n_call"));
        a.n_retry = yyjson_get_num(yyjson_obj_get(stage, "n_retry"));
        a.seconds = yyjson_get_num(yyjson_obj_get(stage, "seconds"));
        snprintf(a.judge, sizeof a.judge, "%s", yyjson_get_str(yyjson_obj_get(stage, "judge")));
        n_found++;
    }
    CHECK_INT(n_found, 1);
    yyjson_doc_free(doc);
    return a;
}

/* A cell's field: of the whole answer, or of the whole set. */
static yyjson_val *cell_of(yyjson_doc *doc, const char *dataset, const char *monitor, const char *metric,
                           const char *field)
{
    yyjson_val *cell;
    size_t i, n;

    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "cells"), i, n, cell)
        if (yyjson_equals_str(yyjson_obj_get(cell, "dataset"), dataset) &&
            yyjson_equals_str(yyjson_obj_get(cell, "monitor"), monitor) &&
            yyjson_equals_str(yyjson_obj_get(cell, "metric"), metric) &&
            yyjson_is_null(yyjson_obj_get(cell, "at_tok")) && yyjson_is_null(yyjson_obj_get(cell, "at_frac")))
            return yyjson_obj_get(cell, field);
    fail_msg("no cell %s %s %s", dataset, monitor, metric);
    return NULL;
}

static double number_of(yyjson_doc *doc, const char *monitor, const char *metric, const char *field)
{
    return yyjson_get_num(cell_of(doc, "judged", monitor, metric, field));
}

/* judge_chunk's scores of all answers of the entry "judged", one behind the other. @return how many tokens. */
static size_t scores_of(const char *dir, double score[N_MANY * N_TOK])
{
    yyjson_doc *doc = read_json(dir, "answers.json");
    yyjson_val *answer, *one;
    size_t i, n, k, m, n_tok = 0;

    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "answers"), i, n, answer) {
        if (!yyjson_equals_str(yyjson_obj_get(answer, "dataset"), "judged"))
            continue;
        yyjson_arr_foreach(yyjson_ptr_get(answer, "/scores/judge_chunk"), k, m, one) {
            CHECK(n_tok < N_MANY * N_TOK);
            score[n_tok++] = yyjson_get_num(one);
        }
    }
    yyjson_doc_free(doc);
    return n_tok;
}

static uint64_t n_trace_in(const char *dir)
{
    char path[100];
    mid_store *store = NULL;
    mid_store_count n;

    snprintf(path, sizeof path, "%s/run.db", dir);
    CHECK_OK(mid_store_open(test_ctx(), test_path(path), &store));
    CHECK_OK(mid_store_counts(test_ctx(), store, &n));
    mid_store_close(store);
    return n.n_trace;
}

/* ---- a server that always says the same -------------------------------------------------------------------------- */

#define ENTRY(token, lp) "{\"token\":\"" token "\",\"logprob\":" lp "}"
#define REPLY(a, b) "{\"choices\":[{\"logprobs\":{\"content\":[{\"top_logprobs\":[" a "," b "]}]}}]}"
/* ln .6, ln .2: .6 / .8 = .75, whatever the question's order */
static const char likely[] = REPLY(ENTRY("yes", "-0.5108256238"), ENTRY("no", "-1.6094379124"));
static const char unlikely[] = REPLY(ENTRY("no", "-0.5108256238"), ENTRY("yes", "-1.6094379124"));
static const char neither[] = REPLY(ENTRY("well", "-0.5108256238"), ENTRY("hm", "-1.6094379124"));

struct guard {
    int fd, port;
    pthread_t thread;
    int n_seen, n_good;             /* requests; those with our key that ask for "guard" */
    int http;                       /* what they are answered with */
    enum { SAYS_LIKELY, SAYS_TRUTH, SAYS_NEITHER } says;
};

/* The truth is what the rows' labels are. */
static const char *reply_to(const struct guard *g, const char *request)
{
    if (g->says == SAYS_NEITHER)
        return neither;
    return g->says == SAYS_LIKELY || strstr(request, "Italy") || strstr(request, "Norway") ? likely : unlikely;
}

static void read_request(int fd, char *to, size_t room)
{
    const char *body, *length;
    size_t n = 0;
    ssize_t got;

    while (n + 1 < room && (got = read(fd, to + n, room - n - 1)) > 0) {
        n += (size_t)got;
        to[n] = 0;
        body = strstr(to, "\r\n\r\n");
        length = strstr(to, "Content-Length: ");
        if (body && length && n >= (size_t)(body + 4 - to) + (size_t)atoi(length + 16))
            return;
    }
}

static void *serve(void *user)
{
    struct guard *g = user;
    char request[8192], reply[600];
    const char *said;
    int fd, n;

    while ((fd = accept(g->fd, NULL, NULL)) >= 0) {
        request[0] = 0;
        read_request(fd, request, sizeof request);
        g->n_seen++;
        g->n_good += strstr(request, "Authorization: Bearer sesame\r\n") && strstr(request, "\"model\":\"guard\"");
        said = reply_to(g, request);
        n = snprintf(reply, sizeof reply, "HTTP/1.1 %d Guard\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     g->http, strlen(said), said);
        (void)!send(fd, reply, (size_t)n, MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

static void start(struct guard *g)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof at;

    memset(g, 0, sizeof *g);
    g->http = 200;
    g->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(g->fd >= 0 && bind(g->fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(g->fd, 4) == 0);
    assert_int_equal(getsockname(g->fd, (struct sockaddr *)&at, &n), 0);
    g->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&g->thread, NULL, serve, g), 0);
}

static void stop(struct guard *g)
{
    shutdown(g->fd, SHUT_RDWR);
    pthread_join(g->thread, NULL);
    close(g->fd);
}

/* Every fourth token has a verdict of .75; a verdict is two requests; nobody is asked again about what is done; a
 * server that refuses is found before the long work. Two workers share the answers, each with a judge of its own. */
TEST(run_judge, a_server_gives_verdicts)
{
    double score[N_MANY * N_TOK];
    size_t i;
    struct guard g;
    struct asked first, again;
    char judge[200];
    yyjson_doc *doc;
    mid_plan *plan;

    test_model();
    start(&g);
    snprintf(judge, sizeof judge, "{url: \"http://127.0.0.1:%d\", server_model: guard, key_env: K, every_tok: 4}",
             g.port);
    plan = load(N_MANY, judge, "");
    CHECK_FAILS(run(plan, "server", 2), MID_EINVAL);
    CHECK_SAYS("plan.yaml:12: the judge's key, key_env 'K', was not given to this run");
    CHECK_INT(g.n_seen, 0);
    CHECK_OK(mid_plan_set_key(test_ctx(), plan, 0, "sesame"));
    CHECK_OK(run(plan, "server", 2));

    first = asked_of("server");
    CHECK_INT(first.n_verdict, 2 * N_MANY);
    CHECK_INT(first.n_call, 4 * N_MANY);
    CHECK_INT(first.n_missing + first.n_retry, 0);
    CHECK_INT(g.n_seen, first.n_call + 2);              /* and one verdict to know how long it takes */
    CHECK_INT(g.n_good, g.n_seen);
    CHECK_INT(scores_of("server", score), N_MANY * N_TOK);
    for (i = 0; i < N_MANY * N_TOK; i++)
        CHECK_NEAR(score[i], i % N_TOK < 3 ? 0 : 0.75, 1e-4);
    doc = read_json("server", "results.json");
    CHECK(number_of(doc, "judge_chunk", "us_per_token_p50", "value") >=
          (first.seconds - 0.01) * 1e6 / (N_MANY * N_TOK));
    yyjson_doc_free(doc);

    CHECK_INT(n_trace_in("server"), N_MANY);
    CHECK_OK(run(plan, "server", 2));
    again = asked_of("server");
    CHECK(first.n_verdict == again.n_verdict && first.n_call == again.n_call && first.seconds == again.seconds);
    CHECK_TEXT(first.judge, again.judge);
    CHECK_INT(g.n_seen, first.n_call + 2);
    mid_plan_close(plan);
    g.http = 404;
    snprintf(judge, sizeof judge, "{url: \"http://127.0.0.1:%d\", every_tok: 8}", g.port);
    plan = load(N_MANY, judge, "");
    CHECK_FAILS(run(plan, "server", 2), MID_EMODEL);
    CHECK_SAYS("plan.yaml:12: judge: ");
    CHECK_INT(n_trace_in("server"), N_MANY);
    mid_plan_close(plan);
    stop(&g);
}

/* ---- a judge that labels ----------------------------------------------------------------------------------------- */

/* What the files of a run hold of a text. */
static bool is_in(const char *dir, const char *file, const char *text)
{
    char path[100];
    FILE *f;
    char *bytes = calloc(1, 4 << 20);
    size_t n;
    bool found;

    snprintf(path, sizeof path, "%s/%s", dir, file);
    f = fopen(test_path(path), "rb");
    assert_true(f && bytes);
    n = fread(bytes, 1, 4 << 20, f);
    found = n >= strlen(text) && memmem(bytes, n, text, strlen(text));
    fclose(f);
    free(bytes);
    return found;
}

static yyjson_val *dataset_of(yyjson_doc *doc, const char *name)
{
    yyjson_val *set;
    size_t i, n;

    yyjson_arr_foreach(yyjson_ptr_get(yyjson_doc_get_root(doc), "/provenance/datasets"), i, n, set)
        if (yyjson_equals_str(yyjson_obj_get(set, "name"), name))
            return set;
    fail_msg("no dataset %s", name);
    return NULL;
}

/* "judged" is labelled by the data, "same" by the judge whose verdicts are there, "apart" by another model of its
 * server; all three have verdicts of "guard". */
static mid_plan *load_labelled(int port, const char *params)
{
    char judge[200], more[1500];
    mid_plan *plan;
    size_t i;

    snprintf(judge, sizeof judge, "{url: \"http://127.0.0.1:%d\", server_model: guard, key_env: K, every_tok: 4}", port);
    snprintf(more, sizeof more,
             "  - {dataset: qa, as: same, model: small, source: recorded, max_tok: %d, judge: %s, other_labelers: [data],\n"
             "     labeler: {labeler: judge, url: \"http://127.0.0.1:%d\", server_model: guard, key_env: L%s}}\n"
             "  - {dataset: qa, as: apart, model: small, source: recorded, max_tok: %d, judge: %s,\n"
             "     labeler: {labeler: judge, url: \"http://127.0.0.1:%d\", server_model: other, key_env: L}}\n",
             N_TOK, judge, port, params, N_TOK, judge, port);
    plan = load(N_ROW, judge, more);
    for (i = 0; i < plan->n_data; i++)
        CHECK_OK(mid_plan_set_key(test_ctx(), plan, i, "sesame"));
    return plan;
}

static bool is_circular(yyjson_doc *doc, const char *dataset, const char *monitor)
{
    return yyjson_get_bool(cell_of(doc, dataset, monitor, "auroc", "circular"));
}

static void check_labelled(void)
{
    yyjson_doc *doc = read_json("labelled", "results.json");
    yyjson_val *same = dataset_of(doc, "same"), *apart = dataset_of(doc, "apart");

    CHECK_TEXT(yyjson_get_str(yyjson_obj_get(same, "labeler")), "judge");
    CHECK_TEXT(yyjson_get_str(yyjson_obj_get(same, "who")), "model");
    CHECK(strcmp(yyjson_get_str(yyjson_obj_get(same, "labeler_id")), yyjson_get_str(yyjson_obj_get(apart, "labeler_id"))) != 0);
    CHECK_INT(yyjson_get_int(yyjson_obj_get(same, "n")), N_ROW);
    CHECK_INT(yyjson_get_int(yyjson_obj_get(same, "n_unsafe")), 2);
    CHECK_NEAR(yyjson_get_num(yyjson_ptr_get(same, "/agreement/pairs/0/kappa/value")), 1, 0);   /* the truth, by both */
    CHECK_INT(yyjson_get_int(yyjson_ptr_get(same, "/agreement/all/n")), N_ROW);
    CHECK(yyjson_is_null(yyjson_obj_get(apart, "agreement")));
    CHECK(is_circular(doc, "same", "judge_chunk") && is_circular(doc, "same", "judge_chunk+max"));
    CHECK(!is_circular(doc, "same", "length") && !is_circular(doc, "apart", "judge_chunk") &&
          !is_circular(doc, "judged", "judge_chunk"));
    yyjson_doc_free(doc);
    CHECK(is_in("labelled", "results.md", "How far labelers agree") && is_in("labelled", "report.html", "How far labelers"));
}

/* A judge's labels are circular for monitors of its own verdicts, are asked for once, and anew for another threshold,
 * with which nothing else is done again. A judge that gives no verdict labels nothing. */
TEST(run_judge, a_judge_labels)
{
    struct guard g;
    mid_plan *plan;
    int n_seen;

    test_model();
    start(&g);
    g.says = SAYS_TRUTH;
    plan = load_labelled(g.port, "");
    CHECK_FAILS(run(plan, "labelled", 2), MID_EINVAL);
    CHECK_SAYS("plan.yaml:14: the key of labeler judge, key_env 'L', was not given to this run");
    CHECK_OK(mid_plan_set_labeler_key(test_ctx(), plan, "L", "sesame"));
    CHECK_OK(run(plan, "labelled", 2));
    check_labelled();
    CHECK(!is_in("labelled", "results.json", "sesame") && !is_in("labelled", "run.db", "sesame"));
    n_seen = g.n_seen;
    CHECK_OK(run(plan, "labelled", 2));
    CHECK_INT(g.n_seen, n_seen);
    mid_plan_close(plan);

    plan = load_labelled(g.port, ", threshold: 0.9");
    CHECK_OK(mid_plan_set_labeler_key(test_ctx(), plan, "L", "sesame"));
    CHECK_FAILS(run(plan, "labelled", 2), MID_EUNDEFINED);
    CHECK_SAYS("data 'same' has 4 answers, 0 of them unsafe: nothing can be told apart");
    CHECK_INT(g.n_seen, n_seen + 2 * N_ROW);
    CHECK_INT(n_trace_in("labelled"), N_ROW);
    mid_plan_close(plan);

    g.says = SAYS_NEITHER;
    plan = load_labelled(g.port, ", threshold: 0.8");
    CHECK_OK(mid_plan_set_labeler_key(test_ctx(), plan, "L", "sesame"));
    CHECK_FAILS(run(plan, "labelled", 2), MID_EUNDEFINED);
    CHECK_SAYS("data 'same': labeler judge gave none of 4 answers a label: 0 without a usable reply, 4 replies neither yes nor "
               "no, 0 verdicts that changed with the order of the options");
    mid_plan_close(plan);
    stop(&g);
}

/* Code is never run without a sandbox: its entry is told of before any answer, and left unlabelled; others go on. */
TEST(run_judge, no_sandbox_no_labels)
{
    char more[300];
    yyjson_doc *doc;
    mid_plan *plan;

    test_model();
    snprintf(more, sizeof more, "  - {dataset: qa, as: code, model: small, source: recorded, max_tok: %d, labeler: {labeler: tests, "
             "bwrap: /no/such/bwrap}}\n", N_TOK);
    plan = load(N_ROW, "{model: small, every_tok: 8}", more);
    warned[0] = 0;
    mid_ctx_set_log(test_ctx(), on_log, NULL);
    CHECK_FAILS(run(plan, "labels", 2), MID_EUNDEFINED);
    mid_ctx_set_log(test_ctx(), NULL, NULL);
    CHECK_SAYS("plan.yaml:13: data 'code': ");
    CHECK_SAYS("labeler 'tests': no sandbox: /no/such/bwrap: ");
    CHECK_SAYS("apt-get install bubblewrap");
    CHECK(strstr(warned, "code stays unlabelled: ") && strstr(warned, "apt-get install bubblewrap"));
    doc = read_json("labels", "results.json");
    CHECK_INT(yyjson_get_int(yyjson_obj_get(dataset_of(doc, "code"), "n")), 0);
    CHECK_INT(yyjson_get_int(yyjson_obj_get(dataset_of(doc, "judged"), "n")), N_ROW);
    yyjson_doc_free(doc);
    mid_plan_close(plan);
}

/* The real model labels and gives verdicts; the file is the same under another name of the plan. */
TEST(run_judge, a_model_in_process_labels)
{
    char more[600];
    yyjson_doc *doc;
    yyjson_val *set;
    mid_plan *plan;
    mid_status status;

    test_model();
    snprintf(more, sizeof more, "  - {dataset: qa, as: same, model: small, source: recorded, max_tok: %d, judge: {model: small, "
             "every_tok: 8},\n     labeler: {labeler: judge, model: small, agree: 0}}\n", N_TOK);
    plan = load(N_ROW, "{model: small, every_tok: 8}", more);
    status = run(plan, "labels", 2);          /* whatever it thinks: all its labels may be the same */
    CHECK(status == MID_OK || status == MID_EUNDEFINED);
    doc = read_json("labels", "results.json");
    set = dataset_of(doc, "same");
    CHECK_INT(yyjson_get_int(yyjson_obj_get(set, "n")), N_ROW);
    CHECK_TEXT(yyjson_get_str(yyjson_obj_get(set, "labeler_params")), "model=small, agree=0");
    CHECK(is_circular(doc, "same", "judge_chunk") && !is_circular(doc, "judged", "judge_chunk"));
    yyjson_doc_free(doc);
    mid_plan_close(plan);
}

/* ---- the real model ---------------------------------------------------------------------------------------------- */

/* Told before any work; the others are as ever. */
static bool told_first(void *user, const mid_progress *progress)
{
    (void)progress;
    *(bool *)user |= strstr(warned, "judge_chunk is left out on alone") != NULL && progress->done == 0;
    return true;
}

static void check_left_out(yyjson_doc *doc)
{
    static const char *const monitor[] = { "judge_chunk", "judge_chunk+max" };
    size_t i;

    for (i = 0; i < 2; i++)
        CHECK_TEXT(yyjson_get_str(cell_of(doc, "alone", monitor[i], "auroc", "why")),
                   "it looks at a judge's verdicts; give data 'alone' (line 13) a 'judge'");
    CHECK(yyjson_is_num(cell_of(doc, "alone", "length", "us_per_token_p50", "value")));
    CHECK(strstr(warned, "plan.yaml:14: judge_chunk is left out on alone: it looks at a judge's verdicts; give data "
                 "'alone' (line 13) a 'judge'\n") != NULL);
    CHECK(strstr(warned, "cannot be scored on") == NULL);
}

/* In process; made once for the tests below. */
static void run_in_process(void)
{
    static bool is_made;
    bool told = false;
    mid_plan *plan;

    if (is_made)
        return;
    plan = load(N_ROW, "{model: small, every_tok: 8}",
                "  - {dataset: qa, as: alone, model: small, source: recorded, labeler: data, max_tok: 4}\n");
    mid_ctx_set_progress(test_ctx(), told_first, &told);
    CHECK_OK(run(plan, "process", 2));
    mid_ctx_set_progress(test_ctx(), NULL, NULL);
    CHECK(told);
    mid_plan_close(plan);
    is_made = true;
}

TEST(run_judge, a_model_in_process_gives_verdicts)
{
    struct asked a;
    double score[N_MANY * N_TOK], cost;
    size_t i;
    yyjson_doc *doc;

    test_model();
    run_in_process();
    a = asked_of("process");
    CHECK_INT(scores_of("process", score), N_ROW * N_TOK);
    for (i = 0; i < N_ROW * N_TOK; i++)
        CHECK(i % N_TOK == N_TOK - 1 ? score[i] > 0 && score[i] < 1 : score[i] == 0);
    CHECK(a.n_verdict == N_ROW && a.n_missing == 0 && a.n_call == 2 * N_ROW && a.seconds > 0);
    doc = read_json("process", "results.json");
    cost = number_of(doc, "judge_chunk", "us_per_token_p50", "value");
    print_message("%.2f s a verdict, %.0f us a token\n", a.seconds / a.n_verdict, cost);
    CHECK_NEAR(cost * N_ROW * N_TOK / 1e6, a.seconds, 0.01 + 0.01 * a.seconds);
    CHECK(number_of(doc, "length", "us_per_token_p50", "value") < 100);
    check_left_out(doc);
    yyjson_doc_free(doc);
}

/* llama.cpp's server, on this machine only. */
static pid_t start_peer(const char *program, int port)
{
    char text[16];
    const pid_t pid = fork();

    snprintf(text, sizeof text, "%d", port);
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(127);
        execl(program, program, "-m", test_model(), "--host", "127.0.0.1", "--port", text, "-c", "2048", "-np", "1",
              "-t", "1", "--no-jinja", "--chat-template", "chatml", "--no-webui", "--offline", (char *)NULL);
        _exit(127);
    }
    return pid;
}

TEST(run_judge, a_real_server_agrees_with_the_model_in_process)
{
    const char *engine = getenv("ENGINE");
    const int port = 20000 + (int)((getpid() + 7919) % 20000);
    double here[N_MANY * N_TOK], there[N_MANY * N_TOK];
    size_t i;
    char program[1024], judge[100];
    mid_plan *plan;
    mid_status status = MID_EIO;
    pid_t pid;
    int n_try;

    snprintf(program, sizeof program, "%s/bin/llama-server", engine ? engine : "");
    if (access(program, X_OK) != 0) {
        print_message("skipped: no llama-server ($ENGINE/bin; scripts/setup peers)\n");
        skip();
    }
    test_model();
    run_in_process();
    snprintf(judge, sizeof judge, "{url: \"http://127.0.0.1:%d\", every_tok: 8}", port);
    plan = load(N_ROW, judge, "");
    pid = start_peer(program, port);
    for (n_try = 0; n_try < 20 && status == MID_EIO && waitpid(pid, NULL, WNOHANG) == 0; n_try++)   /* it loads */
        status = run(plan, "peer", 2);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    if (status != MID_OK)
        fail_msg("%s", mid_ctx_message(test_ctx()));
    CHECK_INT(scores_of("process", here), scores_of("peer", there));
    for (i = 0; i < N_ROW * N_TOK; i++)
        CHECK_NEAR(there[i], here[i], 0.05);
    CHECK(strcmp(asked_of("peer").judge, asked_of("process").judge) != 0);
    mid_plan_close(plan);
}
