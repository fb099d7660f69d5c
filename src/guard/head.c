/* Request heads. Lines end with CRLF and nothing else; a body has one Content-Length and no other coding, so where a
 * request ends is never a matter of opinion between us and whoever stands before or behind us. */
#include "guard/head.h"

#include <string.h>
#include <strings.h>

#include "base/ctx.h"

static bool is_token(const char *text, size_t n)
{
    static const char signs[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t i;

    for (i = 0; i < n; i++)
        if (!text[i] || !strchr(signs, text[i]))
            return false;
    return n > 0;
}

static mid_status refuse(mid_ctx *ctx, int *http, int status, const char *why)
{
    *http = status;
    return mid__fail(ctx, MID_EFORMAT, "%s", why);
}

/* The line at `at`, ended by a zero where its CRLF was. NULL: it has no such end, or a control character in it. */
static char *take_line(char **at, char *end)
{
    char *line = *at, *lf = memchr(line, '\n', (size_t)(end - line)), *c;

    if (!lf || lf == line || lf[-1] != '\r')
        return NULL;
    for (c = line; c < lf - 1; c++)
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
            return NULL;
    lf[-1] = 0;
    *at = lf + 1;
    return line;
}

static mid_status read_request_line(mid_ctx *ctx, char *line, mid__head *head, int *http)
{
    char *path = strchr(line, ' '), *version = path ? strchr(path + 1, ' ') : NULL;

    if (!version)
        return refuse(ctx, http, 400, "no request line");
    *path++ = 0;
    *version++ = 0;
    if (!is_token(line, strlen(line)) || path[0] != '/')
        return refuse(ctx, http, 400, "no request line");
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return refuse(ctx, http, 505, "HTTP/1.1 is spoken here");
    path[strcspn(path, "?#")] = 0;
    head->method = line;
    head->path = path;
    head->old = head->close = version[7] == '0';
    return MID_OK;
}

static mid_status read_length(mid_ctx *ctx, const char *value, bool *has_length, mid__head *head, int *http)
{
    const size_t n = strspn(value, "0123456789");

    if (*has_length || n == 0 || n > 15 || value[n])
        return refuse(ctx, http, 400, "a Content-Length that is not one number");
    for (; *value; value++)
        head->n_body = 10 * head->n_body + (uint64_t)(*value - '0');
    *has_length = true;
    return MID_OK;
}

static mid_status read_field(mid_ctx *ctx, char *line, bool *has_length, mid__head *head, int *http)
{
    char *value = strchr(line, ':'), *end;

    if (!value || !is_token(line, (size_t)(value - line)))
        return refuse(ctx, http, 400, "a header field without a name");
    *value++ = 0;
    value += strspn(value, " \t");
    for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
        end[-1] = 0;
    if (end - value > MID__HEAD_VALUE_BYTES)
        return refuse(ctx, http, 431, "a header field that is too long");
    if (strcasecmp(line, "content-length") == 0)
        return read_length(ctx, value, has_length, head, http);
    if (strcasecmp(line, "transfer-encoding") == 0)
        return refuse(ctx, http, 411, "send the body with a Content-Length");
    if (strcasecmp(line, "content-encoding") == 0 && strcasecmp(value, "identity") != 0)
        return refuse(ctx, http, 415, "send the body as it is, without a Content-Encoding");
    if (strcasecmp(line, "authorization") == 0)
        head->authorization = value;
    else if (strcasecmp(line, "x-request-id") == 0)
        head->request_id = value;
    else if (strcasecmp(line, "connection") == 0)
        head->close = strcasecmp(value, "close") == 0 || (head->close && strcasecmp(value, "keep-alive") != 0);
    else if (strcasecmp(line, "expect") == 0)
        head->expects_continue = strcasecmp(value, "100-continue") == 0;
    return MID_OK;
}

mid_status mid__head_read(mid_ctx *ctx, char *bytes, size_t n, mid__head *head, int *http)
{
    char *const end = bytes + n;
    char *at = bytes, *line = take_line(&at, end);
    bool has_length = false;
    int n_field = 0;
    mid_status status;

    *head = (mid__head){ .method = NULL };
    if (!line)
        return refuse(ctx, http, 400, "no request line");
    status = read_request_line(ctx, line, head, http);
    while (status == MID_OK && at < end) {
        line = take_line(&at, end);
        if (!line)
            return refuse(ctx, http, 400, "a header field with a control character, or a line without its CRLF");
        if (!*line)
            break;
        if (++n_field > MID__HEAD_MAX_FIELDS)
            return refuse(ctx, http, 431, "too many header fields");
        status = read_field(ctx, line, &has_length, head, http);
    }
    return status;
}
