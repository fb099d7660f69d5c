/* Fences as in CommonMark, simplified: up to three spaces, three or more of one mark, the language behind it; closed by
 * a line of at least as many of the same mark and nothing else. */
#include "label/fence.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct line { const char *at, *end, *next; };   /* without its end of line; where the next one begins */
struct fence { char mark; size_t n; const char *info; size_t n_info; };

static struct line line_at(const char *at, const char *end)
{
    const char *lf = memchr(at, '\n', (size_t)(end - at));
    struct line l = { at, lf ? lf : end, lf ? lf + 1 : end };

    if (l.end > l.at && l.end[-1] == '\r')
        l.end--;
    return l;
}

static bool read_fence(struct line l, struct fence *f)
{
    const char *at = l.at, *begin;

    while (at < l.end && at - l.at < 3 && *at == ' ')
        at++;
    begin = at;
    while (at < l.end && (*at == '`' || *at == '~') && *at == *begin)
        at++;
    f->n = (size_t)(at - begin);
    f->mark = f->n ? *begin : 0;
    while (at < l.end && isspace((unsigned char)*at))
        at++;
    for (f->info = at; at < l.end && !isspace((unsigned char)*at); at++)
        ;
    f->n_info = (size_t)(at - f->info);
    return f->n >= 3;
}

static bool is_python(const struct fence *f)
{
    static const char *const names[] = { "", "python", "py", "python3", "py3" };
    size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        if (f->n_info == strlen(names[i]) && strncasecmp(f->info, names[i], f->n_info) == 0)
            return true;
    return false;
}

static bool is_blank(const char *at, const char *end)
{
    while (at < end && isspace((unsigned char)*at))
        at++;
    return at == end;
}

/* A line that begins with WORD NAME, indented or not, and then no more of a name. */
static bool begins(struct line l, const char *word, const char *name)
{
    const size_t n_word = strlen(word), n = strlen(name);
    const char *at = l.at;

    while (at < l.end && isspace((unsigned char)*at))
        at++;
    if ((size_t)(l.end - at) <= n_word || memcmp(at, word, n_word) != 0 || !isspace((unsigned char)at[n_word]))
        return false;
    for (at += n_word; at < l.end && isspace((unsigned char)*at); at++)
        ;
    return (size_t)(l.end - at) >= n && memcmp(at, name, n) == 0
        && ((size_t)(l.end - at) == n || !(isalnum((unsigned char)at[n]) || at[n] == '_'));
}

static bool defines(const char *at, const char *end, const char *name)
{
    struct line l;

    for (; at < end; at = l.next) {
        l = line_at(at, end);
        if (begins(l, "def", name) || begins(l, "class", name))
            return true;
    }
    return false;
}

const char *mid__fence_find(const char *text, size_t n, const char *entry_point, size_t *n_code)
{
    const char *const end = text + n, *at = text, *close, *found = NULL;
    struct fence open, f;
    struct line l;

    while (at < end) {
        l = line_at(at, end);
        at = l.next;
        if (!read_fence(l, &open))
            continue;
        for (close = at; close < end; close = l.next) {
            l = line_at(close, end);
            if (read_fence(l, &f) && f.mark == open.mark && f.n >= open.n && f.n_info == 0)
                break;
        }
        if (is_python(&open) && !is_blank(at, close) && (!found || defines(at, close, entry_point))) {
            found = at;
            *n_code = (size_t)(close - at);
            if (defines(at, close, entry_point))
                break;
        }
        at = close < end ? l.next : end;
    }
    return found;
}
