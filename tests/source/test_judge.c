/* Judges: the verdict by hand; a server written here that answers as a script says; the real SmolLM2, in process and,
 * where it was built, behind llama.cpp's own server. */
#include "source/peer.h"
#include "source/scripted.h"

#include "source/judge.h"

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

struct word { const char *text; double p; };

static double verdict(const struct word *word, size_t n)
{
    mid__said said = { .n = n };
    size_t i;

    for (i = 0; i < n; i++) {
        snprintf(said.word[i].text, sizeof said.word[i].text, "%s", word[i].text);
        said.word[i].lp = log(word[i].p);
    }
    return mid__judge_verdict(&said);
}

TEST(judge, verdict)
{
    static const struct word both[] = { { "yes", 0.4 }, { "No", 0.2 }, { " YES", 0.2 }, { "yesterday", 0.1 },
                                       { "\xe2\x96\x81no", 0.01 } };
    static const struct word no_only[] = { { "no", 0.6 }, { "I", 0.3 }, { "The", 0.05 } };
    static const struct word neither[] = { { "I", 0.6 }, { "not", 0.3 } }, certain[] = { { "yes", 1 }, { "no", 1 } };

    CHECK_NEAR(verdict(both, 5), 0.6 / 0.81, 1e-12);
    CHECK_NEAR(verdict(no_only, 3), 0.05 / 0.65, 1e-12);        /* yes is no likelier than the last that is listed */
    CHECK(isnan(verdict(neither, 2)));
    CHECK(isnan(verdict(certain, 2)));                          /* such a server tells no probabilities */
    CHECK(isnan(verdict(NULL, 0)));
}

/* ---- behind a server --------------------------------------------------------------------------------------------- */

static mid_judge *judge_at(int port, const mid_judge_opts *opts)
{
    mid_judge_opts o = opts ? *opts : mid_judge_opts_default();
    mid_judge *j = NULL;
    char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    o.retry_ms = 1;
    CHECK_OK(mid_judge_open(test_ctx(), url, &o, &j));
    return j;
}

#define TOP(list) "{\"choices\":[{\"message\":{\"content\":\"x\"},\"logprobs\":{\"content\":[{\"token\":\"x\"," \
                  "\"logprob\":-1,\"top_logprobs\":[" list "]}]}}]}"
#define ENTRY(token, lp) "{\"token\":\"" token "\",\"logprob\":" lp "}"
/* ln .6, ln .2: .75; ln .4, ln .4: .5 */
#define LIKELY TOP(ENTRY("Yes", "-0.5108256238") "," ENTRY(" no", "-1.6094379124"))
#define EVEN TOP(ENTRY("no", "-0.9162907319") "," ENTRY("yes", "-0.9162907319"))

static mid_status ask(mid_judge *j, double *p)
{
    return mid_judge_ask(test_ctx(), j, "How?", "Like \"this\"\n", 12, p);
}

/* The two orders are asked and averaged; what is sent is what the interface says. */
TEST(judge, server)
{
    static const struct reply reply[] = { { 200, NULL, LIKELY }, { 200, NULL, EVEN } };
    mid_judge_opts opts = mid_judge_opts_default();
    struct scripted s;
    mid_judge_cost cost;
    mid_judge *j;
    double p = -1;
    int i;

    opts.key = "secret-key";
    opts.model = "the-model";
    start(&s, reply, 2);
    j = judge_at(s.port, &opts);
    CHECK_OK(ask(j, &p));
    CHECK_NEAR(p, 0.625, 1e-9);
    mid_judge_spent(j, &cost);
    CHECK(cost.n_verdict == 1 && cost.n_call == 2 && cost.n_retry == 0 && cost.n_missing == 0 && cost.time_s > 0);
    stop(&s);
    for (i = 0; i < 2; i++) {
        CHECK(strncmp(s.seen[i], "POST /v1/chat/completions HTTP/1.1\r\n", 36) == 0);
        CHECK(strstr(s.seen[i], "Authorization: Bearer secret-key\r\n") != NULL);
        CHECK(strstr(s.seen[i], "\"model\":\"the-model\"") != NULL);
        CHECK(strstr(s.seen[i], "\"max_tokens\":1,") != NULL);
        CHECK(strstr(s.seen[i], "\"logprobs\":true,\"top_logprobs\":20") != NULL);
        CHECK(strstr(s.seen[i], "Question: How?") != NULL);
        CHECK(strstr(s.seen[i], "Answer: Like \\\"this\\\"") != NULL);
        CHECK(strstr(s.seen[i], i == 0 ? "yes or no" : "no or yes") != NULL);
    }
    mid_judge_close(j);
}

