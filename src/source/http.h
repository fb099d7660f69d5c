/* One POST to somebody's server, tried again where that helps, at a stated pace: what a judge behind a server and the
 * source `openai` share. Only this folder's http.c knows curl. */
#ifndef MID_SOURCE_HTTP_H
#define MID_SOURCE_HTTP_H

#include <pthread.h>

#include "midstream/base.h"

/* When the next request may go out; shared by all who ask one server. Limits of 0: none. */
typedef struct mid__pace {
    pthread_mutex_t lock;
    double request_s, tok_s;        /* a request's and a token's share of a minute */
    double next_s;                  /* by mid__now_s() */
} mid__pace;
void mid__pace_init(mid__pace *pace, uint32_t per_minute, uint32_t tok_per_minute);
void mid__pace_clear(mid__pace *pace);
/* Book a request with so many tokens. @return seconds to wait before it is sent; requests never come in bursts. */
double mid__pace_take(mid__pace *pace, uint32_t n_tok);

typedef struct mid__http_opts {
    const char *key;                /* in no message. NULL: none */
    const char *key_name;           /* the key is sent behind the URL, as ?key_name=key; NULL: as a bearer token */
    bool streams;                   /* the response comes bit by bit: timeout_ms is the longest time between two
                                     * mid__http_heard() */
    uint32_t timeout_ms;            /* 0: 60000 */
    uint32_t retry_ms;              /* before the first of 3 retries, about doubled each time; 0: 500 */
    uint64_t seed;                  /* of how waits differ from that */
    mid__pace *pace;                /* borrowed; NULL: none */
} mid__http_opts;

/* Used by one thread at a time. */
typedef struct mid__http mid__http;

/* Whom to ask: base/v1/path, whether or not base ends with / or /v1; path NULL: base as it is. @param[out] url  owned,
 * mid_free(). @return MID_EINVAL a malformed URL, one with a user, a password or a parameter named like a key. */
mid_status mid__http_url_of(mid_ctx *ctx, const char *base, const char *path, char **url);
/* @return as mid__http_url_of(); MID_EINVAL also for a key with a line break, or one behind a URL with other signs than
 * letters, digits and - _ . ~ */
mid_status mid__http_open(mid_ctx *ctx, const char *base, const char *path, const mid__http_opts *opts,
                          mid__http **out);
void mid__http_close(mid__http *http);
const char *mid__http_url(const mid__http *http);
/* What a server said, for a message: on one line, cut, and without our key should it be repeated there. */
enum { MID__HTTP_SAID_BYTES = 400 };
void mid__http_clean(const mid__http *http, const char *said, char out[MID__HTTP_SAID_BYTES]);

/* To be called by the reader of a stream when something of the answer has come. A server's signs of life are none: it
 * could give them for ever. */
void mid__http_heard(mid__http *http);

/* Who gets the bytes of a response with status 200. */
typedef struct mid__http_reader {
    void *user;
    bool (*begin)(void *user);      /* of each try: forget the one before; false if that cannot be done any more */
    bool (*bytes)(void *user, const char *bytes, size_t n);     /* false: enough */
} mid__http_reader;

/**
 * @param n_tok    what the request takes of the tokens per minute
 * @param[in,out] n_retry  is counted up; may be NULL
 * @return MID_OK; MID_ECANCEL the reader had enough; MID_EIO no whole response after the retries; MID_EINVAL the server
 *         refuses this request (400, 413, 422); MID_EMODEL it refuses us: 401, 403, 404 and whatever else
 */
mid_status mid__http_post(mid_ctx *ctx, mid__http *http, const char *request, uint32_t n_tok,
                          const mid__http_reader *reader, uint64_t *n_retry);

#endif
