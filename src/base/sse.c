/* Server-sent events. A line ends with LF, CR or CRLF; a blank one ends an event. Of the fields only `data` matters to
 * us: several in one event are joined by LF. Comments (":...") keep a connection alive and are passed over.
 * Differs from the standard: an event without data is none, as there; a line or event over 1 MiB is refused, and an
 * event of more than 4096 lines. */
#include "base/sse.h"

#include <string.h>

#include "base/ctx.h"

void mid__sse_init(mid__sse *sse)
{
    memset(sse, 0, sizeof *sse);
    mid__buf_init(&sse->line, MID__SSE_LIMIT_BYTES);
    mid__buf_init(&sse->data, MID__SSE_LIMIT_BYTES);
}

void mid__sse_clear(mid__sse *sse)
{
    mid__buf_clear(&sse->line);
    mid__buf_clear(&sse->data);
    mid__sse_init(sse);
}

/* "data: x" and "data:x" are the same; "data" alone is an empty line of data. */
static void take_field(mid__sse *sse, const char *line, size_t n)
{
    size_t at = 4;

    if (n < 4 || memcmp(line, "data", 4) != 0 || (n > 4 && line[4] != ':'))
        return;
    at += n > 4;
    at += at < n && line[at] == ' ';
    if (sse->has_data)
        mid__buf_put(&sse->data, "\n", 1);
    mid__buf_put(&sse->data, line + at, n - at);
    sse->has_data = true;
    sse->n_line++;
}

/* A line has ended. @return false: fn had enough. */
static bool end_line(mid__sse *sse, mid__sse_fn fn, void *user)
{
    const size_t n_mark = !sse->begun && sse->line.n >= 3 && memcmp(sse->line.at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    const size_t n = sse->line.n - n_mark;
    bool more = true;

    sse->begun = true;
    if (n > 0) {
        take_field(sse, sse->line.at + n_mark, n);
        sse->n_comment += sse->line.at[n_mark] == ':';
    } else if (sse->has_data && !sse->data.failed) {
        more = fn(user, sse->data.at, sse->data.n);
        sse->data.n = 0;
        sse->has_data = false;
        sse->n_line = 0;
    }
    sse->line.n = 0;
    return more;
}

mid_status mid__sse_push(mid_ctx *ctx, mid__sse *sse, const char *bytes, size_t n, mid__sse_fn fn, void *user)
{
    const char *const end = bytes + n;
    const char *stop;

    for (; bytes < end; bytes = stop + 1) {
        const bool pair = sse->after_cr && *bytes == '\n';
        sse->after_cr = false;
        stop = bytes;
        if (pair)
            continue;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        mid__buf_put(&sse->line, bytes, (size_t)(stop - bytes));
        if (stop < end) {
            sse->after_cr = *stop == '\r';
            if (!end_line(sse, fn, user))
                return MID_ECANCEL;
        }
        if (sse->line.failed || sse->data.failed)
            return mid__fail(ctx, MID_ELIMIT, "a line or an event of more than %d bytes", MID__SSE_LIMIT_BYTES);
        if (sse->n_line > MID__SSE_LIMIT_LINES)
            return mid__fail(ctx, MID_ELIMIT, "an event of more than %d lines", MID__SSE_LIMIT_LINES);
        if (stop == end)
            break;
    }
    return MID_OK;
}
