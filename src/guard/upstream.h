/* Upstreams: requests that we send, over libcurl's multi interface on the same event loop. Only this file's .c knows
 * curl. */
#ifndef MID_GUARD_UPSTREAM_H
#define MID_GUARD_UPSTREAM_H

#include <event2/event.h>

#include "midstream/base.h"

typedef struct mid__upstreams mid__upstreams;
typedef struct mid__call mid__call;

/* The response to a request, as it comes. */
typedef struct mid__call_ops {
    /* Status and type are known. type: "application/json", without parameters; "" none. @return false: not wanted */
    bool (*head)(void *user, int http, const char *type);
    /* @return false: enough. Cuts the connection. */
    bool (*bytes)(void *user, const char *bytes, size_t n);
    /* It is over, and the call is not to be used any more. trouble NULL: as it should; a call that was cancelled or was
     * not wanted has no end. */
    void (*end)(void *user, const char *trouble, bool timed_out);
} mid__call_ops;

typedef struct mid__call_opts {
    const char *url;
    const char *body;               /* NULL: GET */
    size_t n_body;
    const char *authorization;      /* the field's value; NULL: none. In no message */
    const char *request_id;
    uint32_t connect_ms, silence_ms;    /* silence: between two pieces of the response */
    const mid__call_ops *ops;
    void *user;
} mid__call_opts;

mid_status mid__upstreams_open(mid_ctx *ctx, struct event_base *base, mid__upstreams **out);
void mid__upstreams_close(mid__upstreams *upstreams);   /* no call is under way */

/* @param[out] out  owned until its end, or until it is cancelled. @return MID_ENOMEM, MID_EIO. */
mid_status mid__call_open(mid_ctx *ctx, mid__upstreams *upstreams, const mid__call_opts *opts, mid__call **out);
/* The response is not wanted any more: the connection is cut at once. Not from within head or bytes: return false. */
void mid__call_cancel(mid__call *call);
/* Let the upstream wait, or go on. */
void mid__call_pause(mid__call *call, bool pause);

#endif