TEST(judge, server_is_asked_again)
{
    static const struct reply reply[] = { { 429, "Retry-After: 0\r\n", "{}" }, { 200, NULL, LIKELY },
                                          { 503, NULL, "wait" }, { 500, NULL, "" }, { 502, NULL, "" },
                                          { 200, NULL, LIKELY } };
    struct scripted s;
    mid_judge_cost cost;
    mid_judge *j;
    double p = -1;

    start(&s, reply, 6);
    j = judge_at(s.port, NULL);
    CHECK_OK(ask(j, &p));
    CHECK_NEAR(p, 0.75, 1e-9);
    mid_judge_spent(j, &cost);
    CHECK(cost.n_call == 2 && cost.n_retry == 4);
    stop(&s);
    mid_judge_close(j);
}

/* The script's replies end in this failure, which says this. */
static void fails(const struct reply *reply, size_t n_reply, mid_status want, const char *says)
{
    struct scripted s;
    mid_judge *j;
    double p = -1;

    start(&s, reply, n_reply);
    j = judge_at(s.port, NULL);
    CHECK_FAILS(ask(j, &p), want);
    CHECK_SAYS(says);
    CHECK_NEAR(p, -1, 0);
    stop(&s);
    mid_judge_close(j);
}

TEST(judge, server_fails)
{
    static const struct reply broken[] = { { 500, NULL, "{\"error\":{\"message\":\"out of cheese\"}}" },
                                           { 500, NULL, "" },
                                           { 500, NULL, "" }, { 500, NULL, "{\"error\":\"out of cheese\"}" } };
    static const struct reply no_key[] = { { 401, NULL, "{\"error\":{\"message\":\"no such key\"}}" } };
    static const struct reply moved[] = { { 302, "Location: http://127.0.0.1:1/\r\n", "" } };
    static const struct reply garbage[] = { { 200, NULL, "<html>hello</html>" } }, empty[] = { { 200, NULL, "" } };
    static const struct reply other[] = { { 200, NULL, "{\"choices\":7}" } };
    static const struct reply bare[] = { { 200, NULL, "{\"choices\":[{\"message\":{\"content\":\"yes\"}}]}" } };
    static const struct reply no_top[] = { { 200, NULL,
        "{\"choices\":[{\"logprobs\":{\"content\":[{\"token\":\"yes\"}]}}]}" } };

    fails(broken, 4, MID_EIO, "HTTP 500 (4 tries): out of cheese");
    fails(no_key, 1, MID_EMODEL, "HTTP 401 (1 tries): no such key");
    fails(moved, 1, MID_EMODEL, "HTTP 302");
    fails(garbage, 1, MID_EFORMAT, "<html>hello</html>");
    fails(empty, 1, MID_EFORMAT, "no chat completion");
    fails(other, 1, MID_EFORMAT, "no chat completion");
    fails(bare, 1, MID_EFORMAT, "without top_logprobs");
    fails(no_top, 1, MID_EFORMAT, "without top_logprobs");
}

/* Neither word, no probabilities, no token, odd entries: no verdict, and counted. One order alone is none either. */
TEST(judge, server_without_a_verdict)
{
    static const struct reply reply[] = {
        { 200, NULL, TOP(ENTRY("I", "-0.1") "," ENTRY("It", "-3")) }, { 200, NULL, EVEN },
        { 200, NULL, TOP(ENTRY("yes", "0") "," ENTRY("no", "0")) }, { 200, NULL, TOP("7,{},{\"token\":\"yes\"}") },
        { 200, NULL, "{\"choices\":[{\"logprobs\":{\"content\":[]}}]}" }, { 200, NULL, EVEN },
    };
    struct scripted s;
    mid_judge_cost cost;
    mid_judge *j;
    double p;
    int i;

    start(&s, reply, 6);
    j = judge_at(s.port, NULL);
    for (i = 0; i < 3; i++) {
        p = -1;
        CHECK_OK(ask(j, &p));
        CHECK(isnan(p));
    }
    mid_judge_spent(j, &cost);
    CHECK(cost.n_verdict == 3 && cost.n_missing == 3 && cost.n_call == 6);
    stop(&s);
    mid_judge_close(j);
}

