/* Server-sent events (WHATWG HTML, "Server-sent events", 9.2.6), read as the bytes come, wherever a network cuts
 * them. */
#ifndef MID_BASE_SSE_H
#define MID_BASE_SSE_H

#include "base/buf.h"

enum { MID__SSE_LIMIT_BYTES = 1 << 20,      /* of a line, and of an event's data */
       MID__SSE_LIMIT_LINES = 1 << 12 };    /* of data in an event */

typedef struct mid__sse {
    mid__buf line, data;
    bool has_data;                  /* since the last blank line */
    bool after_cr;                  /* the byte before was CR: a LF now belongs to it */
    bool begun;                     /* a byte order mark can come no more */
    uint32_t n_comment;             /* lines of comment so far: signs of life */
    uint32_t n_line;                /* of data since the last blank line */
} mid__sse;

/* @param data  (n) zero-terminated, borrowed for the call. @return false: enough. */
typedef bool (*mid__sse_fn)(void *user, const char *data, size_t n);

void mid__sse_init(mid__sse *sse);
void mid__sse_clear(mid__sse *sse);
/* Read on; give each event's data to fn. An event whose blank line never comes is none. @return MID_OK; MID_ECANCEL fn
 * had enough; MID_ELIMIT, after which sse is to be cleared. */
mid_status mid__sse_push(mid_ctx *ctx, mid__sse *sse, const char *bytes, size_t n, mid__sse_fn fn, void *user);

#endif
