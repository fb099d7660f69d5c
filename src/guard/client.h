/* Clients: connections that somebody opened to us, with one request at a time on each. */
#ifndef MID_GUARD_CLIENT_H
#define MID_GUARD_CLIENT_H

#include <event2/event.h>

#include "guard/head.h"

typedef struct mid__client mid__client;

/* Who answers requests. user is that of mid__clients. */
typedef struct mid__server_ops {
    /* A request is there; body (n) and head are borrowed for the call. It is answered with the functions below, now or
     * later. */
    void (*request)(void *user, mid__client *client, const mid__head *head, const char *body, size_t n);
    /* The client of an answer that has not ended is gone; it is not to be used any more. */
    void (*gone)(void *user, mid__client *client);
    /* What was sent to it has got through: there is room for more. */
    void (*room)(void *user, mid__client *client);
} mid__server_ops;

/* All of them. */
typedef struct mid__clients {
    struct event_base *base;
    mid_ctx *ctx;
    const mid__server_ops *ops;
    void *user;
    uint32_t n, n_max;
    size_t body_limit;
    bool closing;                   /* no connection is kept open behind an answer */
    mid__client *first;
    void (*left)(void *owner);      /* the last one is gone */
    void *owner;
} mid__clients;

enum { MID__CLIENT_HIGH_BYTES = 64 << 10 };     /* unsent bytes from which on the upstream has to wait */

/* A connection was accepted; fd is given. Beyond n_max it is told so and closed. */
void mid__client_open(mid__clients *clients, int fd);
void mid__clients_close(mid__clients *clients);         /* all, at once */
void mid__clients_close_idle(mid__clients *clients);    /* those without a request */

void mid__client_set_user(mid__client *client, void *of);   /* what belongs to the request under way */
void *mid__client_user(const mid__client *client);
/* Answer a request at once. header: further fields, each with its CRLF; "". */
void mid__client_reply(mid__client *client, int http, const char *header, const char *type, const char *body, size_t n);
/* Or bit by bit: begin, bytes, end. */
void mid__client_begin(mid__client *client, int http, const char *header, const char *type);
void mid__client_put(mid__client *client, const char *bytes, size_t n);
void mid__client_end(mid__client *client);
bool mid__client_full(const mid__client *client);

#endif
