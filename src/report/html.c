/* Escaping. Control characters (and NUL) are not text in HTML, so they show as the replacement character. */
#include "report/html.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const char *entity(unsigned char c)
{
    switch (c) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    case '\n': case '\t': return NULL;
    default: return c < 0x20 || c == 0x7f ? "\xef\xbf\xbd" : NULL;
    }
}

static void put_valid(mid__buf *out, const char *text, size_t n)
{
    size_t i, from = 0;

    for (i = 0; i < n; i++) {
        const char *e = entity((unsigned char)text[i]);
        if (!e)
            continue;
        mid__buf_put(out, text + from, i - from);
        mid__buf_text(out, e);
        from = i + 1;
    }
    mid__buf_put(out, text + from, n - from);
}

/* What is not UTF-8 (a name cut short to fit) shows as replacement characters. */
void mid__html_bytes(mid__buf *out, const char *text, size_t n)
{
    size_t n_valid;

    for (;;) {
        n_valid = mid__utf8_valid(text, n);
        put_valid(out, text, n_valid);
        if (n_valid == n)
            return;
        mid__buf_text(out, "\xef\xbf\xbd");
        text += n_valid + 1;
        n -= n_valid + 1;
    }
}

void mid__number_text(char text[64], const char *fmt, double value)
{
    char *comma;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, 64, fmt, value);
#pragma GCC diagnostic pop
    comma = strchr(text, ',');
    if (comma)
        *comma = '.';
}

void mid__count_text(char text[32], size_t n)
{
    char digits[32];
    const int n_digit = snprintf(digits, sizeof digits, "%zu", n);
    size_t at = 0;
    int i;

    for (i = 0; i < n_digit && at < 30; i++) {
        if (i && (n_digit - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
}

/* One directive, already cut out of the format, with its argument. */
static void put_argument(mid__buf *out, const char *directive, char kind, va_list *args)
{
    char text[64];

    if (kind == 's') {
        const char *s = va_arg(*args, const char *);
        if (s)
            mid__html_bytes(out, s, strlen(s));
    } else if (kind == 'z') {
        mid__buf_fmt(out, "%zu", va_arg(*args, size_t));
    } else if (kind == 'd' || kind == 'u') {
        mid__buf_fmt(out, "%d", va_arg(*args, int));
    } else if (kind == '%') {
        mid__buf_text(out, "%");
    } else {
        mid__number_text(text, directive, va_arg(*args, double));
        mid__buf_text(out, text);
    }
}

void mid__html(mid__buf *out, const char *fmt, ...)
{
    const char *percent, *end;
    char directive[16];
    va_list args;

    va_start(args, fmt);
    while ((percent = strchr(fmt, '%'))) {
        mid__buf_put(out, fmt, (size_t)(percent - fmt));
        end = percent + 1 + strspn(percent + 1, "0123456789.+-");
        snprintf(directive, sizeof directive, "%.*s", (int)(end + 1 - percent), percent);
        put_argument(out, directive, *end, &args);
        fmt = end + (*end == 'z' ? 2 : 1);
    }
    mid__buf_text(out, fmt);
    va_end(args);
}

void mid__html_json(mid__buf *out, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    mid__buf_text(out, "\"");
    for (; *s; s++) {
        if (s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9)) {
            mid__buf_fmt(out, "\\u20%02x", s[2] - 0x80u);
            s += 2;
        } else if (*s < 0x20 || *s == 0x7f || strchr("<>&\"'\\", *s)) {
            mid__buf_fmt(out, "\\u%04x", *s);
        } else {
            mid__buf_put(out, s, 1);
        }
    }
    mid__buf_text(out, "\"");
}
