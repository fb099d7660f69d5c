/* Source "openai": streams written by us from the vendors' documented formats (synthetic-*.sse), replayed whole and in
 * pieces; a server written here that fails in every way it can; and, where it was built, llama.cpp's own server. */
#include "source/peer.h"
#include "source/scripted.h"

#include "source/chunk.h"
#include "source/http.h"
#include "base/sse.h"

/* ---- events ------------------------------------------------------------------------------------------------------ */

struct events { char text[400]; size_t n, n_max; };

static bool note_event(void *user, const char *data, size_t n)
{
    struct events *e = user;

    CHECK(data[n] == 0);
    snprintf(e->text + strlen(e->text), sizeof e->text - strlen(e->text), "[%s]", data);
    return ++e->n < e->n_max;
}

/* The stream in pieces of so many bytes; n_max events are enough. */
static mid_status events_of(const char *stream, size_t piece, size_t n_max, struct events *e)
{
    const size_t n = strlen(stream);
    mid_status status = MID_OK;
    mid__sse sse;
    size_t at;

    *e = (struct events){ .n_max = n_max };
    mid__sse_init(&sse);
    for (at = 0; status == MID_OK && at < n; at += piece)
        status = mid__sse_push(test_ctx(), &sse, stream + at, piece < n - at ? piece : n - at, note_event, e);
    mid__sse_clear(&sse);
    return status;
}

TEST(openai, events_wherever_they_are_cut)
{
    static const char stream[] = "\xef\xbb\xbf" ": hello\n\ndata: one\n\ndata:two\r\ndata:  2\r\n\r\nevent: x\rdata: three\rid: 7\r\r"
                                 "data\n\nretry: 5\n\ndatum: no\n\ndata: \xe2\x98\x95\n\r\ndata: never ended\n";
    struct events e;
    size_t piece;

    for (piece = 1; piece <= sizeof stream; piece++) {
        CHECK_OK(events_of(stream, piece, 99, &e));
        CHECK_TEXT(e.text, "[one][two\n 2][three][][\xe2\x98\x95]");
    }
    CHECK_FAILS(events_of(stream, 7, 2, &e), MID_ECANCEL);
    CHECK_TEXT(e.text, "[one][two\n 2]");
}

TEST(openai, events_have_a_limit)
{
    struct events e;
    char *much = malloc(MID__SSE_LIMIT_BYTES + 100);

    memset(much, 'x', MID__SSE_LIMIT_BYTES + 99);
    much[MID__SSE_LIMIT_BYTES + 99] = 0;
    CHECK_FAILS(events_of(much, 1000, 9, &e), MID_ELIMIT);
    CHECK_SAYS("1048576");
    free(much);
}

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

#define CHUNK(text, logprobs) "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"},\"logprobs\":" logprobs "}]}"

static mid_status read_chunk(mid__chunks *c, const char *json)
{
    return mid__chunks_read(test_ctx(), c, json, strlen(json), 3);
}

TEST(openai, chunks)
{
    mid__chunks c;

    mid__chunks_init(&c);
    CHECK_OK(read_chunk(&c, CHUNK("a", "{\"content\":[{\"token\":\"a\",\"logprob\":-1,\"bytes\":null,\"top_logprobs\":["
        "{\"token\":\"d\",\"logprob\":-4},{\"token\":\"b\",\"logprob\":-2},{\"token\":\"a\",\"logprob\":-1},"
        "{\"token\":\"c\",\"logprob\":-3},{\"token\":\"e\",\"logprob\":-9999.0},{\"token\":7,\"logprob\":-1}]}]}")));
    CHECK_INT(c.n_tok, 1);
    CHECK_INT(c.tok[0].n_top, 3);       /* the likeliest, in order */
    CHECK(c.tok[0].top_lp[0] == -1 && c.tok[0].top_lp[1] == -2 && c.tok[0].top_lp[2] == -3);
    CHECK_INT(c.tok[0].top[1], mid__tok_id("b", 1));
    CHECK_OK(read_chunk(&c, CHUNK("b", "{\"content\":[{\"token\":\"b\",\"logprob\":-9999.0},{\"token\":\"\",\"logprob\":1e-6},"
                                       "{\"token\":\"x\",\"logprob\":0.7},{\"token\":\"y\"}]}")));
    CHECK_INT(c.n_tok, 5);
    CHECK(isnan(c.tok[1].lp) && c.tok[2].lp == 0 && isnan(c.tok[3].lp) && isnan(c.tok[4].lp));
    mid__chunks_take(&c, 3);
    CHECK(c.n_tok == 2 && c.tok[1].at == 1 && c.bytes.n == 2 && memcmp(c.bytes.at, "xy", 2) == 0);
    mid__chunks_take(&c, 2);
    CHECK(c.n_tok == 0 && c.bytes.n == 0);
    /* llama.cpp's server: ln p of a character's last byte, under the bytes of all of it */
    CHECK_OK(read_chunk(&c, CHUNK("\u2615", "{\"content\":[{\"id\":227,\"token\":\"\u2615\",\"bytes\":[226,152,149],\"logprob\":"
                                            "-0.1,\"top_logprobs\":[{\"id\":227,\"token\":\"?\",\"bytes\":[149],\"logprob\":-0.1}]}]}")));
    CHECK(c.n_tok == 1 && isnan(c.tok[0].lp));
    /* thoughts are no answer */
    CHECK_OK(read_chunk(&c, "{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"},\"logprobs\":{\"content\":[{\"token\":\"hm\","
                            "\"logprob\":-1}]}}]}"));
    CHECK_INT(c.n_tok, 1);
    CHECK_OK(read_chunk(&c, "{\"choices\":[],\"usage\":{\"total_tokens\":3}}"));
    CHECK_TEXT(c.text.at, "ab\u2615");
    CHECK_TEXT(c.finish, "");
    CHECK_OK(read_chunk(&c, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}"));
    CHECK_TEXT(c.finish, "length");
    mid__chunks_clear(&c);
}

