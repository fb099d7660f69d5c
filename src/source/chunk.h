/* One chunk of a streamed completion, as OpenAI-compatible servers send it in an event's data. */
#ifndef MID_SOURCE_CHUNK_H
#define MID_SOURCE_CHUNK_H

#include "base/buf.h"
#include "midstream/trace.h"

enum { MID__CHUNK_HELD_MAX = 4096 };    /* tokens whose text has not come yet */

/* A token with its log-probability. */
typedef struct mid__said_tok {
    uint32_t at, n;                 /* its bytes in mid__chunks.bytes */
    float lp;
    uint32_t n_top;
    int32_t top[MID_TOP_MAX];       /* ids: see mid__tok_id() */
    float top_lp[MID_TOP_MAX];      /* falling */
} mid__said_tok;

/* What has been read and not been taken yet. Zeroed is empty. */
typedef struct mid__chunks {
    mid__buf text;                  /* of the answer, all of it */
    mid__buf bytes;                 /* of the tokens */
    mid__said_tok *tok;             /* (n_tok) */
    uint32_t n_tok, cap;
    size_t n_thought;               /* pieces of what the model said to itself */
    char finish[32];                /* why the answer ended; "": it has not */
} mid__chunks;

void mid__chunks_init(mid__chunks *c);
void mid__chunks_clear(mid__chunks *c);
/* Forget the first n tokens, and of the bytes what belongs to them. */
void mid__chunks_take(mid__chunks *c, uint32_t n);

/* A token of a server has no number that others know, so it gets one: a hash of its bytes, >= 0. */
int32_t mid__tok_id(const char *bytes, size_t n);

/* Read a chunk: choices[0].delta.content or .text, and its tokens, from logprobs.content[] (chat; bytes where they are
 * given, else the token as text) or from logprobs' arrays (legacy completions). What a model says only to itself
 * (reasoning_content, reasoning) is no part of the answer. n_top: keep so many alternatives.
 * @return MID_EFORMAT for what is no chunk; MID_EIO an error in the server's words; MID_ELIMIT; MID_ENOMEM. */
mid_status mid__chunks_read(mid_ctx *ctx, mid__chunks *c, const char *json, size_t n, uint32_t n_top);

#endif
