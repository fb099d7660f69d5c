/* JSON Lines over yyjson. yyjson keeps no positions of values, so a failure about a value finds its column by a second
 * look at the line; that costs nothing until something is wrong. */
#include "base/jsonl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/utf8.h"
#include "midstream/sample.h"

void mid__jsonl_init(mid__jsonl *r, const char *path, const char *bytes, size_t n)
{
    memset(r, 0, sizeof *r);
    r->path = path;
    r->bytes = bytes;
    r->n = n;
    if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        r->at = 3;
}

void mid__jsonl_clear(mid__jsonl *r)
{
    yyjson_doc_free(r->doc);
    r->doc = NULL;
}

/* Step to the next line that is not blank; false at the end. */
static bool next_line(mid__jsonl *r)
{
    const char *end;

    while (r->at < r->n) {
        r->line = r->bytes + r->at;
        end = memchr(r->line, '\n', r->n - r->at);
        r->n_line = end ? (size_t)(end - r->line) : r->n - r->at;
        r->at += r->n_line + (end != NULL);
        r->i_line++;
        for (end = r->line; end < r->line + r->n_line; end++)
            if (*end != ' ' && *end != '\t' && *end != '\r')
                return true;
    }
    return false;
}

mid_status mid__jsonl_next(mid_ctx *ctx, mid__jsonl *r, yyjson_val **object)
{
    const char *nul;
    yyjson_read_err err;
    size_t bad;

    mid__jsonl_clear(r);
    *object = NULL;
    if (!next_line(r))
        return MID_OK;
    if (r->n_line > MID_LINE_LIMIT_BYTES)
        return mid__fail(ctx, MID_ELIMIT, "%s:%zu:1: the line has %zu bytes, the limit is %u; shorten or split it",
                         r->path, r->i_line, r->n_line, MID_LINE_LIMIT_BYTES);
    bad = mid__utf8_valid(r->line, r->n_line);
    if (bad < r->n_line)
        return mid__fail(ctx, MID_EFORMAT, "%s:%zu:%zu: byte 0x%02x at offset %zu of the file is not UTF-8; "
                         "save the file as UTF-8", r->path, r->i_line, bad + 1, (unsigned char)r->line[bad],
                         r->n_before + (size_t)(r->line - r->bytes) + bad);
    nul = memchr(r->line, 0, r->n_line);
    if (nul)
        return mid__fail(ctx, MID_EFORMAT, "%s:%zu:%zu: a NUL byte at offset %zu of the file; remove it",
                         r->path, r->i_line, (size_t)(nul - r->line) + 1, r->n_before + (size_t)(nul - r->bytes));
    r->doc = yyjson_read_opts((char *)(uintptr_t)r->line, r->n_line, YYJSON_READ_NOFLAG, NULL, &err);
    if (!r->doc && err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return mid__oom(ctx, r->path);
    if (!r->doc)
        return mid__fail(ctx, MID_EFORMAT, "%s:%zu:%zu: not JSON (%s); each line must be one JSON object", r->path,
                         r->i_line, err.pos + 1, err.msg);
    *object = yyjson_doc_get_root(r->doc);
    if (!yyjson_is_obj(*object))
        return mid__fail(ctx, MID_EFORMAT, "%s:%zu:1: a JSON %s where an object is needed; each line must be one "
                         "JSON object", r->path, r->i_line, yyjson_get_type_desc(*object));
    return MID_OK;
}

/* In valid JSON: the offset just behind the string that begins at i. */
static size_t skip_string(const char *s, size_t n, size_t i)
{
    for (i++; i < n && s[i] != '"'; i++)
        if (s[i] == '\\')
            i++;
    return i + 1;
}

/* In valid JSON: the offset of key's value in the object that begins at from, or from if it is not there. */
static size_t value_at(const char *s, size_t n, size_t from, const char *key)
{
    const size_t n_key = strlen(key);
    size_t i = from, end;
    int depth = 0;

    while (i < n) {
        if (s[i] != '"') {
            depth += (s[i] == '{' || s[i] == '[') - (s[i] == '}' || s[i] == ']');
            if (depth == 0)
                break;
            i++;
            continue;
        }
        end = skip_string(s, n, i);
        if (depth == 1 && end - i == n_key + 2 && memcmp(s + i + 1, key, n_key) == 0) {
            i = end + strspn(s + end, " \t\r");
            if (s[i] == ':')        /* a key, not a value that looks like one */
                return i + 1 + strspn(s + i + 1, " \t\r");
            continue;
        }
        i = end;
    }
    return from;
}

mid_status mid__jsonl_fail(mid_ctx *ctx, const mid__jsonl *r, const char *outer, const char *key, const char *fmt, ...)
{
    const size_t begin = strspn(r->line, " \t\r");
    char what[512];
    size_t at = begin;
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (outer)
        at = value_at(r->line, r->n_line, at, outer);
    if (r->line[at] == '{')
        at = value_at(r->line, r->n_line, at, key);
    return mid__fail(ctx, MID_EFORMAT, "%s:%zu:%zu: %s", r->path, r->i_line, at + 1, what);
}

const char *mid__jsonl_show(yyjson_val *value, char text[64])
{
    char *json = yyjson_val_write(value, YYJSON_WRITE_NOFLAG, NULL);
    size_t n;

    snprintf(text, 64, "%s", json ? json : yyjson_get_type_desc(value));
    if (json && strlen(json) > 63) {
        n = mid__utf8_whole(text, 60);
        memcpy(text + n, "...", 4);
    }
    free(json);
    return text;
}