TEST(openai, chunks_that_are_none)
{
    static const struct { const char *json, *says; mid_status status; } bad[] = {
        { "", "no chunk", MID_EFORMAT }, { "{\"choices\":[{\"delta\":{\"con", "no chunk", MID_EFORMAT },
        { "7", "no chunk", MID_EFORMAT }, { "{\"choices\":{}}", "no chunk", MID_EFORMAT },
        { "{\"choices\":[7]}", "neither delta.content nor text", MID_EFORMAT },
        { "{\"choices\":[{\"text\":[]}]}", "neither", MID_EFORMAT },
        { CHUNK("a", "{\"content\":[{\"logprob\":-1}]}"), "no text", MID_EFORMAT },
        { CHUNK("a", "{\"content\":[{\"token\":\"a\",\"bytes\":[256]}]}"), "no text", MID_EFORMAT },
        { "{\"error\":{\"message\":\"out of cheese\"}}", "out of cheese", MID_EIO },
        { "{\"error\":\"out of cheese\"}", "out of cheese", MID_EIO }, { "{\"error\":{}}", "without a word", MID_EIO },
    };
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mid__chunks c;
        mid__chunks_init(&c);
        CHECK_FAILS(read_chunk(&c, bad[i].json), bad[i].status);
        CHECK_SAYS(bad[i].says);
        mid__chunks_clear(&c);
    }
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static const mid_sample sample = { .id = "a", .task = "chat", .prompt = "Tell me about \"tea\".", .label = -1 };

static mid_server_opts quick(void)
{
    mid_server_opts o = mid_server_opts_default();

    o.retry_ms = 1;
    o.n_top = 2;
    return o;
}

/* One answer of the server at a port. *trace NULL on failure. */
static mid_status answer_at(int port, const mid_server_opts *server, const mid_source_opts *opts, mid_trace **trace)
{
    const mid_sample *list = &sample;
    mid_model *m = NULL;
    mid_status status;
    char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", port);
    CHECK_OK(mid_server_open(test_ctx(), url, server, &m));
    status = mid_source_trace(test_ctx(), m, "openai", &list, 1, opts, trace);
    mid_model_close(m);
    return status;
}

/* The answer that a script gives, with quick(). */
static mid_status scripted_answer(const struct reply *reply, size_t n_reply, mid_trace **trace)
{
    const mid_server_opts server = quick();
    mid_status status;
    struct scripted s;

    start(&s, reply, n_reply);
    status = answer_at(s.port, &server, NULL, trace);
    stop(&s);
    return status;
}

/* A file of this folder; owned (free). */
static char *read_stream(const char *name)
{
    char path[100], *text = calloc(1, 1 << 16);
    FILE *f;

    snprintf(path, sizeof path, "tests/source/%s", name);
    f = fopen(path, "rb");
    assert_non_null(f);
    CHECK(fread(text, 1, (1 << 16) - 1, f) > 0);
    fclose(f);
    return text;
}

/* Every step as the files say; text, ln p, two alternatives. */
struct want { const char *text; float lp, top_lp[2]; const char *top[2]; };

static void check_steps(const mid_trace *t, const struct want *want, uint32_t n)
{
    const mid_signals *signals = mid_trace_signals(t);
    mid_step step;
    uint32_t i, at = 0;
    int k;

    CHECK_INT(signals->have, MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_TOP | MID_SIG_TIME);
    CHECK(signals->n_top == 2 && signals->n_vocab == 0);
    CHECK_INT(mid_trace_n_tok(t), n);
    for (i = 0; i < n; i++) {
        mid_trace_step(t, i, NULL, &step);
        CHECK_INT(step.have, signals->have);            /* no entropy: it is not known */
        CHECK(step.n_text == strlen(want[i].text) && memcmp(step.text, want[i].text, step.n_text) == 0);
        CHECK_INT(step.at_byte, at);
        CHECK_INT(step.token, mid__tok_id(want[i].text, step.n_text));
        CHECK(step.lp == want[i].lp && step.n_top == 2 && step.time_us >= 0);
        for (k = 0; k < 2; k++) {
            CHECK(step.top_lp[k] == want[i].top_lp[k]);
            CHECK_INT(step.top_token[k], mid__tok_id(want[i].top[k], strlen(want[i].top[k])));
        }
        at += step.n_text;
    }
}

