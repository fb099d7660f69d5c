/* Plug-ins: the examples keep every promise that monitors make, and whatever a plug-in does is one message here. The
 * test program is its own "plugin-host". */
#include "monitor/traces.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/file.h"
#include "base/rng.h"
#include "plugin/process.h"
#include "yyjson.h"

enum { N_LAYER = 2, D = 3, N_TOK = 12, N_ANSWER = 18 };
static const uint64_t seed = 20250214;

__attribute__((constructor)) static void be_host(int argc, char **argv)
{
    mid_ctx *ctx = NULL;

    if (argc == 3 && strcmp(argv[1], "plugin-host") == 0)
        exit(mid_ctx_open(&ctx) == MID_OK && mid_plugin_host(ctx, argv[2]) == MID_OK ? 0 : 1);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* A file that was built two folders up from this program. */
static const char *built(const char *name)
{
    static char path[8][700];
    static unsigned i;
    char self[512];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *at = path[i++ % 8];
    int k;

    assert_true(n > 0);
    self[n] = 0;
    for (k = 0; k < 3; k++)
        *strrchr(self, '/') = 0;
    snprintf(at, sizeof path[0], "%s/%s", self, name);
    return at;
}

static mid_status open_plugin(const char *what, uint32_t timeout_ms, mid_plugin **out)
{
    mid_plugin_opts opts = mid_plugin_opts_default();

    opts.host = "/proc/self/exe";
    opts.timeout_ms = timeout_ms;
    return mid_plugin_open(test_ctx(), what, &opts, out);
}

/* A plug-in with a stream of its monitor. */
struct running { mid_plugin *plugin; mid_monitor *m; mid_stream *s; };

static void begin(struct running *r, const char *what, const mid_param *params, uint32_t timeout_ms)
{
    const mid_signals signals = signals_of(N_LAYER, D);

    CHECK_OK(open_plugin(what, timeout_ms, &r->plugin));
    CHECK_OK(mid_monitor_open(test_ctx(), mid_plugin_ops(r->plugin), params, NULL, &signals, &r->m));
    CHECK_OK(mid_stream_open(test_ctx(), r->m, &r->s));
}

static void finish(struct running *r)
{
    mid_stream_close(r->s);
    mid_monitor_close(r->m);
    mid_plugin_close(r->plugin);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);    /* no process is left */
}

static const char c_example[] = "examples/plugin/my_monitor.so", py_example[] = "python3 examples/plugin/my_monitor.py";

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static mid_trace *random_trace(uint64_t i_stream)
{
    static const char *const word[] = { "Hi!", " d\xc3", "\xa4rk", "!!", "", " \"quoted\"\n", "\xff", " no" };
    const mid_signals signals = signals_of(N_LAYER, D);
    float h[N_LAYER * D];
    mid_trace *t;
    mid__rng rng;
    int i, j;

    mid__rng_init(&rng, seed, i_stream);
    for (j = 0; j < N_LAYER * D; j++)
        h[j] = (float)mid__rng_unit(&rng);
    t = trace_open(&signals, "Tell me", h);
    for (i = 0; i < N_TOK; i++)
        trace_put(t, word[mid__rng_below(&rng, 8)], -4 * (float)mid__rng_unit(&rng), (float)mid__rng_unit(&rng), h);
    return t;
}

static void push_some(mid_stream *s, const mid_trace *t, uint32_t from, uint32_t to, double *score)
{
    float *scratch = malloc((mid_trace_scratch(t) + 1) * sizeof *scratch);
    mid_step step;
    uint32_t i;

    assert_non_null(scratch);
    for (i = from; i < to; i++) {
        mid_trace_step(t, i, scratch, &step);
        CHECK_OK(mid_stream_push(s, &step, &score[i]));
    }
    free(scratch);
}

/* ---- the examples ------------------------------------------------------------------------------------------------ */

