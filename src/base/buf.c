/* Growable bytes and arenas. Growth doubles, so n appends cost O(n). */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midstream/trace.h"

void mid_free(void *bytes) { free(bytes); }

void mid__buf_init(mid__buf *buf, size_t limit_bytes)
{
    memset(buf, 0, sizeof *buf);
    buf->limit = limit_bytes;
}

void mid__buf_clear(mid__buf *buf)
{
    free(buf->at);
    mid__buf_init(buf, buf->limit);
}

static bool reserve(mid__buf *buf, size_t n_more)
{
    size_t need, cap;
    char *at;

    if (buf->failed || n_more > SIZE_MAX / 2 - buf->n - 1)
        return false;
    need = buf->n + n_more + 1;
    if (buf->limit && need - 1 > buf->limit)
        return false;
    if (need <= buf->cap)
        return true;
    cap = buf->cap ? buf->cap : 64;
    while (cap < need)
        cap *= 2;
    at = realloc(buf->at, cap);
    if (!at)
        return false;
    buf->at = at;
    buf->cap = cap;
    return true;
}

bool mid__buf_put(mid__buf *buf, const void *bytes, size_t n)
{
    if (!reserve(buf, n)) {
        buf->failed = true;
        return false;
    }
    if (n)
        memcpy(buf->at + buf->n, bytes, n);
    buf->n += n;
    buf->at[buf->n] = 0;
    return true;
}

bool mid__buf_text(mid__buf *buf, const char *text) { return mid__buf_put(buf, text, strlen(text)); }

bool mid__buf_vfmt(mid__buf *buf, const char *fmt, va_list args)
{
    char small[256];
    va_list again;
    int n;
    bool ok;

    va_copy(again, args);
    n = vsnprintf(small, sizeof small, fmt, args);
    if (n >= 0 && (size_t)n < sizeof small) {
        ok = mid__buf_put(buf, small, (size_t)n);
    } else if (n >= 0 && reserve(buf, (size_t)n)) {
        vsnprintf(buf->at + buf->n, (size_t)n + 1, fmt, again);
        buf->n += (size_t)n;
        ok = true;
    } else {
        buf->failed = true;
        ok = false;
    }
    va_end(again);
    return ok;
}

bool mid__buf_fmt(mid__buf *buf, const char *fmt, ...)
{
    va_list args;
    bool ok;

    va_start(args, fmt);
    ok = mid__buf_vfmt(buf, fmt, args);
    va_end(args);
    return ok;
}

char *mid__buf_take(mid__buf *buf, size_t *n)
{
    char *at;

    if (!mid__buf_put(buf, "", 0))
        return NULL;
    at = buf->at;
    if (n)
        *n = buf->n;
    mid__buf_init(buf, buf->limit);
    return at;
}

struct mid__arena_block {
    struct mid__arena_block *before;
    size_t n, cap;
    _Alignas(max_align_t) char bytes[];
};

void *mid__arena_get(mid__arena *arena, size_t n_bytes)
{
    struct mid__arena_block *b = arena->last;
    const size_t align = _Alignof(max_align_t);
    size_t n, cap;
    void *at;

    if (n_bytes > SIZE_MAX / 2)
        return NULL;
    n = (n_bytes + align - 1) / align * align;
    if (!b || b->cap - b->n < n) {
        cap = n > 65536 ? n : 65536;
        b = calloc(1, sizeof *b + cap);
        if (!b)
            return NULL;
        b->cap = cap;
        b->before = arena->last;
        arena->last = b;
    }
    at = b->bytes + b->n;
    b->n += n;
    return at;
}

char *mid__arena_text(mid__arena *arena, const char *text, size_t n)
{
    char *at = mid__arena_get(arena, n + 1);

    if (at && n)
        memcpy(at, text, n);
    return at;
}

void mid__arena_clear(mid__arena *arena)
{
    while (arena->last) {
        struct mid__arena_block *b = arena->last;
        arena->last = b->before;
        free(b);
    }
}
