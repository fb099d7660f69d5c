/* Connections over libevent's bufferevents. A connection reads a head, then a body, then hands both over and reads no
 * further request until that one is answered (what a client sends meanwhile waits in the buffer, up to a limit). Time
 * is limited where a client could hold on to us for nothing: until the head is there, until the body is there, while it
 * does not take what was sent. A client that shuts down its half of the connection is gone. */
#include "guard/client.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "guard/framing.h"

enum { HEAD_S = 15, BODY_S = 60, IDLE_S = 120, SEND_S = 60 };

enum state { READS_HEAD, READS_BODY, ANSWERS, CLOSES };

struct mid__client {
    mid__clients *all;
    mid__client *next, **at;
    struct bufferevent *bev;
    struct event *timer;
    enum state state;
    char *head_bytes;               /* owned; head's texts lie in it */
    mid__head head;
    void *user;
    bool served;                    /* a request before this one */
    bool in_read;
};

/* ---- closing ----------------------------------------------------------------------------------------------------- */

static void close_client(mid__client *c)
{
    mid__clients *all = c->all;

    if (c->state == ANSWERS)
        c->all->ops->gone(c->all->user, c);
    *c->at = c->next;
    if (c->next)
        c->next->at = c->at;
    c->all->n--;
    event_free(c->timer);
    bufferevent_free(c->bev);
    free(c->head_bytes);
    free(c);
    if (all->n == 0)
        all->left(all->owner);
}

static void wait_at_most(mid__client *c, int s)
{
    const struct timeval t = { s, 0 };

    evtimer_add(c->timer, &t);
}