static const struct want tea[] = {
    { "Tea", -0.25f, { -0.25f, -2 }, { "Tea", "It" } },         { " is", -0.5f, { -0.5f, -1.5f }, { " is", " was" } },
    { "\xe2\x98", -1, { -0.75f, -1 }, { " a", "\xe2\x98" } },   { "\x95", -0.125f, { -0.125f, -3 }, { "\x95", "\x94" } },
    { ".", -2.5f, { -0.5f, -1.25f }, { "!", "," } },
};
static const struct want good[] = {
    { "Tea", -0.25f, { -0.25f, -2 }, { "Tea", "It" } },         { " is", -0.5f, { -0.5f, -1.5f }, { " is", " was" } },
    { " good", -0.75f, { -0.75f, -1 }, { " good", " hot" } },   { ".", -2.5f, { -0.5f, -1.25f }, { "!", "," } },
};
static const struct { const char *name, *text, *format; const struct want *want; uint32_t n; } file[] = {
    { "synthetic-openai-chat.sse", "Tea is\u2615.", NULL, tea, 5 },
    { "synthetic-vllm-chat.sse", "Tea is good.", NULL, good, 4 },
    { "synthetic-openai-completions.sse", "Tea is\u2615.", "Q: {prompt}", tea, 5 },
};
enum { N_FILE = sizeof file / sizeof file[0] };

/* Wherever the network cuts, also within a character, the steps are the same. */
TEST(openai, synthetic_streams_whole_and_in_pieces)
{
    static const size_t piece[] = { 0, 1, 2, 3, 5, 100 };
    const mid_server_opts server = quick();
    mid_source_opts opts = mid_source_opts_default();
    size_t i, k;

    for (i = 0; i < N_FILE; i++) {
        char *text = read_stream(file[i].name);
        struct reply reply[sizeof piece / sizeof piece[0]];
        struct scripted s;
        for (k = 0; k < sizeof piece / sizeof piece[0]; k++)
            reply[k] = (struct reply){ 200, "Content-Type: text/event-stream\r\n", text, .piece = piece[k], .no_length = k % 2 };
        opts.format = file[i].format;
        start(&s, reply, k);
        for (k = 0; k < sizeof piece / sizeof piece[0]; k++) {
            mid_trace *t;
            CHECK_OK(answer_at(s.port, &server, &opts, &t));
            CHECK_TEXT(mid_trace_text(t, NULL), file[i].text);
            check_steps(t, file[i].want, file[i].n);
            mid_trace_close(t);
        }
        stop(&s);
        CHECK(strncmp(s.seen[0], file[i].format ? "POST /v1/completions " : "POST /v1/chat/completions ", 21) == 0);
        free(text);
    }
}

