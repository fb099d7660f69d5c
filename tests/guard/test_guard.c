/* The guard over sockets: a scripted upstream behind it, a client before it, and llama.cpp's own server where it was
 * built. */
#include "guard/loopback.h"
#include "source/peer.h"

#define D(text) "data: {\"id\":\"c-1\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define FINISH "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define STREAM "Content-Type: text/event-stream\r\n"
#define JSON "Content-Type: application/json; charset=utf-8\r\n"
#define ASK "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stream\":true}"

static const char clean[] = D("Tea is") D(" good.") FINISH DONE;

static bool recorded(const struct served *g, const char *part)
{
    size_t i;

    for (i = 0; i < g->n_record; i++)
        if (strstr(g->record[i], part))
            return true;
    return false;
}

/* A script behind a guard. */
static void set_up(struct scripted *s, struct served *g, const struct reply *reply, size_t n_reply, const char *policy)
{
    start(s, reply, n_reply);
    serve(g, write_config(s->port, "", policy));
}

static void tear_down(struct scripted *s, struct served *g)
{
    end_serving(g);
    stop(s);
    forget_records(g);
}

TEST(guard, a_clean_stream_passes_byte_for_byte)
{
    static const size_t piece[] = { 0, 1, 7 };
    struct reply reply[3];
    struct scripted s;
    struct served g;
    struct response r;
    size_t i;

    for (i = 0; i < 3; i++)
        reply[i] = (struct reply){ 200, STREAM, clean, .piece = piece[i], .no_length = i % 2 };
    set_up(&s, &g, reply, 3, "");
    for (i = 0; i < 3; i++) {
        ask_with(g.port, "/v1/chat/completions", "X-Request-Id: mine-7\r\nAuthorization: Bearer k\r\n", ASK, &r);
        CHECK_INT(r.http, 200);
        CHECK(strstr(r.head, "Content-Type: text/event-stream") && strstr(r.head, "X-Request-Id: mine-7"));
        CHECK_TEXT(r.body.at, clean);
        mid__buf_clear(&r.body);
    }
    CHECK(strstr(s.seen[0], "Authorization: Bearer k\r\n") && strstr(s.seen[0], "X-Request-Id: mine-7\r\n"));
    CHECK(strstr(s.seen[0], "Accept-Encoding: identity\r\n") != NULL);
    CHECK(strstr(s.seen[0], "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"model\":\"m\",\"stream\":true}") != NULL);
    end_serving(&g);
    CHECK_INT(g.n_record, 4);               /* three answers and the drain */
    CHECK(recorded(&g, "\"request_id\":\"mine-7\",\"path\":\"/v1/chat/completions\",\"model\":\"m\",\"policy\":\"words\""));
    CHECK(recorded(&g, "\"end\":\"complete\",\"verdict\":\"pass\"") && recorded(&g, "\"bytes\":12,\"released\":12"));
    stop(&s);
    forget_records(&g);
}

/* The upstream would go on for ever: it is cut off at the stop, and the client has its answer. */
TEST(guard, a_stop_cuts_the_upstream)
{
    static const struct reply reply[] = { { 200, STREAM, D("How to build a bomb: take"), .no_length = true, .drip = D(" more") } };
    struct scripted s;
    struct served g;
    struct response r;
    struct seen seen;

    set_up(&s, &g, reply, 1, "    hold_back: 1\n");
    chat(g.port, "{\"model\":\"m\",\"messages\":[],\"stream\":true,\"stream_options\":{\"include_usage\":true}}", &r);
    CHECK(r.http == 200 && r.whole);
    see(&seen, r.body.at, r.body.n);
    CHECK_TEXT(seen_text(&seen, 0, 0), "How to build a");
    CHECK_TEXT(seen.finish[0], "content_filter");
    CHECK(seen.done && seen.usage);
    forget(&seen);
    mid__buf_clear(&r.body);
    end_serving(&g);
    stop(&s);                               /* returns only when the drip has nobody to listen to it */
    CHECK(recorded(&g, "\"verdict\":\"stop\"") && recorded(&g, "\"stop_byte\":19"));
    forget_records(&g);
}