/* A body of n bytes; what a client sends beyond what it was asked for stays with it. */
static void read_at_most(mid__client *c, size_t n)
{
    const size_t head = MID__HEAD_LIMIT_BYTES + 1;

    bufferevent_setwatermark(c->bev, EV_READ, 0, n > head ? n : head);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
    (void)fd; (void)what;
    close_client(user);
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static const char *reason(int http)
{
    static const struct { int http; const char *word; } reasons[] = {
        { 200, "OK" }, { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
        { 405, "Method Not Allowed" }, { 411, "Length Required" }, { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
    };
    size_t i;

    for (i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].http == http)
            return reasons[i].word;
    return "Status";
}

static void put_head(mid__client *c, int http, const char *header, const char *type)
{
    evbuffer_add_printf(bufferevent_get_output(c->bev), "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%s%s", http,
                        reason(http), type, header, c->head.close || c->all->closing ? "Connection: close\r\n" : "");
}

/* The answer is complete: on to the next request, or wait until it is sent and close. */
static void end_answer(mid__client *c)
{
    free(c->head_bytes);
    c->head_bytes = NULL;
    c->user = NULL;
    c->served = true;
    if (c->head.close || c->all->closing) {
        c->state = CLOSES;              /* once it is sent: on_write() */
        bufferevent_disable(c->bev, EV_READ);
        wait_at_most(c, evbuffer_get_length(bufferevent_get_output(c->bev)) ? SEND_S : 0);
        return;
    }
    read_at_most(c, 0);
    c->state = READS_HEAD;
    wait_at_most(c, IDLE_S);
    if (!c->in_read && evbuffer_get_length(bufferevent_get_input(c->bev)))
        bufferevent_trigger(c->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS | BEV_TRIG_IGNORE_WATERMARKS);
}

void mid__client_reply(mid__client *c, int http, const char *header, const char *type, const char *body, size_t n)
{
    put_head(c, http, header, type);
    evbuffer_add_printf(bufferevent_get_output(c->bev), "Content-Length: %zu\r\n\r\n", n);
    evbuffer_add(bufferevent_get_output(c->bev), body, n);
    end_answer(c);
}

void mid__client_begin(mid__client *c, int http, const char *header, const char *type)
{
    put_head(c, http, header, type);
    evbuffer_add_printf(bufferevent_get_output(c->bev), "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n%s\r\n",
                        c->head.old ? "" : "Transfer-Encoding: chunked\r\n");
}

void mid__client_put(mid__client *c, const char *bytes, size_t n)
{
    if (n == 0)
        return;
    if (!c->head.old)
        evbuffer_add_printf(bufferevent_get_output(c->bev), "%zx\r\n", n);
    evbuffer_add(bufferevent_get_output(c->bev), bytes, n);
    if (!c->head.old)
        evbuffer_add(bufferevent_get_output(c->bev), "\r\n", 2);
}

void mid__client_end(mid__client *c)
{
    if (c->head.old)
        c->head.close = true;               /* its end is the connection's */
    else
        evbuffer_add(bufferevent_get_output(c->bev), "0\r\n\r\n", 5);
    end_answer(c);
}

bool mid__client_full(const mid__client *c)
{
    return evbuffer_get_length(bufferevent_get_output(c->bev)) >= MID__CLIENT_HIGH_BYTES;
}

void mid__client_set_user(mid__client *c, void *of) { c->user = of; }
void *mid__client_user(const mid__client *c) { return c->user; }

/* Refuse what cannot be read, and close: where the next request begins is not known. */
static void refuse(mid__client *c, int http, const char *code, const char *why)
{
    mid__buf body = { 0 };

    mid__framing_put_error(&body, why, "invalid_request_error", code);
    c->head.close = true;
    mid__client_reply(c, http, "", "application/json", body.at ? body.at : "", body.n);
    mid__buf_clear(&body);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* @return false: it is not there yet, or was refused */
static bool read_head(mid__client *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    const size_t n = end.pos < 0 ? evbuffer_get_length(in) : (size_t)end.pos + 4;
    int http = 400;

    if (n > MID__HEAD_LIMIT_BYTES) {
        refuse(c, 431, "head_too_large", "the request's head is too large");
        return false;
    }
    if (end.pos < 0)
        return false;
    c->head_bytes = malloc(n + 1);
    if (!c->head_bytes) {
        refuse(c, 503, "out_of_memory", "out of memory");
        return false;
    }
    evbuffer_remove(in, c->head_bytes, n);
    c->head_bytes[n] = 0;
    if (mid__head_read(c->all->ctx, c->head_bytes, n, &c->head, &http) != MID_OK) {
        refuse(c, http, "bad_request", mid_ctx_message(c->all->ctx));
        return false;
    }
    if (c->head.n_body > c->all->body_limit) {
        refuse(c, 413, "request_too_large", "the request is larger than this guard takes");
        return false;
    }
    if (c->head.expects_continue)
        evbuffer_add_printf(bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n");
    read_at_most(c, (size_t)c->head.n_body);
    c->state = READS_BODY;
    wait_at_most(c, BODY_S);
    return true;
}

static bool read_body(mid__client *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    const size_t n = (size_t)c->head.n_body;
    const char *body;

    if (evbuffer_get_length(in) < n)
        return false;
    body = n ? (const char *)evbuffer_pullup(in, (ev_ssize_t)n) : "";
    if (!body) {
        refuse(c, 503, "out_of_memory", "out of memory");
        return false;
    }
    c->state = ANSWERS;
    evtimer_del(c->timer);
    c->all->ops->request(c->all->user, c, &c->head, body, n);
    evbuffer_drain(in, n);
    return true;
}

static void read_requests(mid__client *c)
{
    bool more = true;

    c->in_read = true;
    while (more)
        more = c->state == READS_HEAD ? read_head(c) : c->state == READS_BODY ? read_body(c) : false;
    c->in_read = false;
}

static void on_read(struct bufferevent *bev, void *user)
{
    mid__client *c = user;

    (void)bev;
    if (c->state == READS_HEAD && c->served)
        wait_at_most(c, HEAD_S);
    c->served = false;
    read_requests(c);
}

/* All was sent. */
static void on_write(struct bufferevent *bev, void *user)
{
    mid__client *c = user;

    (void)bev;
    if (c->state == CLOSES)
        close_client(c);
    else if (c->state == ANSWERS)
        c->all->ops->room(c->all->user, c);
}

/* Gone, or too slow to take what was sent. */
static void on_event(struct bufferevent *bev, short what, void *user)
{
    (void)bev;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
        close_client(user);
}

void mid__client_open(mid__clients *all, int fd)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
                               "Content-Length: 0\r\n\r\n";
    const struct timeval send = { SEND_S, 0 };
    mid__client *c = all->n < all->n_max ? calloc(1, sizeof *c) : NULL;

    if (c) {
        c->bev = bufferevent_socket_new(all->base, fd, BEV_OPT_CLOSE_ON_FREE);
        c->timer = evtimer_new(all->base, on_timer, c);
    }
    if (!c || !c->bev || !c->timer) {
        if (write(fd, busy, sizeof busy - 1) < 0 || !c || !c->bev)
            close(fd);
        if (c && c->bev)
            bufferevent_free(c->bev);
        if (c && c->timer)
            event_free(c->timer);
        free(c);
        return;
    }
    c->all = all;
    c->next = all->first;
    c->at = &all->first;
    if (c->next)
        c->next->at = &c->next;
    all->first = c;
    all->n++;
    bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
    bufferevent_set_timeouts(c->bev, NULL, &send);
    read_at_most(c, 0);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    wait_at_most(c, HEAD_S);
}

void mid__clients_close(mid__clients *all)
{
    while (all->first)
        close_client(all->first);
}

void mid__clients_close_idle(mid__clients *all)
{
    mid__client *c = all->first, *next;

    for (; c; c = next) {
        next = c->next;
        if (c->state == READS_HEAD && evbuffer_get_length(bufferevent_get_output(c->bev)) == 0)
            close_client(c);
    }
}
