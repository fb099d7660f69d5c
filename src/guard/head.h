/* The head of an HTTP/1.1 request, read strictly: what two readers could take for two things is refused (RFC 9112). */
#ifndef MID_GUARD_HEAD_H
#define MID_GUARD_HEAD_H

#include "midstream/base.h"

enum { MID__HEAD_LIMIT_BYTES = 16 << 10, MID__HEAD_MAX_FIELDS = 100, MID__HEAD_VALUE_BYTES = 4096 };

/* Texts lie in the bytes that were read; NULL: the field is not there. */
typedef struct mid__head {
    const char *method, *path;      /* path without its query */
    const char *authorization, *request_id;
    uint64_t n_body;
    bool old;                       /* HTTP/1.0: it knows no chunks */
    bool close;                     /* the connection ends behind the answer */
    bool expects_continue;
} mid__head;

/* @param[in,out] bytes (n) from the first byte up to and with the blank line; zeros are written behind its texts.
 * @param[out] http  the status to refuse it with. @return MID_EFORMAT and why. */
mid_status mid__head_read(mid_ctx *ctx, char *bytes, size_t n, mid__head *head, int *http);

#endif
