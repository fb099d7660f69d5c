/* JSON text: strings with every byte accounted for, numbers that read back the same. */
#include "bench/json.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void mid__json_bytes(mid__buf *out, const char *text, size_t n)
{
    size_t i = 0, end;

    mid__buf_put(out, "\"", 1);
    while (i < n) {
        for (end = i + mid__utf8_valid(text + i, n - i); i < end; i++) {
            const unsigned char c = (unsigned char)text[i];
            if (c == '"' || c == '\\')
                mid__buf_fmt(out, "\\%c", c);
            else if (c < 0x20)
                mid__buf_fmt(out, "\\u%04x", c);
            else
                mid__buf_put(out, text + i, 1);
        }
        if (i < n) {
            mid__buf_text(out, "\xef\xbf\xbd");
            i++;
        }
    }
    mid__buf_put(out, "\"", 1);
}

void mid__json_text(mid__buf *out, const char *text)
{
    if (text)
        mid__json_bytes(out, text, strlen(text));
    else
        mid__buf_text(out, "null");
}

void mid__json_number(mid__buf *out, double value)
{
    char text[40];
    int digits;

    if (!isfinite(value)) {
        mid__buf_text(out, "null");
        return;
    }
    for (digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    mid__buf_text(out, text);
}