/* By hand: -ln p of 1, 5, 2 capped at 3 has means 1, (1 + 3) / 2, (1 + 3 + 2) / 3. */
TEST(plugin, c_example)
{
    static const mid_param cap[] = { { "cap_nats", 3, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_monitor_ops *ops;
    struct running r;
    int i;

    begin(&r, built(c_example), cap, 0);
    ops = mid_plugin_ops(r.plugin);
    CHECK_TEXT(ops->name, "capped_surprisal");
    CHECK_TEXT(ops->unit, "nats");
    CHECK_TEXT(ops->source, "an example");
    CHECK_TEXT(mid_box_name(ops->box), "grey");
    CHECK_INT(ops->needs, MID_SIG_LOGPROB);
    CHECK_TEXT(ops->params[0].name, "cap_nats");
    CHECK_NEAR(ops->params[0].number, 10, 0);
    CHECK(ops->fit == NULL && ops->params[1].name == NULL);
    CHECK(strncmp(ops->build, "plug-in ", 8) == 0);
    CHECK_OK(mid_stream_start(r.s, NULL));
    for (i = 0; i < 3; i++) {
        static const float lp[] = { -1, -5, -2 };
        static const double want[] = { 1, 2, 2 };
        const mid_step step = { .have = MID_SIG_LOGPROB, .i_tok = (uint32_t)i, .lp = lp[i] };
        CHECK_NEAR(push(r.s, &step), want[i], 0);
    }
    finish(&r);
}

/* By hand: "Hi!", "!!", " no" have 1, 3, 3 marks so far; at weight 2 twice as much. */
TEST(plugin, python_example)
{
    static const mid_param twice[] = { { "weight", 2, NULL, NULL }, { NULL, 0, NULL, NULL } };
    static const char *const text[] = { "Hi!", "!!", " no" };
    static const double want[] = { 1, 3, 3 };
    int i, weight;

    for (weight = 1; weight <= 2; weight++) {
        struct running r;
        begin(&r, py_example, weight == 2 ? twice : NULL, 0);
        CHECK_TEXT(mid_plugin_ops(r.plugin)->name, "exclamations");
        CHECK_TEXT(mid_box_name(mid_plugin_ops(r.plugin)->box), "black");
        CHECK_OK(mid_stream_start(r.s, NULL));
        for (i = 0; i < 3; i++) {
            const mid_step step = text_step((uint32_t)i, text[i]);
            CHECK_NEAR(push(r.s, &step), weight * want[i], 0);
        }
        finish(&r);
    }
}

/* Nothing is lost on the way: without a cap it is surprisal_mean, to the last bit. */
TEST(plugin, scores_are_those_of_the_same_code_inside)
{
    static const mid_param uncapped[] = { { "cap_nats", 1e9, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(N_LAYER, D);
    mid_monitor *inside = monitor_of("surprisal_mean", NULL, NULL, &signals);
    double a[N_TOK], b[N_TOK];
    struct running r;
    mid_stream *s;
    uint64_t i;

    begin(&r, built(c_example), uncapped, 0);
    CHECK_OK(mid_stream_open(test_ctx(), inside, &s));
    for (i = 0; i < 20; i++) {
        mid_trace *t = random_trace(i);
        CHECK_OK(mid_stream_score(test_ctx(), r.s, t, a, NULL));
        CHECK_OK(mid_stream_score(test_ctx(), s, t, b, NULL));
        assert_memory_equal(a, b, sizeof a);
        mid_trace_close(t);
    }
    mid_stream_close(s);
    mid_monitor_close(inside);
    finish(&r);
}

/* ---- the promises ------------------------------------------------------------------------------------------------ */

static void for_examples(void (*check)(struct running *))
{
    struct running r;
    int i;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (i = 0; i < 2; i++) {
        begin(&r, i ? py_example : built(c_example), NULL, 0);
        check(&r);
        finish(&r);
    }
}

static void replay(struct running *r)
{
    double a[N_TOK], b[N_TOK];
    uint64_t i;

    for (i = 0; i < 6; i++) {
        mid_trace *t = random_trace(i), *other = random_trace(i + 50);
        CHECK_OK(mid_stream_score(test_ctx(), r->s, t, a, NULL));
        CHECK_OK(mid_stream_score(test_ctx(), r->s, other, b, NULL));
        CHECK_OK(mid_stream_score(test_ctx(), r->s, t, b, NULL));
        assert_memory_equal(a, b, sizeof a);
        mid_trace_close(t);
        mid_trace_close(other);
    }
}
TEST(plugin, replay_gives_the_same_bits) { for_examples(replay); }

/* Saved at each token, restored into another stream while the first goes on with other tokens: neither disturbs the
 * other, nor a third that takes turns with them. */
static void snapshot(struct running *r)
{
    mid_trace *t = random_trace(1), *u = random_trace(2);
    double whole[N_TOK], other[N_TOK], mixed[N_TOK], score[N_TOK], again[N_TOK], third[N_TOK];
    void *saved = malloc(mid_stream_size(r->s));
    mid_stream *b, *c;
    uint32_t at, i;

    assert_non_null(saved);
    CHECK_OK(mid_stream_open(test_ctx(), r->m, &b));
    CHECK_OK(mid_stream_open(test_ctx(), r->m, &c));
    CHECK_OK(mid_stream_score(test_ctx(), r->s, t, whole, NULL));
    CHECK_OK(mid_stream_score(test_ctx(), r->s, u, other, NULL));
    for (at = 0; at <= N_TOK; at++) {
        CHECK_OK(mid_stream_start(r->s, NULL));             /* t up to `at`, then u: what a branch should give */
        push_some(r->s, t, 0, at, mixed);
        push_some(r->s, u, at, N_TOK, mixed);
        CHECK_OK(mid_stream_start(r->s, NULL));
        CHECK_OK(mid_stream_start(c, NULL));
        push_some(r->s, t, 0, at, score);
        mid_stream_save(r->s, saved);
        mid_stream_restore(b, saved);
        for (i = at; i < N_TOK; i++) {
            push_some(r->s, t, i, i + 1, score);
            push_some(b, u, i, i + 1, again);
            push_some(c, u, i - at, i - at + 1, third);
        }
        assert_memory_equal(whole, score, sizeof whole);
        assert_memory_equal(mixed + at, again + at, (N_TOK - at) * sizeof *again);
        assert_memory_equal(other, third, (N_TOK - at) * sizeof *third);
    }
    free(saved);
    mid_stream_close(b);
    mid_stream_close(c);
    mid_trace_close(t);
    mid_trace_close(u);
}
TEST(plugin, snapshot_goes_on_with_the_same_bits) { for_examples(snapshot); }

/* Sixteen answers may be under way; the seventeenth takes the place of the one that waited longest. */
static void many(struct running *r)
{
    enum { N = 17 };
    mid_stream *s[N];
    mid_trace *t = random_trace(3);
    double whole[N_TOK], score[N_TOK];
    float *scratch = malloc((mid_trace_scratch(t) + 1) * sizeof *scratch);
    mid_step step;
    uint32_t i, k;

    CHECK_OK(mid_stream_score(test_ctx(), r->s, t, whole, NULL));
    for (k = 0; k < N; k++) {
        CHECK_OK(mid_stream_open(test_ctx(), r->m, &s[k]));
        CHECK_OK(mid_stream_start(s[k], NULL));
    }
    mid_trace_step(t, 0, scratch, &step);
    CHECK_FAILS(mid_stream_push(s[0], &step, score), MID_ELIMIT);
    for (i = 0; i < N_TOK; i++)
        for (k = 1; k < N; k++) {
            push_some(s[k], t, i, i + 1, score);
            CHECK_NEAR(score[i], whole[i], 0);
        }
    for (k = 0; k < N; k++)
        mid_stream_close(s[k]);
    free(scratch);
    mid_trace_close(t);
}
TEST(plugin, sixteen_answers_take_turns) { for_examples(many); }

struct worker { const mid_monitor *m; const mid_trace *t; double score[N_TOK]; mid_status status; };

static void *work(void *user)
{
    struct worker *w = user;
    mid_stream *s = NULL;
    int i;

    w->status = mid_stream_open(NULL, w->m, &s);
    for (i = 0; w->status == MID_OK && i < 5; i++)
        w->status = mid_stream_score(NULL, s, w->t, w->score, NULL);
    mid_stream_close(s);
    return NULL;
}

/* A monitor is shared by threads, a plug-in's too. */
static void threads(struct running *r)
{
    enum { N = 4 };
    struct worker w[N];
    pthread_t thread[N];
    double want[N_TOK];
    int i;

    for (i = 0; i < N; i++) {
        w[i] = (struct worker){ .m = r->m, .t = random_trace((uint64_t)i) };
        CHECK_INT(pthread_create(&thread[i], NULL, work, &w[i]), 0);
    }
    for (i = 0; i < N; i++) {
        pthread_join(thread[i], NULL);
        CHECK_INT(w[i].status, MID_OK);
        CHECK_OK(mid_stream_score(test_ctx(), r->s, w[i].t, want, NULL));
        assert_memory_equal(want, w[i].score, sizeof want);
        mid_trace_close((mid_trace *)(uintptr_t)w[i].t);
    }
}
TEST(plugin, threads_share_a_monitor) { for_examples(threads); }

TEST(plugin, not_a_number_changes_nothing)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    const mid_step a = { .have = MID_SIG_LOGPROB, .lp = -1 }, b = { .have = MID_SIG_LOGPROB, .i_tok = 1, .lp = -3 };
    const mid_step without = { .i_tok = 1 };
    double score = 42;
    struct running r;
    size_t i;

    begin(&r, built(c_example), NULL, 0);
    CHECK_OK(mid_stream_start(r.s, NULL));
    CHECK_NEAR(push(r.s, &a), 1, 0);
    for (i = 0; i < 3; i++) {
        const mid_step step = { .have = MID_SIG_LOGPROB, .i_tok = 1, .lp = bad[i] };
        CHECK_FAILS(mid_stream_push(r.s, &step, &score), MID_ENUMERIC);
    }
    CHECK_FAILS(mid_stream_push(r.s, &without, &score), MID_ESIGNAL);
    CHECK_NEAR(score, 42, 0);
    CHECK_NEAR(push(r.s, &b), 2, 0);
    finish(&r);
}

TEST(plugin, bad_parameters_are_refused)
{
    static const mid_param unknown[] = { { "no_such_thing", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    static const mid_param zero[] = { { "cap_nats", 0, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(N_LAYER, D), text = { .have = MID_SIG_TEXT };
    const mid_monitor_ops *ops;
    mid_plugin *p;
    mid_monitor *m = NULL;

    CHECK_OK(open_plugin(built(c_example), 0, &p));
    ops = mid_plugin_ops(p);
    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, unknown, NULL, &signals, &m), MID_EINVAL);
    CHECK_SAYS("no parameter 'no_such_thing'");
    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, zero, NULL, &signals, &m), MID_EINVAL);   /* the plug-in's own word */
    CHECK_SAYS("my_monitor.so': refused \"open\"");
    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, NULL, NULL, &text, &m), MID_ESIGNAL);
    CHECK(m == NULL);
    mid_plugin_close(p);
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static void fill(answers *a)
{
    const mid_signals signals = signals_of(N_LAYER, D);
    float h[N_LAYER * D] = { 0 };
    mid__rng rng;
    int i, k;

    mid__rng_init(&rng, seed, 500);
    for (i = 0; i < N_ANSWER; i++) {
        mid_trace *t = trace_open(&signals, "p", h);
        for (k = 0; k < 1 + i % 5; k++)
            trace_put(t, "\xc3", -3 * (float)mid__rng_unit(&rng) - (float)(i % 2), 1, h);
        answers_put(a, t, i % 2);
    }
}

/* C in a process of its own, Python, and by hand: the same weights and scores; also by way of a file. */
TEST(plugin, learning)
{
    const char *const what[] = { built("tests/plugin/learning_monitor.so"),
                                 "python3 tests/plugin/learning_monitor.py" };
    const char *path = test_path("learned.safetensors");
    const mid_signals signals = signals_of(N_LAYER, D);
    double sum[2] = { 0, 0 }, n[2] = { 0, 0 }, first[N_TOK], score[N_TOK];
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_trace *t = random_trace(77);
    const float *mean;
    mid_step step;
    size_t i, n_row, n_col;
    uint32_t k;

    fill(&a);
    set = set_of(&a);
    for (i = 0; i < a.n; i++)
        for (k = 0; k < mid_trace_n_tok(a.answer[i].trace); k++) {
            mid_trace_step(a.answer[i].trace, k, NULL, &step);
            sum[a.answer[i].label] += (double)step.lp;
            n[a.answer[i].label] += 1;
        }
    for (i = 0; i < 2; i++) {
        mid_ctx *ctx;
        mid_plugin *plugin;
        mid_weights *w = NULL;
        mid_monitor *m;
        mid_stream *s;
        CHECK_OK(mid_ctx_open(&ctx));
        CHECK_OK(open_plugin(what[i], 0, &plugin));
        CHECK_OK(mid_ctx_add_monitor(ctx, mid_plugin_ops(plugin)));
        CHECK(mid_plugin_ops(plugin)->fit != NULL);
        CHECK_OK(mid_monitor_fit(test_ctx(), mid_plugin_ops(plugin), NULL, &set, &w));
        CHECK_OK(mid_weights_get(test_ctx(), w, "mean", &mean, &n_row, &n_col));
        CHECK(n_row == 1 && n_col == 2 && mean[0] == (float)(sum[0] / n[0]) && mean[1] == (float)(sum[1] / n[1]));
        CHECK_TEXT(mid_weights_text(w, "note"), "safe, unsafe");
        CHECK_TEXT(mid_weights_text(w, "monitor"), mid_plugin_ops(plugin)->name);
        CHECK_OK(mid_weights_save(test_ctx(), w, path));
        CHECK_OK(mid_monitor_load(ctx, path, &signals, &m));
        CHECK_OK(mid_stream_open(ctx, m, &s));
        CHECK_OK(mid_stream_score(ctx, s, t, i ? score : first, NULL));
        mid_stream_close(s);
        mid_monitor_close(m);
        mid_weights_close(w);
        CHECK_FAILS(mid_monitor_load(test_ctx(), path, &signals, &m), MID_EFORMAT);    /* it knows no such monitor */
        mid_ctx_close(ctx);
        mid_plugin_close(plugin);
    }
    assert_memory_equal(first, score, sizeof first);
    mid_trace_step(t, 0, NULL, &step);
    CHECK_NEAR(first[0], (double)(float)(sum[0] / n[0]) - (double)step.lp, 1e-15);  /* unsafe ones are less likely */
    mid_trace_close(t);
    answers_clear(&a);
}

/* ---- the protocol as it is written down -------------------------------------------------------------------------- */

/* Say the '>' lines of docs/plugins.md to a plug-in; its answers must mean what the '<' lines say. */
static void converse(const char *command, const char *text, const char *end)
{
    const char *const argv[] = { "/bin/sh", "-c", command, NULL };
    char line[2000], type[40];
    mid__process p;
    const char *lf;
    int n = 0;

    CHECK(mid__process_start(&p, command, argv));
    for (; text < end; text = lf + 1) {
        const char *said;
        yyjson_doc *want, *got;
        lf = strchr(text, '\n');
        if (text[0] != '>' || lf + 1 >= end)
            continue;
        n++;
        snprintf(line, sizeof line, "%.*s", (int)(lf + 1 - text - 2), text + 2);
        snprintf(type, sizeof type, "question %d", n);
        said = mid__process_ask(&p, type, line, strlen(line), 30000);
        text = lf + 1;
        lf = strchr(text, '\n');
        CHECK(text[0] == '<' && said != NULL);
        want = yyjson_read(text + 2, (size_t)(lf - text - 2), 0);
        got = yyjson_read(said, strlen(said), 0);
        if (!want || !got || !yyjson_equals(yyjson_doc_get_root(want), yyjson_doc_get_root(got)))
            fail_msg("%s%.*s", line, (int)(lf - text), text);
        yyjson_doc_free(want);
        yyjson_doc_free(got);
    }
    CHECK(n >= 8);
    mid__process_stop(&p);
}

TEST(plugin, conversations_of_the_docs)
{
    static const char *const command[] = { "exec python3 examples/plugin/my_monitor.py",
                                           "exec python3 tests/plugin/learning_monitor.py" };
    char *text;
    const char *begin;
    size_t n, i;

    CHECK_OK(mid__file_read(test_ctx(), "docs/plugins.md", 0, &text, &n));
    for (i = 0, begin = text; i < 2; i++) {
        begin = strstr(begin, "```\n> ");
        assert_non_null(begin);
        begin += 4;
        converse(command[i], begin, strstr(begin, "```"));
    }
    mid_free(text);
}

/* ---- misbehaviour ------------------------------------------------------------------------------------------------ */

/* The third token's push fails with a message that has both parts, and so does everything after it, at once. */
static void breaks(const char *what, const char *how, uint32_t timeout_ms, const char *says)
{
    const mid_param params[] = { { "how", 0, how, NULL }, { NULL, 0, NULL, NULL } };
    const mid_step step[] = { { .i_tok = 0 }, { .i_tok = 1 }, { .i_tok = 2 } };
    const double before_s = mid__now_s();
    double score = 42, from_s;
    const char *trouble;
    mid_status status;
    struct running r;

    begin(&r, what, how ? params : NULL, timeout_ms);
    CHECK_OK(mid_stream_start(r.s, NULL));
    CHECK_NEAR(push(r.s, &step[0]), 1, 0);
    CHECK_NEAR(push(r.s, &step[1]), 2, 0);
    status = mid_stream_push(r.s, &step[2], &score);
    trouble = mid_stream_trouble(r.s, status);
    print_message("  %s\n", trouble);
    CHECK_INT(status, MID_EPLUGIN);
    CHECK_NEAR(score, 42, 0);
    CHECK(strstr(trouble, "plug-in '") == trouble && strchr(trouble, '\n') == NULL);
    if (!strstr(trouble, says))
        fail_msg("'%s' does not say '%s'", trouble, says);
    CHECK(mid__now_s() - before_s < 30);
    from_s = mid__now_s();
    CHECK_FAILS(mid_stream_push(r.s, &step[2], &score), MID_EPLUGIN);
    CHECK_FAILS(mid_stream_start(r.s, NULL), MID_EPLUGIN);
    CHECK_TEXT(mid_stream_trouble(r.s, MID_EPLUGIN), trouble);
    CHECK(mid__now_s() - from_s < 0.2);
    finish(&r);
}

/* What a shared object was compiled against. When this fails, structs that it shares with us are laid out anew: raise
 * MID_PLUGIN_ABI, and write the new sizes here (64-bit machines). */
TEST(plugin, abi_follows_the_structs)
{
    CHECK_INT(MID_PLUGIN_ABI, 2);
    if (sizeof(void *) != 8)
        skip();
    CHECK_INT(sizeof(mid_monitor_ops), 192);
    CHECK_INT(sizeof(mid_step), 128);
    CHECK_INT(sizeof(mid_prompt), 56);
    CHECK_INT(sizeof(mid_signals), 360);
    CHECK_INT(sizeof(mid_param), 32);
    CHECK_INT(sizeof(mid_fit_set), 40);
    CHECK_INT(sizeof(mid_fit_answer), 16);
    CHECK_INT(offsetof(mid_monitor_ops, push), 104);
    CHECK_INT(offsetof(mid_step, judge), 108);
}

TEST(plugin, objects_that_break)
{
    const char *bad = built("tests/plugin/bad_monitor.so");
#if defined(__SANITIZE_ADDRESS__)           /* it catches the signal and exits with a report */
    const char *segfault = "ended", *aborted = "ended";
#else
    const char *segfault = "ended by signal 11 (Segmentation fault) at \"step\"";
    const char *aborted = "ended by signal 6 (Aborted) at \"step\"";
#endif

    breaks(bad, "segfault", 20000, segfault);
    breaks(bad, "abort", 20000, aborted);
    breaks(bad, "exit", 5000, "ended with exit code 0 at \"step\"");
    breaks(bad, "loop", 500, "bad_monitor.so': no answer to \"step\" within 500 ms");
    breaks(bad, "fail", 5000, "refused \"step\": reading or writing failed");
    breaks(bad, "close", 5000, "");
}

TEST(plugin, objects_that_break_at_once)
{
    static const char *const how[] = { "segfault", "abort", "exit", "loop" };
    const char *bad = built("tests/plugin/bad_monitor.so");
    const mid_signals signals = signals_of(N_LAYER, D);
    mid_plugin *plugin = NULL;
    mid_monitor *m = NULL;
    char text[40];
    size_t i;

    for (i = 0; i < 4; i++) {
        setenv("BAD_AT_LOAD", how[i], 1);
        CHECK_FAILS(open_plugin(bad, i == 3 ? 100 : 20000, &plugin), MID_EPLUGIN);
        unsetenv("BAD_AT_LOAD");
        CHECK_SAYS("bad_monitor.so': ");
        CHECK_SAYS(i == 3 ? "no answer to \"hello\"" : "at \"hello\"");
        snprintf(text, sizeof text, "open %s", how[i]);
        CHECK_OK(open_plugin(bad, i == 3 ? 500 : 20000, &plugin));
        {
            const mid_param params[] = { { "how", 0, text, NULL }, { NULL, 0, NULL, NULL } };
            CHECK_FAILS(mid_monitor_open(test_ctx(), mid_plugin_ops(plugin), params, NULL, &signals, &m), MID_EPLUGIN);
        }
        CHECK_SAYS(i == 3 ? "no answer to \"open\"" : "at \"open\"");
        mid_plugin_close(plugin);
        plugin = NULL;
    }
    CHECK(m == NULL);
    CHECK_FAILS(open_plugin(built("tests/plugin/old_monitor.so"), 0, &plugin), MID_EPLUGIN);
    CHECK_SAYS("another MID_PLUGIN_ABI than 2");
    CHECK_FAILS(open_plugin(test_write("junk.so", "not an object", 13), 0, &plugin), MID_EPLUGIN);
    CHECK_SAYS("refused \"hello\": cannot be loaded: ");
    CHECK_FAILS(open_plugin("./no-such.so", 0, &plugin), MID_ENOTFOUND);
    CHECK_SAYS("./no-such.so: no such plug-in");
    CHECK(plugin == NULL);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

/* What it prints is not the protocol; a step that it refuses is not the end. */
TEST(plugin, objects_that_only_seem_to_break)
{
    static const mid_param prints[] = { { "how", 0, "print", NULL }, { NULL, 0, NULL, NULL } };
    static const mid_param refuses[] = { { "how", 0, "refuse", NULL }, { NULL, 0, NULL, NULL } };
    const mid_step step[] = { { .i_tok = 0 }, { .i_tok = 1 }, { .i_tok = 2 }, { .i_tok = 3 } };
    double score = 42;
    struct running r;
    size_t i;

    begin(&r, built("tests/plugin/bad_monitor.so"), prints, 0);
    CHECK_OK(mid_stream_start(r.s, NULL));
    for (i = 0; i < 4; i++)
        CHECK_NEAR(push(r.s, &step[i]), (double)i + 1, 0);
    finish(&r);
    begin(&r, built("tests/plugin/bad_monitor.so"), refuses, 0);
    CHECK_OK(mid_stream_start(r.s, NULL));
    CHECK_NEAR(push(r.s, &step[0]), 1, 0);
    CHECK_NEAR(push(r.s, &step[1]), 2, 0);
    CHECK_FAILS(mid_stream_push(r.s, &step[2], &score), MID_ENUMERIC);
    CHECK_NEAR(push(r.s, &step[3]), 3, 0);
    finish(&r);
}

TEST(plugin, commands_that_break)
{
    static const struct { const char *how; uint32_t timeout_ms; const char *says; } row[] = {
        { "raise", 5000, "exit code 1 at \"step\"; on stderr: 'ValueError: on purpose'" },
        { "exit", 5000, "bad_monitor.py 'exit'': ended with exit code 0 at \"step\"" },
        { "exit 7", 5000, "ended with exit code 7" },
        { "kill", 5000, "ended by signal 9 (Killed)" },
        { "silent", 400, "no answer to \"step\" within 400 ms" },
        { "loop", 400, "no answer to \"step\" within 400 ms" },
        { "child", 1000, "no answer to \"step\"" },
        { "long line", 20000, "answered \"step\" with more than 8388608 bytes, beginning 'xxxx" },
        { "stderr endless", 1000, "no answer to \"step\" within 1000 ms; on stderr: 'yyyy" },
        { "nan", 5000, "answered \"step\" with '{\"type\":\"score\",\"score\":NaN}'; that is not JSON; an object of" },
        { "infinite", 5000, "1e999}'; that is not JSON" },
        { "text", 5000, "\"0.5\"}'; a number \"score\" is wanted" },
        { "none", 5000, "a number \"score\" is wanted" },
        { "other id", 5000, "\"id\":999,\"score\":1}'; its id is not the one asked for" },
        { "other token", 5000, "its i_tok is not the one asked for" },
        { "banana", 5000, "answered \"step\" with 'banana'; that is not JSON; an object of type \"score\" is wanted" },
        { "half", 5000, "'{\"type\":\"score\",\"sco'; that is not JSON" },
        { "list", 5000, "answered \"step\" with '[1]'; an object of type \"score\" is wanted" },
        { "empty", 5000, "answered \"step\" with ''; that is not JSON" },
        { "ok", 5000, "an object of type \"score\" is wanted" },
        { "type", 5000, "an object of type \"score\" is wanted" },
        { "deep", 20000, "answered \"step\" with '[[[[" },
        { "error", 5000, "refused \"step\": no mood for this" },
        { "error odd", 5000, "refused \"step\": (it gave no message)" },
    };
    char command[80];
    size_t i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(command, sizeof command, "python3 tests/plugin/bad_monitor.py '%s'", row[i].how);
        breaks(command, NULL, row[i].timeout_ms, row[i].says);
    }
}

/* Loud on stderr, but it answers; a step refused in the protocol's words; a line's end that is not there in time. */
TEST(plugin, commands_that_only_seem_to_break)
{
    const mid_step step[] = { { .i_tok = 0 }, { .i_tok = 1 }, { .i_tok = 2 }, { .i_tok = 3 } };
    double score = 42;
    struct running r;
    size_t i;

    begin(&r, "python3 tests/plugin/bad_monitor.py stderr", NULL, 60000);
    CHECK_OK(mid_stream_start(r.s, NULL));
    for (i = 0; i < 4; i++)
        CHECK_NEAR(push(r.s, &step[i]), (double)i + 1, 0);
    finish(&r);
    begin(&r, "python3 tests/plugin/bad_monitor.py refuse", NULL, 0);
    CHECK_OK(mid_stream_start(r.s, NULL));
    CHECK_NEAR(push(r.s, &step[0]), 1, 0);
    CHECK_NEAR(push(r.s, &step[1]), 2, 0);
    CHECK_FAILS(mid_stream_push(r.s, &step[2], &score), MID_ENUMERIC);
    CHECK_NEAR(push(r.s, &step[3]), 4, 0);
    finish(&r);
}

/* A line too many shows when the next question is about to be asked. */
TEST(plugin, a_line_too_many)
{
    const mid_step step[] = { { .i_tok = 0 }, { .i_tok = 1 }, { .i_tok = 2 }, { .i_tok = 3 } };
    static const char *const how[] = { "two", "endless", "nul" };
    double score = 42;
    char command[80];
    struct running r;
    size_t i, k;

    for (k = 0; k < 3; k++) {
        snprintf(command, sizeof command, "python3 tests/plugin/bad_monitor.py %s", how[k]);
        begin(&r, command, NULL, 0);
        CHECK_OK(mid_stream_start(r.s, NULL));
        for (i = 0; i < 2; i++)
            CHECK_NEAR(push(r.s, &step[i]), (double)i + 1, 0);
        if (k == 2) {                           /* what is behind a NUL is not looked at */
            CHECK_NEAR(push(r.s, &step[2]), 1, 0);
        } else {
            CHECK_OK(mid_stream_push(r.s, &step[2], &score));
            poll(NULL, 0, 200);
            CHECK_FAILS(mid_stream_push(r.s, &step[3], &score), MID_EPLUGIN);
            CHECK(strstr(mid_stream_trouble(r.s, MID_EPLUGIN), "without being asked") != NULL);
        }
        finish(&r);
    }
}

TEST(plugin, commands_that_break_at_once)
{
    static const struct { const char *what; const char *says; } row[] = {
        { "no-such-command --at-all", "plug-in 'no-such-command --at-all': ended with exit code 127 at \"hello\";" },
        { "true", "plug-in 'true': ended with exit code 0 at \"hello\"" },
        { "echo Welcome", "answered \"hello\" with 'Welcome'; that is not JSON; an object of type \"ready\"" },
        { "cat", "answered \"hello\" with '{\"type\":\"hello\"," },
        { "sleep 60", "no answer to \"hello\" within 1200 ms" },
        { "python3 tests/plugin/bad_monitor.py 'bytes '", "with '??? caf\xc3\xa9 ?'; that is not JSON" },
        { "python3 tests/plugin/bad_monitor.py 'hello error'", "refused \"hello\": no mood for this" },
    };
    mid_plugin *plugin = NULL;
    size_t i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        CHECK_FAILS(open_plugin(row[i].what, i == 4 ? 200 : 5000, &plugin), MID_EPLUGIN);
        CHECK_SAYS(row[i].says);
    }
    CHECK(plugin == NULL);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

/* What a plug-in says it is must make sense. */
TEST(plugin, odd_descriptions)
{
    static const struct { const char *rest; const char *says; } row[] = {
        { "\"a\":1", "a \"name\" of at most 60" },
        { "\"name\":[1],\"needs\":[]", "a \"name\" of at most 60" },
        { "\"name\":\"A b\",\"needs\":[]", "a \"name\" of at most 60" },
        { "\"name\":\"../x\",\"needs\":[]", "a \"name\" of at most 60" },
        { "\"name\":\"a\"", "a list \"needs\" of signals" },
        { "\"name\":\"a\",\"needs\":[\"smell\"]", "a list \"needs\" of signals" },
        { "\"name\":\"a\",\"needs\":[],\"fit_needs\":1", "\"fit_needs\" is a list" },
        { "\"name\":\"a\",\"needs\":[],\"version\":0", "its \"version\" is a number" },
        { "\"name\":\"a\",\"needs\":[],\"shares\":16", "\"shares\" a sum" },
        { "\"name\":\"a\",\"needs\":[],\"box\":\"red\"", "its \"box\" is control" },
        { "\"name\":\"a\",\"needs\":[],\"learns\":1", "true or false" },
        { "\"name\":\"a\",\"needs\":[],\"params\":[{\"name\":\"c\"}]", "its \"params\" are at most 32" },
        { "\"name\":\"a\",\"needs\":[],\"params\":{}", "its \"params\" are at most 32" },
    };
    mid_plugin *plugin = NULL;
    char command[200];
    size_t i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(command, sizeof command, "read x; echo '{\"type\":\"ready\",%s}'; read x", row[i].rest);
        CHECK_FAILS(open_plugin(command, 5000, &plugin), MID_EPLUGIN);
        CHECK_SAYS(row[i].says);
    }
    CHECK(plugin == NULL);
}

/* A plug-in that says something else the second time. */
TEST(plugin, one_that_changes_its_mind)
{
    const char *path = test_path("count");
    const mid_signals signals = signals_of(N_LAYER, D);
    mid_plugin *plugin;
    mid_monitor *m = NULL;
    char command[800];

    snprintf(command, sizeof command, "read x; echo . >> %s; "
             "echo '{\"type\":\"ready\",\"name\":\"n'$(wc -l < %s)'\",\"needs\":[]}'; read x", path, path);
    CHECK_OK(open_plugin(command, 0, &plugin));
    CHECK_TEXT(mid_plugin_ops(plugin)->name, "n1");
    CHECK_FAILS(mid_monitor_open(test_ctx(), mid_plugin_ops(plugin), NULL, NULL, &signals, &m), MID_EPLUGIN);
    CHECK_SAYS("\"n2\",\"needs\":[]}'; it said otherwise the first time");
    CHECK(m == NULL);
    mid_plugin_close(plugin);
}

/* Weights are a stranger's too. */
TEST(plugin, weights_that_make_no_sense)
{
    static const struct { const char *answer, *says; } row[] = {
        { "\"weights\",\"tensors\":{\"w\":{\"rows\":2,\"cols\":2,\"data\":[1]}}", "its weights: tensor \"w\" has 1" },
        { "\"weights\",\"tensors\":{\"w\":{\"rows\":1,\"cols\":1,\"data\":[1e300]}}", "its weights: \"w\" is 1e300" },
        { "\"weights\",\"text\":{\"a\":[]}", "its weights: \"a\" is []" },
        { "\"ok\"", "answered \"learn\" with '{\"type\":\"ok\"}'; an object of type \"weights\" is wanted" },
        { "\"error\",\"message\":\"too few\"", "refused \"learn\": too few" },
    };
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_plugin *plugin;
    mid_weights *w = NULL;
    char command[700];
    size_t i;

    fill(&a);
    set = set_of(&a);
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(command, sizeof command,
                 "read x; echo '{\"type\":\"ready\",\"name\":\"a\",\"needs\":[],\"learns\":true}'; "
                 "while read x; do case $x in *'\"learn\"'*) echo '{\"type\":%s}';; "
                 "*) echo '{\"type\":\"ok\"}';; esac; done",
                 row[i].answer);
        CHECK_OK(open_plugin(command, 0, &plugin));
        CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_plugin_ops(plugin), NULL, &set, &w), MID_EPLUGIN);
        CHECK_SAYS(row[i].says);
        mid_plugin_close(plugin);
    }
    CHECK(w == NULL);
    answers_clear(&a);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