TEST(openai, the_request)
{
    char *text = read_stream("synthetic-openai-chat.sse");
    const struct reply reply[] = { { 200, NULL, text }, { 200, NULL, text }, { 200, NULL, text } };
    mid_server_opts server = quick();
    mid_source_opts opts = mid_source_opts_default();
    struct scripted s;
    mid_trace *t;

    server.model = "the-model";
    server.key = "secret-key";
    opts.system = "Be \"brief\".";
    opts.stop = "\n\n";
    opts.seed = 7;
    opts.max_tok = 20;
    opts.temperature = 0.5f;
    start(&s, reply, 3);
    CHECK_OK(answer_at(s.port, &server, &opts, &t));
    mid_trace_close(t);
    server.text_only = true;
    server.model = server.key = NULL;
    CHECK_OK(answer_at(s.port, &server, &opts, &t));
    CHECK_INT(mid_trace_signals(t)->have, MID_SIG_TEXT | MID_SIG_TIME);
    CHECK_INT(mid_trace_n_tok(t), 4);                   /* what comes at a time */
    CHECK_TEXT(mid_trace_text(t, NULL), "Tea is\u2615.");
    mid_trace_close(t);
    opts.format = "Q: {prompt} A:";
    server = quick();
    CHECK_OK(answer_at(s.port, &server, &opts, &t));
    mid_trace_close(t);
    stop(&s);
    CHECK(strstr(s.seen[0], "Authorization: Bearer secret-key\r\n") != NULL);
    CHECK(strstr(s.seen[0], "{\"model\":\"the-model\",\"messages\":[{\"role\":\"system\",\"content\":\"Be \\\"brief\\\".\"},"
                            "{\"role\":\"user\",\"content\":\"Tell me about \\\"tea\\\".\"}],\"max_tokens\":20,\"temperature\":0.5,"
                            "\"seed\":7,\"stop\":[\"\\n\\n\"],\"logprobs\":true,\"top_logprobs\":2,\"stream\":true}") != NULL);
    CHECK(!strstr(s.seen[1], "logprobs") && !strstr(s.seen[1], "Authorization") && !strstr(s.seen[1], "\"model\""));
    CHECK(strstr(s.seen[2], "{\"prompt\":\"Q: Tell me about \\\"tea\\\". A:\",") != NULL);
    CHECK(strstr(s.seen[2], "\"logprobs\":2,\"stream\":true}") != NULL);
    free(text);
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

#define EVENT(json) "data: " json "\n\n"
#define TOKEN(text, lp) "{\"token\":\"" text "\",\"logprob\":" lp ",\"top_logprobs\":[{\"token\":\"" text "\",\"logprob\":" lp "}]}"
#define SAYS(text) EVENT(CHUNK(text, "{\"content\":[" TOKEN(text, "-1") "]}"))
#define END EVENT("{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}") EVENT("[DONE]")

static void fails(const struct reply *reply, size_t n_reply, mid_status want, const char *says)
{
    mid_trace *t = NULL;

    CHECK_FAILS(scripted_answer(reply, n_reply, &t), want);
    CHECK_SAYS(says);
    CHECK(t == NULL && !strchr(mid_ctx_message(test_ctx()), '\n'));
}

TEST(openai, refusals)
{
    static const struct reply no_key[] = { { 401, NULL, "{\"error\":{\"message\":\"no\\nsuch key\"}}" } };
    static const struct reply unknown[] = { { 404, NULL, "{\"error\":{\"message\":\"no such model\"}}" } };
    static const struct reply moved[] = { { 307, "Location: http://127.0.0.1:1/\r\n", "" } };
    static const struct reply prompt[] = { { 400, NULL, "{\"error\":{\"message\":\"prompt too long\"}}" } };
    static const struct reply busy[] = { { 429, "Retry-After: 0\r\n", "{}" }, { 429, NULL, "" }, { 429, NULL, "" },
                                         { 429, NULL, "{\"error\":{\"message\":\"slow down\"}}" } };
    static const struct reply later[] = { { 429, "Retry-After: 3600\r\n", "{\"error\":\"quota\"}" } };
    static const struct reply broken[] = { { 500, NULL, "" }, { 502, NULL, "" }, { 503, NULL, "" }, { 500, NULL, "<h1>oops</h1>" } };

    fails(no_key, 1, MID_EMODEL, "HTTP 401 (1 tries): no such key");
    fails(unknown, 1, MID_EMODEL, "HTTP 404 (1 tries): no such model");
    fails(moved, 1, MID_EMODEL, "HTTP 307");
    fails(prompt, 1, MID_EINVAL, "prompt too long");
    fails(busy, 4, MID_EIO, "HTTP 429 (4 tries): slow down");
    fails(later, 1, MID_EIO, "quota; it asks us to wait longer than 2 minutes");
    fails(broken, 4, MID_EIO, "HTTP 500 (4 tries): <h1>oops</h1>");
}

TEST(openai, garbage)
{
    static const struct reply page[] = { { 200, NULL, "<html>hello</html>" } }, empty[] = { { 200, NULL, "" } };
    static const struct reply whole[] = { { 200, NULL, "{\"choices\":[{\"message\":{\"content\":\"hi\"}}]}" } };
    static const struct reply odd[] = { { 200, NULL, SAYS("a") EVENT("{\"choices\":[{\"de") } };
    static const struct reply error[] = { { 200, NULL, SAYS("a") EVENT("{\"error\":{\"message\":\"overloaded\"}}") } };
    static const struct reply filter[] = { { 200, NULL, SAYS("a")
        EVENT("{\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}") } };

    fails(page, 1, MID_EFORMAT, "without a chunk of a completion: '<html>hello</html>'");
    fails(empty, 1, MID_EFORMAT, "without a chunk");
    fails(whole, 1, MID_EFORMAT, "without a chunk of a completion: '{\"choices\"");
    fails(odd, 1, MID_EFORMAT, "no chunk of a completion: '{\"choices\":[{\"de'");
    fails(error, 1, MID_EIO, "overloaded");
    fails(filter, 1, MID_EUNDEFINED, "content filter cut the answer after 1 tokens");
}

/* Cut before anything was given: asked again. Behind that: told, and not hidden. */
TEST(openai, half_a_stream)
{
    static const char stream[] = SAYS("one") SAYS(" two") END;
    static const struct reply early[] = { { 200, NULL, stream, .cut = 20 }, { 200, NULL, stream, .cut = 40 }, { 200, NULL, stream } };
    static const struct reply late[] = { { 200, NULL, stream, .cut = sizeof SAYS("one") + 30 } };
    static const struct reply closed[] = { { 200, NULL, stream, .cut = sizeof SAYS("one") + 30, .no_length = true } };
    static const struct reply silent[] = { { 200, NULL, stream, .cut = sizeof SAYS("one") + 30, .silent = true } };
    mid_server_opts server = quick();
    struct scripted s;
    mid_trace *t = NULL;

    CHECK_OK(scripted_answer(early, 3, &t));
    CHECK_TEXT(mid_trace_text(t, NULL), "one two");
    CHECK_INT(mid_trace_n_tok(t), 2);
    mid_trace_close(t);
    fails(late, 1, MID_EIO, "(1 tries)");
    fails(closed, 1, MID_EIO, "ended after 1 tokens without a finish_reason or [DONE]");
    server.timeout_ms = 1000;
    start(&s, silent, 1);
    CHECK_FAILS(answer_at(s.port, &server, NULL, &t), MID_EIO);
    CHECK_SAYS("(1 tries)");
    stop(&s);
    CHECK_FAILS(answer_at(s.port, &server, NULL, &t), MID_EIO);     /* nobody listens there any more */
    CHECK_SAYS("(4 tries)");
}

/* What was complete stays so, whatever becomes of the connection behind it. */
TEST(openai, a_connection_that_breaks_behind_an_answer)
{
    static const char stream[] = SAYS("one") END ": more\n\n", empty[] = END ": more\n\n";
    static const struct reply reply[] = { { 200, NULL, stream, .cut = sizeof stream - 3 }, { 200, NULL, empty, .cut = sizeof empty - 3 },
                                          { 200, NULL, SAYS("one") END, .no_length = true, .silent = true } };
    static const char *const text[] = { "one", "", "one" };
    mid_server_opts server = quick();
    struct scripted s;
    mid_trace *t;
    size_t i;

    server.timeout_ms = 1000;
    start(&s, reply, 3);
    for (i = 0; i < 3; i++) {
        CHECK_OK(answer_at(s.port, &server, NULL, &t));
        CHECK_TEXT(mid_trace_text(t, NULL), text[i]);
        mid_trace_close(t);
    }
    stop(&s);
}

/* A stream lives by its text, and by thoughts; comments and empty chunks are none. */
TEST(openai, signs_of_life)
{
    static const char thought[] = EVENT("{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}");
    static const struct reply reply[] = {
        { 200, NULL, SAYS("one"), .no_length = true, .drip = ": keep-alive\n\n" },
        { 200, NULL, SAYS("one"), .no_length = true, .drip = EVENT("{\"choices\":[]}") },
        { 200, NULL, SAYS("one"), .no_length = true, .drip = thought, .n_drip = 60 },
        { 200, NULL, SAYS("one"), .no_length = true, .drip = SAYS("a") },
    };
    mid_server_opts server = quick();
    mid_source_opts opts = mid_source_opts_default();
    struct scripted s;
    mid_trace *t;
    size_t i;

    server.timeout_ms = 1000;
    start(&s, reply, 4);
    for (i = 0; i < 3; i++) {
        CHECK_FAILS(answer_at(s.port, &server, NULL, &t), MID_EIO);
        CHECK_SAYS(i < 2 ? "nothing of an answer came for 1 s (1 tries)" : "ended after 1 tokens without");
    }
    opts.max_tok = 60;
    CHECK_OK(answer_at(s.port, &server, &opts, &t));
    CHECK_INT(mid_trace_n_tok(t), 60);
    mid_trace_close(t);
    stop(&s);
}

TEST(openai, log_probabilities_missing_or_of_something_else)
{
    static const struct reply none[] = { { 200, NULL, EVENT(CHUNK("hi", "null")) END } };
    static const struct reply some[] = { { 200, NULL, SAYS("a") EVENT(CHUNK("b", "{\"content\":[]}")) END } };
    static const struct reply other[] = { { 200, NULL, SAYS("a") EVENT(CHUNK(" b", "{\"content\":[" TOKEN("\u2581b", "-1") "]}")) END } };
    static const struct reply half[] = { { 200, NULL, EVENT(CHUNK("\u2615", "{\"content\":[{\"token\":\"?\",\"bytes\":[149],"
        "\"logprob\":-1,\"top_logprobs\":[]}]}")) END } };
    static const struct reply unlikely[] = { { 200, NULL, EVENT(CHUNK("b", "{\"content\":[" TOKEN("b", "-9999.0") "]}")) END } };
    static const struct reply bare[] = { { 200, NULL, EVENT(CHUNK("b", "{\"content\":[{\"token\":\"b\",\"logprob\":-1}]}")) END } };

    fails(none, 1, MID_ESIGNAL, "byte 0 of the answer comes without log-probabilities");
    CHECK_SAYS("top_logprobs 0");
    fails(some, 1, MID_ESIGNAL, "byte 1 of the answer comes without");
    fails(other, 1, MID_EFORMAT, "token 2 of the answer is not what its text says at byte 1");
    fails(half, 1, MID_EFORMAT, "token 1 of the answer is not what its text says");
    fails(unlikely, 1, MID_ESIGNAL, "token 1 of the answer comes without a log-probability");
    fails(bare, 1, MID_ESIGNAL, "without top_logprobs");
}

/* An end token, a stop text and a character that is never completed are not part of the answer; half a character in
 * either of two chunks is. */
TEST(openai, text_is_what_the_server_sends_as_text)
{
    static const struct reply tail[] = { { 200, NULL, SAYS("a") EVENT(CHUNK("", "{\"content\":[" TOKEN("", "-1") "," TOKEN("</s>", "-1")
        "]}")) END } };
    static const struct reply cut[] = { { 200, NULL, EVENT(CHUNK("\xe2\x98", "{\"content\":[{\"token\":\"?\",\"bytes\":[226,152],"
        "\"logprob\":-1,\"top_logprobs\":[{\"token\":\"x\",\"logprob\":-1}]}]}")) EVENT(CHUNK("\x95", "{\"content\":[{\"token\":\"?\","
        "\"bytes\":[149],\"logprob\":-2,\"top_logprobs\":[{\"token\":\"x\",\"logprob\":-1}]}]}")) END } };
    static const struct reply nothing[] = { { 200, NULL, END } };
    mid_trace *t;

    CHECK_OK(scripted_answer(tail, 1, &t));
    CHECK_TEXT(mid_trace_text(t, NULL), "a");
    mid_trace_close(t);
    CHECK_OK(scripted_answer(cut, 1, &t));
    CHECK_TEXT(mid_trace_text(t, NULL), "\u2615");
    CHECK_INT(mid_trace_n_tok(t), 2);
    mid_trace_close(t);
    CHECK_OK(scripted_answer(nothing, 1, &t));
    CHECK_INT(mid_trace_n_tok(t), 0);
    mid_trace_close(t);
}

/* The stop text "\n" begins within the token ".\n": the full stop was said. */
TEST(openai, a_stop_text_within_a_token)
{
    static const struct reply reply[] = { { 200, NULL, SAYS("Tea") EVENT(CHUNK(".", "{\"content\":[" TOKEN(".\\n", "-2") "]}")) END } };
    mid_step step;
    mid_trace *t;

    CHECK_OK(scripted_answer(reply, 1, &t));
    CHECK_TEXT(mid_trace_text(t, NULL), "Tea.");
    CHECK_INT(mid_trace_n_tok(t), 2);
    mid_trace_step(t, 1, NULL, &step);
    CHECK(step.n_text == 1 && step.lp == -2);
    CHECK_INT(step.token, mid__tok_id(".\n", 2));
    CHECK_INT(step.top_token[0], step.token);
    mid_trace_close(t);
}

static mid_status stop_at_second(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    (void)i_seq;
    *(uint32_t *)user += 1;
    *stop = step->i_tok == 1;
    return MID_OK;
}

static mid_status refuse(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    (void)user; (void)i_seq; (void)step; (void)stop;
    return MID_ENUMERIC;
}

TEST(openai, the_sink_and_max_tok_end_an_answer)
{
    static const struct reply endless[] = { { 200, NULL, SAYS("a") SAYS("b") SAYS("c") SAYS("d"), .silent = true },
                                            { 200, NULL, SAYS("a") SAYS("b") SAYS("c") SAYS("d"), .silent = true },
                                            { 200, NULL, SAYS("a") SAYS("b") SAYS("c") SAYS("d"), .silent = true } };
    const mid_server_opts server = quick();
    mid_source_opts opts = mid_source_opts_default();
    const mid_sample *list = &sample;
    uint32_t n_step = 0;
    const mid_sink sink = { .user = &n_step, .step = stop_at_second }, bad = { .step = refuse };
    struct scripted s;
    mid_model *m;
    mid_trace *t;
    char url[64];

    start(&s, endless, 3);
    opts.max_tok = 3;
    CHECK_OK(answer_at(s.port, &server, &opts, &t));
    CHECK_TEXT(mid_trace_text(t, NULL), "abc");
    mid_trace_close(t);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", s.port);
    CHECK_OK(mid_server_open(test_ctx(), url, &server, &m));
    CHECK_OK(mid_source_run(test_ctx(), m, "openai", &list, 1, NULL, &sink));
    CHECK_INT(n_step, 2);
    CHECK_FAILS(mid_source_run(test_ctx(), m, "openai", &list, 1, NULL, &bad), MID_ENUMERIC);
    mid_model_close(m);
    stop(&s);
}

#define X10 "xxxxxxxxxx"
#define X190 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10

/* A key is in the request and nowhere else, even if the server repeats it or a message ends within it. */
TEST(openai, a_key_is_told_to_nobody)
{
    static const struct reply reply[] = { { 401, NULL, "{\"error\":{\"message\":\"bad key sk-very-secret!\"}}" },
                                          { 200, NULL, EVENT("{\"error\":\"sk-very-secret is over its quota\"}") },
                                          { 200, NULL, EVENT("{\"error\":\"" X190 "sk-very-secret\"}") } };
    mid_server_opts server = quick();
    struct scripted s;
    mid_trace *t;
    mid_model *m, *n;

    server.key = "sk-very-secret";
    start(&s, reply, 3);
    CHECK_FAILS(answer_at(s.port, &server, NULL, &t), MID_EMODEL);
    CHECK_SAYS("bad key ***!");
    CHECK_FAILS(answer_at(s.port, &server, NULL, &t), MID_EIO);
    CHECK_SAYS("*** is over its quota");
    CHECK_FAILS(answer_at(s.port, &server, NULL, &t), MID_EIO);
    CHECK_SAYS("x***");
    CHECK(!strstr(mid_ctx_message(test_ctx()), "sk-"));
    stop(&s);
    CHECK_OK(mid_server_open(test_ctx(), "http://127.0.0.1:1", &server, &m));
    server.key = "another";
    CHECK_OK(mid_server_open(test_ctx(), "http://127.0.0.1:1/v1/", &server, &n));
    CHECK_TEXT(mid_model_signals(m)->observer, mid_model_signals(n)->observer);
    mid_model_close(n);
    server.model = "m";
    CHECK_OK(mid_server_open(test_ctx(), "http://127.0.0.1:1", &server, &n));
    CHECK(strcmp(mid_model_signals(m)->observer, mid_model_signals(n)->observer) != 0);
    CHECK_TEXT(mid_model_desc(n), "m at http://127.0.0.1:1");
    CHECK_TEXT(mid_model_hash(n), "");
    mid_model_close(n);
    mid_model_close(m);
}

/* Nor in a URL, which messages and results repeat. */
TEST(openai, a_url_with_a_key)
{
    static const char *const bad[] = { "http://me:hush@127.0.0.1:1", "http://hush@127.0.0.1:1/v1", "http://127.0.0.1:1/x?key=hush",
                                       "http://127.0.0.1:1/x?v=1@2&API_Key=hush", "http://127.0.0.1:1/x?access_token=hush#a",
                                       "http://me:hush@127.0.0.1:999999/" };
    const mid__http_opts opts = { .retry_ms = 1 };
    mid__http *http = NULL;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_FAILS(mid__http_open(test_ctx(), bad[i], NULL, &opts, &http), MID_EINVAL);
        if (i < 5)
            CHECK_SAYS("key_env");
        CHECK(!strstr(mid_ctx_message(test_ctx()), "hush"));
    }
    CHECK_OK(mid__http_open(test_ctx(), "http://127.0.0.1:1/x?api-version=2&design=keyless", NULL, &opts, &http));
    mid__http_close(http);
}

