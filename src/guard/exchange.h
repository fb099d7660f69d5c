/* Exchanges: a request, the upstream's answer to it, and what of that the client gets. */
#ifndef MID_GUARD_EXCHANGE_H
#define MID_GUARD_EXCHANGE_H

#include "guard/client.h"
#include "guard/filter.h"
#include "guard/request.h"
#include "guard/upstream.h"

typedef struct mid__exchange mid__exchange;

/* What all exchanges of a guard share. */
typedef struct mid__exchanges {
    mid_ctx *ctx;
    const mid_guard_opts *opts;
    mid__config *config;            /* of those that begin now */
    mid__upstreams *upstreams;
    mid__exchange *first;
    uint32_t n;
    uint64_t id_start, n_id;        /* of request ids */
} mid__exchanges;

extern const mid__server_ops mid__exchange_ops;     /* user: mid__exchanges */

/* How an exchange ended, for whoever keeps account. Borrowed for the call. */
typedef struct mid__account {
    const char *request_id, *path, *model;
    const mid__policy *policy;      /* NULL: it came to none */
    const mid__filter *filter;      /* NULL: nothing was read */
    bool stream;
    int http;                       /* told to the client; 0: nothing was */
    const char *end;                /* "complete", "refused", "client_gone", ... */
    const char *trouble;            /* ""; never the text of an answer */
    double ms, first_ms;            /* until the end, and until the first byte to the client; -1: there was none */
} mid__account;
/* One line of JSON about it, without its line end. */
void mid__journal_put(const mid__account *account, mid__buf *out);

#endif