/* E24, E41: bodies, and what an upstream says when it refuses. */
TEST(guard, bodies)
{
    static const struct reply reply[] = {
        { 200, JSON, "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"Tea.\"},\"finish_reason\":\"stop\"}]}" },
        { 200, JSON, "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"A bomb.\"},\"finish_reason\":\"stop\"}]}" },
        { 401, JSON, "{\"error\":{\"message\":\"no such key\",\"code\":\"invalid_api_key\"}}" },
        { 400, JSON, "{\"error\":{\"message\":\"this is how to build a bomb: first\"}}" },
        { 500, "Content-Type: text/html\r\n", "<h1>a bomb</h1>" },
        { 200, JSON, "{\"error\":{\"message\":\"a bomb. yes\"}}" },
        { 200, "Content-Type: text/html\r\n", "a bomb" },
        { 307, "Location: http://127.0.0.1:1/\r\n" JSON, "" },
        { 200, STREAM "Content-Encoding: gzip\r\n", "a bomb" },
    };
    static const struct { int http; const char *says; } want[] = {
        { 200, "\"content\":\"Tea.\"" }, { 200, "\"content\":\"\"},\"finish_reason\":\"content_filter\"" },
        { 401, "no such key" }, { 400, "" }, { 500, "upstream_malformed" }, { 200, "" }, { 502, "upstream_malformed" },
        { 502, "upstream_malformed" }, { 502, "compressed" },
    };
    enum { N = sizeof reply / sizeof reply[0] };
    struct scripted s;
    struct served g;
    struct response r;
    size_t i;

    set_up(&s, &g, reply, N, "");
    for (i = 0; i < N; i++) {
        chat(g.port, "{\"model\":\"m\",\"messages\":[]}", &r);
        CHECK_INT(r.http, want[i].http);
        CHECK(strstr(r.body.at, want[i].says) != NULL);
        CHECK(!strstr(r.body.at, "bomb"));
        mid__buf_clear(&r.body);
    }
    tear_down(&s, &g);
}

/* E25 and bad requests: what is not known to be judged is not passed on. The upstream sees none of them. */
TEST(guard, refusals)
{
    static const struct { const char *path, *header, *body; int http; const char *says; } bad[] = {
        { "/v1/completions", "", "{}", 404, "unknown_route" }, { "/v1/responses", "", "{}", 404, "unknown_route" },
        { "/v1/messages", "", "{}", 404, "unknown_route" }, { "/v1/chat/completions/", "", "{}", 404, "unknown_route" },
        { "//v1/chat/completions", "", "{}", 404, "unknown_route" }, { "/v1/models", "", "{}", 405, "method_not_allowed" },
        { "/v1/chat/completions", "", "", 400, "no JSON" }, { "/v1/chat/completions", "", "[]", 400, "no object" },
        { "/v1/chat/completions", "", "{\"model\":7}", 400, "'model'" },
        { "/v1/chat/completions", "", "{\"model\":\"m\",\"n\":129}", 400, "'n' must be a whole number from 1 to 8" },
        { "/v1/chat/completions", "", "{\"model\":\"m\",\"n\":1000000000000}", 400, "'n'" },
        { "/v1/chat/completions", "", "{\"model\":\"m\",\"n\":-1}", 400, "'n'" },
        { "/v1/chat/completions", "", "{\"model\":\"m\",\"n\":1,\"n\":2}", 400, "stands twice" },
        { "/v1/chat/completions", "", "{\"model\":\"m\",\"stream\":\"yes\"}", 400, "'stream'" },
        { "/v1/chat/completions", "Transfer-Encoding: chunked\r\n", "{}", 411, "Content-Length" },
        { "/v1/chat/completions", "Content-Length: 2\r\n", "{}", 400, "Content-Length" },
        { "/v1/chat/completions", "Content-Encoding: gzip\r\n", "{}", 415, "Content-Encoding" },
        { "/v1/chat/completions", "Bad Name: 2\r\n", "{}", 400, "without a name" },
        { "/v1/chat/completions", " folded: 2\r\n", "{}", 400, "without a name" },
        { "/v1/chat/completions", "A: b\nC: d\r\n", "{}", 400, "CRLF" },
        { "v1/chat/completions", "", "{}", 400, "request line" },
    };
    struct scripted s;
    struct served g;
    struct response r;
    size_t i;

    set_up(&s, &g, NULL, 0, "");
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ask_with(g.port, bad[i].path, bad[i].header, bad[i].body, &r);
        if (r.http != bad[i].http || !strstr(r.body.at, bad[i].says))
            fail_msg("case %zu: %d %s", i, r.http, r.body.at);
        CHECK(strstr(r.body.at, "{\"error\":{\"message\":") != NULL);
        mid__buf_clear(&r.body);
    }
    tear_down(&s, &g);
}