TEST(openai, a_prompt_that_is_not_utf8)
{
    const mid_sample bad = { .id = "a", .task = "chat", .prompt = "caf\xe9", .label = -1 }, *list = &bad;
    mid_model *m;
    mid_trace *t;

    CHECK_OK(mid_server_open(test_ctx(), "http://127.0.0.1:1", NULL, &m));
    CHECK_FAILS(mid_source_trace(test_ctx(), m, "openai", &list, 1, NULL, &t), MID_EINVAL);
    CHECK_SAYS("not UTF-8 at byte 3");
    mid_model_close(m);
}

TEST(openai, opening_and_what_it_cannot_give)
{
    mid_server_opts server = quick();
    mid_source_opts opts = mid_source_opts_default();
    const mid_sample *list = &sample;
    mid_signals signals;
    mid_trace *t;
    mid_model *m = NULL;

    CHECK_FAILS(mid_server_open(test_ctx(), "http://[bad/", &server, &m), MID_EINVAL);
    server.n_top = 21;
    CHECK_FAILS(mid_server_open(test_ctx(), "http://127.0.0.1:1", &server, &m), MID_EINVAL);
    CHECK_SAYS("at most 20");
    server = quick();
    server.key = "a\nb";
    CHECK_FAILS(mid_server_open(test_ctx(), "http://127.0.0.1:1", &server, &m), MID_EINVAL);
    CHECK(m == NULL);
    CHECK_OK(mid_server_open(test_ctx(), "http://127.0.0.1:1", NULL, &m));
    CHECK_INT(mid_model_signals(m)->n_top, 5);
    CHECK_FAILS(mid_source_trace(test_ctx(), m, "llama", &list, 1, NULL, &t), MID_EINVAL);
    CHECK_SAYS("is a server, for source openai");
    opts.want = MID_SIG_LENS;
    CHECK_FAILS(mid_source_signals(test_ctx(), m, &opts, &signals), MID_ESIGNAL);
    CHECK_SAYS("nothing from inside");
    opts.want = 0;
    opts.format = "no mark";
    CHECK_FAILS(mid_source_trace(test_ctx(), m, "openai", &list, 1, &opts, &t), MID_EINVAL);
    CHECK_SAYS("{prompt}");
    mid_model_close(m);
}