TEST(plugin, names_mean_one_monitor)
{
    mid_plugin *plugin;
    mid_ctx *ctx;

    CHECK_OK(mid_ctx_open(&ctx));
    CHECK_OK(open_plugin(py_example, 0, &plugin));
    CHECK(mid_ctx_find_monitor(ctx, "exclamations") == NULL);
    CHECK_OK(mid_ctx_add_monitor(ctx, mid_plugin_ops(plugin)));
    CHECK(mid_ctx_find_monitor(ctx, "exclamations") == mid_plugin_ops(plugin));
    CHECK(mid_ctx_find_monitor(ctx, "length") == mid_monitor_find("length"));
    CHECK(mid_monitor_find("exclamations") == NULL && mid_ctx_find_monitor(NULL, "exclamations") == NULL);
    CHECK_INT(mid_ctx_add_monitor(ctx, mid_plugin_ops(plugin)), MID_EINVAL);
    CHECK_INT(mid_ctx_add_monitor(ctx, mid_monitor_find("length")), MID_EINVAL);
    CHECK(strstr(mid_ctx_message(ctx), "there is a monitor 'length' already") != NULL);
    mid_ctx_close(ctx);
    mid_plugin_close(plugin);
    mid_plugin_close(NULL);
}

/* Results are kept under a hash that covers the files a command names. */
TEST(plugin, build_follows_the_files)
{
    static const char script[] = "read x; echo '{\"type\":\"ready\",\"name\":\"a\",\"needs\":[]}'; read x\n";
    const char *path = test_write("plug.sh", script, strlen(script));
    mid_plugin *a, *b, *c;
    char command[600], changed[200];

    snprintf(command, sizeof command, "sh '%s'", path);
    CHECK_OK(open_plugin(command, 0, &a));
    CHECK_OK(open_plugin(command, 0, &b));
    CHECK_TEXT(mid_plugin_ops(a)->build, mid_plugin_ops(b)->build);
    snprintf(changed, sizeof changed, "%s# another line\n", script);
    test_write("plug.sh", changed, strlen(changed));
    CHECK_OK(open_plugin(command, 0, &c));
    CHECK(strcmp(mid_plugin_ops(a)->build, mid_plugin_ops(c)->build) != 0);
    mid_plugin_close(a);
    mid_plugin_close(b);
    mid_plugin_close(c);
}