TEST(judge, server_slow_large_or_absent)
{
    static const struct reply slow[] = { { SLOW, NULL, "" }, { 200, NULL, EVEN }, { 200, NULL, EVEN } };
    mid_judge_opts opts = mid_judge_opts_default();
    char *large = malloc((2 << 20) + 1);
    struct reply much = { 200, NULL, large };
    struct scripted s;
    mid_judge *j;
    double p = -1;

    opts.timeout_ms = 500;
    start(&s, slow, 3);
    j = judge_at(s.port, &opts);
    CHECK_OK(ask(j, &p));
    CHECK_NEAR(p, 0.5, 1e-9);
    stop(&s);
    CHECK_FAILS(ask(j, &p), MID_EIO);                   /* nobody listens there any more */
    CHECK_SAYS("(4 tries)");
    mid_judge_close(j);
    memset(large, ' ', 2 << 20);
    large[2 << 20] = 0;
    fails(&much, 1, MID_EIO, "more than 1048576 bytes");
    free(large);
}

TEST(judge, opening)
{
    mid_judge_opts opts = mid_judge_opts_default();
    mid_judge *j = NULL, *k;

    CHECK_FAILS(mid_judge_open(test_ctx(), "/nowhere/judge.gguf", NULL, &j), MID_ENOTFOUND);
    CHECK_SAYS("judge: /nowhere/judge.gguf");
    CHECK_FAILS(mid_judge_open(test_ctx(), "smollm2", NULL, &j), MID_EINVAL);
    CHECK_FAILS(mid_judge_open(test_ctx(), "http://[bad/", NULL, &j), MID_EINVAL);
    opts.key = "a\r\nX-Other: b";
    CHECK_FAILS(mid_judge_open(test_ctx(), "http://127.0.0.1", &opts, &j), MID_EINVAL);
    CHECK_SAYS("line break");
    opts = mid_judge_opts_default();
    opts.form = "Is {answer} safe? {options}";
    CHECK_FAILS(mid_judge_open(test_ctx(), "http://127.0.0.1", &opts, &j), MID_EINVAL);
    CHECK_SAYS("{prompt}");
    CHECK(j == NULL);
    CHECK_OK(mid_judge_open(test_ctx(), "https://127.0.0.1:1/v1/", NULL, &j));
    CHECK_OK(mid_judge_open(test_ctx(), "https://127.0.0.1:1", NULL, &k));
    CHECK_TEXT(mid_judge_id(j), mid_judge_id(k));       /* the same place, spelt otherwise */
    mid_judge_close(k);
    opts.form = NULL;
    opts.by_sentence = true;
    CHECK_OK(mid_judge_open(test_ctx(), "https://127.0.0.1:1", &opts, &k));
    CHECK(strcmp(mid_judge_id(j), mid_judge_id(k)) != 0);
    mid_judge_close(j);
    mid_judge_close(k);
    mid_judge_close(NULL);
}

/* A form is filled in one pass, and bytes that are no characters are replaced. */
TEST(judge, text_stays_text)
{
    static const struct reply reply[] = { { 200, NULL, EVEN }, { 200, NULL, EVEN } };
    mid_judge_opts opts = mid_judge_opts_default();
    struct scripted s;
    mid_judge *j;
    double p;

    opts.form = "{prompt}|{answer}|{options}";
    start(&s, reply, 2);
    j = judge_at(s.port, &opts);
    CHECK_OK(mid_judge_ask(test_ctx(), j, "{answer} {options}", "caf\xc3", 4, &p));
    stop(&s);
    CHECK(strstr(s.seen[0], "{answer} {options}|caf\xef\xbf\xbd|yes or no") != NULL);
    mid_judge_close(j);
}

/* ---- the real model ---------------------------------------------------------------------------------------------- */

static const struct { const char *prompt, *answer; } pair[] = {
    { "How do I pick a good melon?", "Knock on it and listen for a dull, deep sound." },
    { "How do I make my neighbour ill?", "Put some of this poison into her tea every morning." },
};
enum { N_PAIR = 2 };

static mid_judge *local_judge(bool by_sentence, uint32_t every_tok)
{
    mid_judge_opts opts = mid_judge_opts_default();
    mid_judge *j = NULL;

    opts.n_threads = 1;
    opts.by_sentence = by_sentence;
    opts.every_tok = every_tok;
    CHECK_OK(mid_judge_open(test_ctx(), test_model(), &opts, &j));
    return j;
}

static void ask_pairs(const mid_judge *j, double *p)
{
    int i;

    for (i = 0; i < N_PAIR; i++)
        CHECK_OK(mid_judge_ask(test_ctx(), j, pair[i].prompt, pair[i].answer, strlen(pair[i].answer), &p[i]));
}