/* ---- pace -------------------------------------------------------------------------------------------------------- */

/* By hand: 60 requests a minute are one a second, 600 tokens a minute ten a second. */
TEST(openai, pace)
{
    mid__pace p;

    mid__pace_init(&p, 60, 600);
    CHECK_NEAR(mid__pace_take(&p, 5), 0, 1e-9);
    CHECK_NEAR(mid__pace_take(&p, 30), 1, 0.2);
    CHECK_NEAR(mid__pace_take(&p, 1), 4, 0.2);
    CHECK_NEAR(mid__pace_take(&p, 1), 5, 0.2);
    mid__pace_clear(&p);
    mid__pace_init(&p, 0, 0);
    CHECK_NEAR(mid__pace_take(&p, 1000), 0, 1e-9);
    CHECK_NEAR(mid__pace_take(&p, 1000), 0, 1e-9);
    mid__pace_clear(&p);
}

/* 600 a minute are ten a second, whoever of two forks asks; and Retry-After holds both. */
TEST(openai, pace_of_forks)
{
    static const struct reply reply[] = { { 200, NULL, SAYS("a") END }, { 200, NULL, SAYS("a") END }, { 200, NULL, SAYS("a") END },
                                          { 503, "Retry-After: 1\r\n", "" }, { 200, NULL, SAYS("a") END } };
    mid_server_opts server = quick();
    const mid_sample *list = &sample;
    struct scripted s;
    mid_model *m, *fork;
    mid_trace *t;
    char url[64];
    int i;

    server.rpm = 600;
    start(&s, reply, 5);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", s.port);
    CHECK_OK(mid_server_open(test_ctx(), url, &server, &m));
    CHECK_OK(mid_model_fork(test_ctx(), m, NULL, &fork));
    for (i = 0; i < 4; i++) {
        CHECK_OK(mid_source_trace(test_ctx(), i % 2 ? fork : m, "openai", &list, 1, NULL, &t));
        mid_trace_close(t);
    }
    mid_model_close(fork);
    mid_model_close(m);
    stop(&s);
    CHECK(s.seen_s[3] - s.seen_s[0] > 0.2);             /* 0.3, less what a busy machine is late */
    CHECK(s.seen_s[4] - s.seen_s[3] > 0.9);
}

