/* What a client asks for, checked and written anew for the upstream. */
#ifndef MID_GUARD_REQUEST_H
#define MID_GUARD_REQUEST_H

#include "guard/framing.h"
#include "guard/policy.h"

typedef struct mid__request {
    char model[256];
    uint32_t n_choice;
    bool stream, usage;
    char *body;                     /* (n) owned, free() */
    size_t n;
} mid__request;

/* @param[out] out  untouched on error. @return MID_EFORMAT, MID_EINVAL, MID_ELIMIT with what to tell the client. */
mid_status mid__request_read(mid_ctx *ctx, const mid__framing *framing, const mid__config *config, const char *body,
                             size_t n, mid__request *out);

#endif
