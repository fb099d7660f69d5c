/* The framings there are, and what they share. */
#include "guard/framing.h"

#include <string.h>

#include "base/utf8.h"

static const mid__framing *const framings[] = { &mid__framing_chat, NULL };

const mid__framing *mid__framing_find(const char *path, size_t n)
{
    size_t i;

    for (i = 0; framings[i]; i++)
        if (strlen(framings[i]->path) == n && memcmp(framings[i]->path, path, n) == 0)
            return framings[i];
    return NULL;
}

const char *mid__channel_name(mid__channel channel)
{
    static const char *const name[MID__CHANNEL_N] = { "content", "reasoning", "refusal", "tool_name", "tool_arguments",
                                                      "error" };

    return name[channel];
}

void mid__framing_put_text(mid__buf *out, const char *text, size_t n)
{
    mid__buf clean;
    size_t i;

    mid__buf_init(&clean, 0);
    mid__utf8_put_clean(&clean, text, n);
    mid__buf_put(out, "\"", 1);
    for (i = 0; i < clean.n; i++) {
        const unsigned char b = (unsigned char)clean.at[i];
        if (b == '"' || b == '\\')
            mid__buf_fmt(out, "\\%c", b);
        else if (b < 0x20)
            mid__buf_fmt(out, "\\u%04x", b);
        else
            mid__buf_put(out, &clean.at[i], 1);
    }
    mid__buf_put(out, "\"", 1);
    out->failed |= clean.failed;
    mid__buf_clear(&clean);
}

void mid__framing_put_error(mid__buf *out, const char *message, const char *kind, const char *code)
{
    mid__buf_text(out, "{\"error\":{\"message\":");
    mid__framing_put_text(out, message, strlen(message));
    mid__buf_fmt(out, ",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}", kind, code);
}