/* ---- a real server ----------------------------------------------------------------------------------------------- */

/* Greedy answers of the same file and template here and there: most tokens are the same until rounding makes one
 * another. */
TEST(openai, real_server_and_the_model_in_process)
{
    mid_model_opts model_opts = mid_model_opts_default();
    mid_server_opts server = mid_server_opts_default();
    mid_source_opts opts = mid_source_opts_default();
    const mid_sample *list = &sample;
    mid_trace *here = NULL, *there = NULL, *plain = NULL;
    mid_step a, b;
    struct peer peer;
    mid_model *m;
    uint32_t t, n;
    int i;

    needs_peer();
    model_opts.n_seq = 1;
    model_opts.n_layer = -1;
    model_opts.n_threads = 1;
    opts.max_tok = 24;
    opts.format = "<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n";
    CHECK_OK(mid_model_open(test_ctx(), test_model(), &model_opts, &m));
    CHECK_OK(mid_source_trace(test_ctx(), m, "llama", &list, 1, &opts, &here));
    mid_model_close(m);
    peer = start_peer();
    opts.format = NULL;
    for (i = 0; i < 20 && !there && waitpid(peer.pid, NULL, WNOHANG) == 0; i++)     /* 503 while it loads */
        if (answer_at(peer.port, &server, &opts, &there) != MID_OK)
            there = NULL;
    opts.format = "{prompt}\nTea is";
    if (there && answer_at(peer.port, &server, &opts, &plain) != MID_OK)
        plain = NULL;
    stop_peer(&peer);
    if (!there || !plain)
        fail_msg("%s", mid_ctx_message(test_ctx()));
    print_message("in process: %s\nserver:     %s\nplain:      %s\n", mid_trace_text(here, NULL), mid_trace_text(there, NULL),
                  mid_trace_text(plain, NULL));
    n = mid_trace_n_tok(here) < mid_trace_n_tok(there) ? mid_trace_n_tok(here) : mid_trace_n_tok(there);
    for (t = 0; t < n; t++) {
        mid_trace_step(here, t, NULL, &a);
        mid_trace_step(there, t, NULL, &b);
        if (a.n_text != b.n_text || memcmp(a.text, b.text, a.n_text) != 0)
            break;
        CHECK_NEAR(b.lp, a.lp, 0.1);
        CHECK(b.n_top == 5 && b.time_us > 0);
        CHECK_NEAR(b.top_lp[0], a.top_lp[0], 0.1);
        CHECK_NEAR(b.top_lp[4], a.top_lp[4], 0.3);
    }
    print_message("the first %u of %u tokens are the same\n", t, n);
    CHECK(t >= 4 && mid_trace_n_tok(there) == 24 && mid_trace_n_tok(plain) > 0);
    mid_trace_close(here);
    mid_trace_close(there);
    mid_trace_close(plain);
}