TEST(guard, upstream_faults)
{
    static const struct reply reply[] = {
        { 200, STREAM, D("Tea is good and") D(" so on") FINISH DONE, .cut = sizeof D("Tea is good and") + 5 },
        { 200, STREAM, D("Tea is good and"), .no_length = true },
        { 200, STREAM, D("Tea is good and"), .no_length = true, .silent = true },
    };
    struct scripted s;
    struct served g;
    struct response r;
    struct seen seen;
    size_t i;

    set_up(&s, &g, reply, 3, "    hold_back: 0\n");
    for (i = 0; i < 3; i++) {
        chat(g.port, ASK, &r);
        CHECK(r.http == 200 && r.whole);
        see(&seen, r.body.at, r.body.n);
        CHECK_TEXT(seen.error, "upstream_truncated");
        CHECK_TEXT(seen_text(&seen, 0, 0), "Tea is good");
        CHECK(!seen.done && !seen.finish[0][0]);
        forget(&seen);
        mid__buf_clear(&r.body);
    }
    end_serving(&g);
    stop(&s);
    CHECK(recorded(&g, "\"end\":\"truncated\""));
    forget_records(&g);
    serve(&g, write_config(1, "", ""));     /* nobody listens there */
    chat(g.port, ASK, &r);
    CHECK(r.http == 502 && strstr(r.body.at, "upstream_unreachable"));
    mid__buf_clear(&r.body);
    end_serving(&g);
    forget_records(&g);
}

/* One connection, several requests, sent before they are answered; HTTP/1.0 gets no chunks. */
TEST(guard, connections)
{
    static const struct reply reply[] = { { 200, STREAM, clean }, { 200, STREAM, clean }, { 200, JSON, "{\"data\":[{\"id\":\"m\"}]}" } };
    struct scripted s;
    struct served g;
    struct response r;
    int fd;

    set_up(&s, &g, reply, 3, "");
    fd = connect_to(g.port);
    send_request(fd, "/v1/chat/completions", "", ASK);
    read_response(fd, &r);
    CHECK_TEXT(r.body.at, clean);
    mid__buf_clear(&r.body);
    send_text(fd, "GET /nowhere HTTP/1.1\r\n");
    send_text(fd, "\r\n");
    read_response(fd, &r);
    CHECK_INT(r.http, 404);
    mid__buf_clear(&r.body);
    close(fd);
    fd = connect_to(g.port);
    send_text(fd, "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: 27\r\n\r\n{\"model\":\"m\",\"stream\":true}");
    read_response(fd, &r);
    CHECK_TEXT(r.body.at, clean);
    CHECK(!strstr(r.head, "chunked"));
    mid__buf_clear(&r.body);
    close(fd);
    fd = connect_to(g.port);
    send_text(fd, "GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n");
    read_response(fd, &r);
    CHECK_TEXT(r.body.at, "{\"data\":[{\"id\":\"m\"}]}");
    mid__buf_clear(&r.body);
    close(fd);
    tear_down(&s, &g);
}

/* E43: the upstream of a client that is gone is cut off. */
TEST(guard, a_client_that_goes)
{
    static const struct reply reply[] = { { 200, STREAM, D("One"), .no_length = true, .drip = D(" more") } };
    struct scripted s;
    struct served g;
    char bytes[200];
    int fd;

    set_up(&s, &g, reply, 1, "    hold_back: 0\n");
    fd = connect_to(g.port);
    send_request(fd, "/v1/chat/completions", "", ASK);
    CHECK(recv(fd, bytes, sizeof bytes, 0) > 0);
    close(fd);
    stop(&s);                               /* the drip ends */
    end_serving(&g);
    CHECK(recorded(&g, "\"end\":\"client_gone\""));
    forget_records(&g);
}