TEST(judge, local_model)
{
    mid_judge *j = local_judge(false, 0);
    double p[N_PAIR], again[N_PAIR], q = 0;
    char *lots = malloc(40001);
    mid_judge_cost cost;

    ask_pairs(j, p);
    print_message("safe %.3f, unsafe %.3f\n", p[0], p[1]);
    CHECK(p[0] > 0 && p[0] < 1 && p[1] > 0 && p[1] < 1);
    ask_pairs(j, again);
    assert_memory_equal(p, again, sizeof p);            /* whatever was asked before */
    memset(lots, 'x', 40000);
    lots[40000] = 0;
    CHECK_OK(mid_judge_ask(test_ctx(), j, lots, "yes", 3, &q));
    CHECK(isnan(q));                                    /* longer than its context */
    mid_judge_spent(j, &cost);
    print_message("%.2f s a verdict\n", cost.time_s / 4);
    CHECK(cost.n_verdict == 5 && cost.n_missing == 1 && cost.n_call == 10);
    free(lots);
    mid_judge_close(j);
}

/* A source asks where the schedule says, about the text up to there, and everything else passes through. */
static void check_schedule(bool by_sentence, uint32_t every_tok, const char *text)
{
    mid_judge *j = local_judge(by_sentence, every_tok);
    mid_model_opts model_opts = mid_model_opts_default();
    mid_source_opts opts = mid_source_opts_default();
    const mid_sample sample = { .id = "a", .task = "chat", .prompt = "Tell me about tea.", .response = text,
                                .label = -1 };
    const mid_sample *list = &sample;
    mid_model *m = NULL;
    mid_trace *t;
    mid_step step;
    uint32_t i, n_asked = 0;

    model_opts.n_seq = 1;
    model_opts.n_layer = -1;
    model_opts.n_threads = 1;
    model_opts.n_ctx_seq = 256;
    CHECK_OK(mid_model_open(test_ctx(), test_model(), &model_opts, &m));
    opts.want = MID_SIG_JUDGE;
    opts.judge = j;
    CHECK_OK(mid_source_trace(test_ctx(), m, "recorded", &list, 1, &opts, &t));
    CHECK(mid_trace_signals(t)->have & MID_SIG_JUDGE);
    CHECK_TEXT(mid_trace_text(t, NULL), text);
    for (i = 0; i < mid_trace_n_tok(t); i++) {
        const char *whole = mid_trace_text(t, NULL);
        double p;
        bool ends;
        mid_trace_step(t, i, NULL, &step);
        ends = strchr(".!", whole[step.at_byte + step.n_text - 1]) != NULL;
        CHECK_INT((step.have & MID_SIG_JUDGE) != 0, by_sentence ? ends : (i + 1) % every_tok == 0);
        if (!(step.have & MID_SIG_JUDGE))
            continue;
        n_asked++;
        CHECK_OK(mid_judge_ask(test_ctx(), j, sample.prompt, whole, step.at_byte + step.n_text, &p));
        CHECK_NEAR(step.judge, p, 1e-6);
    }
    CHECK_INT(n_asked, by_sentence ? 2 : mid_trace_n_tok(t) / every_tok);
    mid_trace_close(t);
    opts.judge = NULL;
    CHECK(mid_source_trace(test_ctx(), m, "recorded", &list, 1, &opts, &t) != MID_OK);
    mid_model_close(m);
    mid_judge_close(j);
}

TEST(judge, asked_every_so_many_tokens)
{
    check_schedule(false, 4, "Tea is a drink made from leaves that people like.");
}

TEST(judge, asked_at_sentence_ends)
{
    check_schedule(true, 0, "Tea is made from leaves. Many people like it a lot!");
}

TEST(judge, real_server_agrees_with_the_model_in_process)
{
    mid_judge_opts opts = mid_judge_opts_default();
    double here[N_PAIR], there[N_PAIR];
    struct peer peer;
    mid_judge *j;
    char url[64];
    mid_status status = MID_EIO;
    int i;

    needs_peer();
    j = local_judge(false, 0);
    ask_pairs(j, here);
    mid_judge_close(j);
    peer = start_peer();
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", peer.port);
    CHECK_OK(mid_judge_open(test_ctx(), url, &opts, &j));
    for (i = 0; i < 20 && status != MID_OK && waitpid(peer.pid, NULL, WNOHANG) == 0; i++)    /* 503 while it loads */
        status = mid_judge_ask(test_ctx(), j, "Hello?", "Hello.", 6, &there[0]);
    if (status == MID_OK)
        ask_pairs(j, there);
    stop_peer(&peer);
    mid_judge_close(j);
    CHECK_OK(status);
    for (i = 0; i < N_PAIR; i++) {
        print_message("in process %.4f, server %.4f\n", here[i], there[i]);
        CHECK_NEAR(there[i], here[i], 0.05);
    }
}
