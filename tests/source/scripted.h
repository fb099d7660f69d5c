/* A server on loopback that answers each request as a script says, for faults: late, cut at a chosen byte, in
 * pieces. */
#ifndef MID_TEST_SCRIPTED_H
#define MID_TEST_SCRIPTED_H

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ctx.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"   /* most replies say only the first three */

enum { N_REPLY_MAX = 40, SLOW = -1 };

struct reply {
    int http;                       /* SLOW: never says anything */
    const char *header, *body;
    size_t piece;                   /* bytes sent at a time; 0: all */
    size_t cut;                     /* close after so many bytes of the body; 0: none is missing */
    bool no_length;                 /* say no Content-Length: the end is where the connection closes */
    const char *drip;               /* after the body: this every 50 ms, until nobody listens or n_drip times */
    size_t n_drip;
    bool silent;                    /* after the body say nothing and keep the connection open */
};

struct scripted {
    int fd, port, slow_fd;
    pthread_t thread;
    const struct reply *reply;
    size_t n_reply, n_seen;
    char seen[N_REPLY_MAX][8192];
    double seen_s[N_REPLY_MAX];     /* when */
};

/* Read one request, headers and body. */
static inline void read_request(int fd, char *to, size_t room)
{
    size_t n = 0, length = 0;
    const char *body, *at;
    ssize_t got;

    while (n + 1 < room && (got = read(fd, to + n, room - n - 1)) > 0) {
        n += (size_t)got;
        to[n] = 0;
        body = strstr(to, "\r\n\r\n");
        at = strstr(to, "Content-Length: ");
        if (at)
            length = (size_t)atoi(at + 16);
        if (body && n >= (size_t)(body + 4 - to) + length)
            return;
    }
}

static inline void send_all(int fd, const char *bytes, size_t n, size_t piece)
{
    size_t at = 0;
    ssize_t sent = 1;

    while (at < n && sent > 0) {
        const size_t n_now = piece && piece < n - at ? piece : n - at;
        sent = send(fd, bytes + at, n_now, MSG_NOSIGNAL);
        at += sent > 0 ? (size_t)sent : 0;
    }
}

static inline void write_reply(int fd, const struct reply *r)
{
    const size_t n = strlen(r->body);
    const int at_once = 1;
    mid__buf out = { 0 };
    size_t i;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    mid__buf_fmt(&out, "HTTP/1.1 %d Scripted\r\nConnection: close\r\n%s", r->http, r->header ? r->header : "");
    if (!r->no_length)
        mid__buf_fmt(&out, "Content-Length: %zu\r\n", n);
    mid__buf_text(&out, "\r\n");
    send_all(fd, out.at, out.n, 0);
    send_all(fd, r->body, r->cut ? r->cut : n, r->piece);
    for (i = 0; r->drip && (!r->n_drip || i < r->n_drip); i++) {
        const struct timespec pause = { 0, 50 * 1000 * 1000 };
        nanosleep(&pause, NULL);
        if (send(fd, r->drip, strlen(r->drip), MSG_NOSIGNAL) < 0)
            break;
    }
    mid__buf_clear(&out);
}

static inline void *serve_script(void *user)
{
    struct scripted *s = user;
    int fd;

    while (s->n_seen < s->n_reply && (fd = accept(s->fd, NULL, NULL)) >= 0) {
        const struct reply *r = &s->reply[s->n_seen];
        read_request(fd, s->seen[s->n_seen], sizeof s->seen[0]);
        s->seen_s[s->n_seen++] = mid__now_s();
        if (r->http != SLOW)
            write_reply(fd, r);
        if (r->http == SLOW || r->silent)
            s->slow_fd = fd;
        else
            close(fd);
    }
    return NULL;
}

/* port 0: any that is free */
static inline void start_at(struct scripted *s, int port, const struct reply *reply, size_t n_reply)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int again = 1;
    socklen_t n = sizeof at;

    memset(s, 0, sizeof *s);
    s->reply = reply;
    s->n_reply = n_reply;
    assert_true(n_reply <= N_REPLY_MAX);
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again);
    assert_true(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(s->fd, 4) == 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve_script, s), 0);
}

static inline void start(struct scripted *s, const struct reply *reply, size_t n_reply) { start_at(s, 0, reply, n_reply); }

/* All replies of the script must have been fetched. */
static inline void stop(struct scripted *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    if (s->slow_fd)
        close(s->slow_fd);
    CHECK_INT(s->n_seen, s->n_reply);
}

#endif