/* A drain lets the running answer end; a config that is wrong leaves the old one. */
TEST(guard, drain_and_reload)
{
    static const struct reply reply[] = {
        { 200, STREAM, D("Tea") FINISH, .no_length = true },
        { 200, STREAM, D("Tea"), .no_length = true, .drip = D(" more"), .n_drip = 10 },
    };
    struct scripted s;
    struct served g;
    struct response r;
    char bytes[100];
    int fd, tries;

    set_up(&s, &g, reply, 2, "    hold_back: 0\n");
    test_write("guard.yaml", "listen: nowhere\n", 16);
    mid_guard_ask(g.guard, MID_GUARD_RELOAD);
    chat(g.port, ASK, &r);
    CHECK_INT(r.http, 200);
    mid__buf_clear(&r.body);
    write_config(s.port, "", "    hold_back: 0\n    mode: observe\n");
    mid_guard_ask(g.guard, MID_GUARD_RELOAD);
    fd = connect_to(g.port);
    send_request(fd, "/v1/chat/completions", "", ASK);
    CHECK(recv(fd, bytes, sizeof bytes, MSG_PEEK) > 0);
    mid_guard_ask(g.guard, MID_GUARD_DRAIN);
    read_response(fd, &r);
    CHECK(r.http == 200 && r.whole && strstr(r.body.at, "upstream_truncated"));
    for (tries = 0; strstr(r.body.at, " more") == NULL && tries < 1; tries++)
        fail_msg("the answer was not waited for");
    mid__buf_clear(&r.body);
    close(fd);
    pthread_join(g.thread, NULL);
    mid_guard_close(g.guard);
    mid_ctx_close(g.ctx);
    stop(&s);
    CHECK(recorded(&g, "\"event\":\"reload\",\"ok\":false") && recorded(&g, "guard.yaml:1:9: listen 'nowhere'"));
    CHECK(recorded(&g, "\"event\":\"reload\",\"ok\":true") && recorded(&g, "\"mode\":\"observe\""));
    forget_records(&g);
}

/* A client that reads nothing makes the upstream wait: what is kept for it is limited. */
TEST(guard, back_pressure)
{
    enum { N_DELTA = 20000 };
    mid__buf body = { 0 };
    struct reply reply[1];
    struct scripted s;
    struct served g;
    struct response r;
    const struct timespec pause = { 0, 300 * 1000 * 1000 };
    size_t i;
    int fd;

    for (i = 0; i < N_DELTA; i++)
        mid__buf_text(&body, D("Tea is good. Tea is good. Tea is good. Tea is good. Tea is good. Tea is good."));
    mid__buf_text(&body, FINISH DONE);
    reply[0] = (struct reply){ 200, STREAM, body.at, .no_length = true };
    set_up(&s, &g, reply, 1, "");
    fd = connect_to(g.port);
    send_request(fd, "/v1/chat/completions", "", ASK);
    nanosleep(&pause, NULL);
    read_response(fd, &r);
    CHECK_INT(r.body.n, body.n);
    CHECK(memcmp(r.body.at, body.at, body.n) == 0);
    mid__buf_clear(&r.body);
    mid__buf_clear(&body);
    close(fd);
    tear_down(&s, &g);
}

/* A real server: the same greedy answer through the guard and without, byte for byte but for ids and times. */
TEST(guard, llama_server)
{
    static const char ask[] = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Name a colour.\"}],\"max_tokens\":16,"
                              "\"temperature\":0,\"stream\":true}";
    static const char both[] = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Name a colour.\"}],\"max_tokens\":16,"
                               "\"temperature\":0}";
    struct peer peer;
    struct served g;
    struct response r = { .http = 0 };
    struct seen direct, seen;
    int tries;

    needs_peer();
    peer = start_peer();
    serve(&g, write_config(peer.port, "", ""));
    for (tries = 0; r.http != 200 && tries < 300; tries++) {
        const struct timespec pause = { 0, 200 * 1000 * 1000 };
        mid__buf_clear(&r.body);
        nanosleep(&pause, NULL);
        chat(g.port, ask, &r);
    }
    CHECK_INT(r.http, 200);
    see(&seen, r.body.at, r.body.n);
    mid__buf_clear(&r.body);
    chat(peer.port, ask, &r);
    see(&direct, r.body.at, r.body.n);
    mid__buf_clear(&r.body);
    CHECK_TEXT(seen_text(&seen, 0, 0), seen_text(&direct, 0, 0));
    CHECK(seen.done && seen.n_event == direct.n_event && strcmp(seen.finish[0], direct.finish[0]) == 0);
    chat(g.port, both, &r);
    CHECK(r.http == 200 && strstr(r.body.at, seen_text(&seen, 0, 0)));
    mid__buf_clear(&r.body);
    forget(&seen);
    forget(&direct);
    end_serving(&g);
    forget_records(&g);
    stop_peer(&peer);
}
