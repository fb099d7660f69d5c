/* A guard on a thread of its own, and a client of it, over real sockets on loopback. */
#ifndef MID_TEST_LOOPBACK_H
#define MID_TEST_LOOPBACK_H

#include "source/scripted.h"

#include "base/buf.h"
#include "guard/answers.h"
#include "midstream/guard.h"

enum { RECORD_MAX = 64 };

struct served {
    mid_ctx *ctx;
    mid_guard *guard;
    pthread_t thread;
    int port;
    pthread_mutex_t lock;
    char *record[RECORD_MAX];       /* lines, owned */
    size_t n_record;
};

static inline void keep_record(void *user, const char *json)
{
    struct served *g = user;

    pthread_mutex_lock(&g->lock);
    if (g->n_record < RECORD_MAX)
        g->record[g->n_record++] = strdup(json);
    pthread_mutex_unlock(&g->lock);
}

static inline void *run_guard(void *user)
{
    struct served *g = user;

    return mid_guard_run(g->guard) == MID_OK ? NULL : g;
}

/* A config before a server at a port of loopback; more: further lines, policy: further lines of its policy. */
static inline const char *write_config(int port, const char *more, const char *policy)
{
    static const char words[] = "{\"term\":\"bomb\",\"weight\":2}\n{\"term\":\"poison ivy\",\"weight\":1}\n";
    char path[512], text[4096];

    snprintf(path, sizeof path, "%s", test_write("words.jsonl", words, sizeof words - 1));
    snprintf(text, sizeof text, "listen: 127.0.0.1:0\nupstream: { url: \"http://127.0.0.1:%d/v1\", silence_ms: 2000 }\n%spolicies:\n"
             "  - name: words\n    monitors: [ { monitor: lexicon, list: \"%s\", threshold: 1 } ]\n%s", port, more, path, policy);
    return test_write("guard.yaml", text, strlen(text));
}

static inline void serve(struct served *g, const char *config)
{
    mid_guard_opts opts = mid_guard_opts_default();

    memset(g, 0, sizeof *g);
    pthread_mutex_init(&g->lock, NULL);
    opts.record = keep_record;
    opts.user = g;
    CHECK_OK(mid_ctx_open(&g->ctx));
    if (mid_guard_open(g->ctx, config, &opts, &g->guard) != MID_OK)
        fail_msg("%s", mid_ctx_message(g->ctx));
    g->port = mid_guard_port(g->guard);
    assert_int_equal(pthread_create(&g->thread, NULL, run_guard, g), 0);
}

/* Drain and wait. The records stay until forget_records(). */
static inline void end_serving(struct served *g)
{
    void *failed;

    mid_guard_ask(g->guard, MID_GUARD_DRAIN);
    pthread_join(g->thread, &failed);
    CHECK(!failed);
    mid_guard_close(g->guard);
    mid_ctx_close(g->ctx);
}

static inline void forget_records(struct served *g)
{
    while (g->n_record)
        free(g->record[--g->n_record]);
}

/* ---- a client ---- */

static inline int connect_to(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval patience = { 20, 0 };
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

static inline void send_text(int fd, const char *text) { send_all(fd, text, strlen(text), 0); }

static inline void send_request(int fd, const char *path, const char *header, const char *body)
{
    mid__buf out = { 0 };

    mid__buf_fmt(&out, "POST %s HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s", path,
                 strlen(body), header, body);
    send_all(fd, out.at, out.n, 0);
    mid__buf_clear(&out);
}

struct response { int http; char head[4096]; mid__buf body; bool whole; };

/* Read one response, chunks joined. The rest of what was read is lost, so one at a time. */
static inline void read_response(int fd, struct response *r)
{
    mid__buf all = { 0 };
    char bytes[4096], *body = NULL, *at, *end;
    ssize_t got = 1;
    bool chunked = false;
    size_t length = 0;

    memset(r, 0, sizeof *r);
    while (got > 0) {
        if (!body && all.n && (body = strstr(all.at, "\r\n\r\n"))) {
            snprintf(r->head, sizeof r->head, "%.*s", (int)(body - all.at), all.at);
            chunked = strstr(r->head, "Transfer-Encoding: chunked") != NULL;
            at = strstr(r->head, "Content-Length: ");
            length = at ? (size_t)atoi(at + 16) : 0;
            body = all.at + strlen(r->head) + 4;
        }
        if (body && (chunked ? all.at + all.n >= body + 5 && memcmp(all.at + all.n - 5, "0\r\n\r\n", 5) == 0
                             : strstr(r->head, "Content-Length") && (size_t)(all.at + all.n - body) >= length)) {
            r->whole = true;
            break;
        }
        got = recv(fd, bytes, sizeof bytes, 0);
        if (got > 0)
            mid__buf_put(&all, bytes, (size_t)got);
        body = NULL;
    }
    r->http = all.n > 12 ? atoi(all.at + 9) : 0;
    body = all.n ? strstr(all.at, "\r\n\r\n") : NULL;
    for (at = body ? body + 4 : NULL; at && chunked; at = end + 2) {
        const unsigned long n = strtoul(at, &end, 16);
        if (n == 0 || end + 2 + n > all.at + all.n)
            break;
        mid__buf_put(&r->body, end + 2, n);
        end += 2 + n;
    }
    if (body && !chunked)
        mid__buf_text(&r->body, body + 4);
    mid__buf_clear(&all);
}

/* One request on a connection of its own. */
static inline void ask_with(int port, const char *path, const char *header, const char *body, struct response *r)
{
    const int fd = connect_to(port);

    send_request(fd, path, header, body);
    read_response(fd, r);
    close(fd);
}

static inline void chat(int port, const char *body, struct response *r) { ask_with(port, "/v1/chat/completions", "", body, r); }

#endif
