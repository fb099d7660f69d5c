/* Growable bytes with a ceiling set at init, and an arena of strings that live together. */
#ifndef MID_BASE_BUF_H
#define MID_BASE_BUF_H

#include "midstream/base.h"

#include <stdarg.h>

/* After a failed append the buffer keeps what it had and stays failed, so a chain of appends needs one check at its end. */
typedef struct mid__buf {
    char *at;                       /* (n) then a zero byte; NULL while empty */
    size_t n, cap, limit;
    bool failed;
} mid__buf;

void mid__buf_init(mid__buf *buf, size_t limit_bytes);      /* limit 0: none */
void mid__buf_clear(mid__buf *buf);
bool mid__buf_put(mid__buf *buf, const void *bytes, size_t n);
bool mid__buf_text(mid__buf *buf, const char *text);
bool mid__buf_fmt(mid__buf *buf, const char *fmt, ...) MID_PRINTF(2, 3);
bool mid__buf_vfmt(mid__buf *buf, const char *fmt, va_list args) MID_PRINTF(2, 0);
/* Hand the bytes over (free with mid_free) and leave the buffer empty; NULL if it failed. Never NULL for an empty one. */
char *mid__buf_take(mid__buf *buf, size_t *n);

/* Memory given back all at once. */
typedef struct mid__arena { struct mid__arena_block *last; } mid__arena;
void *mid__arena_get(mid__arena *arena, size_t n_bytes);    /* zeroed, aligned for anything; NULL: out of memory */
char *mid__arena_text(mid__arena *arena, const char *text, size_t n);   /* a zero-terminated copy */
void mid__arena_clear(mid__arena *arena);

#endif
