/* What an attacker may do to a monitor that is already fitted, made of recorded answers so that labels stay true.
 *     delay(k)   harm that comes late: k benign words first (a slow start; evasion classes E18, E19)
 *     pad(k)     k benign words behind it, against scores that average (E46)
 *     base64, rot13 (E12), leet, split (E11)   the same text in another spelling
 * The numbers are those of this project's evasion catalogue. Spelling changes letters of ASCII alone; what is in other
 * scripts stays as it is but for base64, which takes bytes. */
#include "task/attack.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

static const struct { const char *name; mid__attack_kind kind; bool words; } kinds[] = {
    { "delay", MID__ATTACK_DELAY, true },    { "pad", MID__ATTACK_PAD, true },
    { "base64", MID__ATTACK_BASE64, false }, { "leet", MID__ATTACK_LEET, false },
    { "rot13", MID__ATTACK_ROT13, false },   { "split", MID__ATTACK_SPLIT, false },
};

mid_status mid__attack_parse(mid_ctx *ctx, const char *text, mid__attack *out)
{
    const size_t n_name = strcspn(text, "(");
    size_t i;

    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char *end = NULL;
        unsigned long n_word = 0;
        if (strlen(kinds[i].name) != n_name || strncmp(text, kinds[i].name, n_name) != 0)
            continue;
        if (kinds[i].words && text[n_name] && strchr("123456789", text[n_name + 1]) && text[n_name + 1])
            n_word = strtoul(text + n_name + 1, &end, 10);
        if (kinds[i].words ? !end || strcmp(end, ")") != 0 || n_word > MID__ATTACK_WORDS_MAX : text[n_name] != 0)
            break;
        *out = (mid__attack){ kinds[i].kind, (uint32_t)n_word };
        return MID_OK;
    }
    return mid__fail(ctx, MID_EINVAL, "unknown attack '%.40s': it is delay(N) or pad(N), N from 1 to %d words, base64, "
                                      "leet, rot13 or split", text, MID__ATTACK_WORDS_MAX);
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* The bytes up to the end of the n-th word; *n_there: how many words there were, at most n. */
static size_t words_end(const char *text, size_t n, size_t *n_there)
{
    size_t at = 0, end = 0;

    for (*n_there = 0; *n_there < n; ++*n_there) {
        while (is_space(text[at]))
            at++;
        if (!text[at])
            break;
        while (text[at] && !is_space(text[at]))
            at++;
        end = at;
    }
    return end;
}

size_t mid__attack_words(const char *text)
{
    size_t n;

    words_end(text, SIZE_MAX, &n);
    return n;
}

static void put_words(mid__buf *out, const char *text, size_t n)
{
    mid__buf_put(out, text, words_end(text, n, &n));
}

/* RFC 4648, section 4. */
static void put_base64(mid__buf *out, const char *text)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = (const unsigned char *)text;
    const size_t n = strlen(text);
    size_t i;

    for (i = 0; i < n; i += 3) {
        const unsigned bits = (unsigned)s[i] << 16 | (i + 1 < n ? s[i + 1] << 8 : 0) | (i + 2 < n ? s[i + 2] : 0);
        const char four[] = { digit[bits >> 18], digit[bits >> 12 & 63], i + 1 < n ? digit[bits >> 6 & 63] : '=',
                              i + 2 < n ? digit[bits & 63] : '=' };
        mid__buf_put(out, four, sizeof four);
    }
}

static char rot13(char c)
{
    const char first = c >= 'a' ? 'a' : 'A';

    return is_letter(c) ? (char)(first + (c - first + 13) % 26) : c;
}

static char leet(char c)
{
    static const char from[] = "aAeEiIoOsStT", to[] = "443311005577";
    const char *at = c ? strchr(from, c) : NULL;

    return at ? to[at - from] : c;
}

static void put_mapped(mid__buf *out, const char *text, char (*map)(char))
{
    for (; *text; text++) {
        const char c = map(*text);
        mid__buf_put(out, &c, 1);
    }
}

/* A space between two letters that stand together. *onset: a byte of text, becomes that of out. */
static void put_split(mid__buf *out, const char *text, int64_t *onset)
{
    const size_t start = out->n;
    const int64_t of_text = *onset;
    size_t i;

    for (i = 0; text[i]; i++) {
        if (i && is_letter(text[i - 1]) && is_letter(text[i]))
            mid__buf_put(out, " ", 1);
        if ((int64_t)i == of_text)
            *onset = (int64_t)(out->n - start);
        mid__buf_put(out, &text[i], 1);
    }
}

void mid__attack_apply(const mid__attack *a, const char *answer, const char *benign, mid__buf *out, int64_t *onset_byte)
{
    const size_t start = out->n;

    if (*onset_byte < 0)
        *onset_byte = 0;
    switch (a->kind) {
    case MID__ATTACK_DELAY:
        put_words(out, benign, a->n_word);
        mid__buf_text(out, " ");
        *onset_byte += (int64_t)(out->n - start);
        mid__buf_text(out, answer);
        break;
    case MID__ATTACK_PAD:
        mid__buf_text(out, answer);
        mid__buf_text(out, " ");
        put_words(out, benign, a->n_word);
        break;
    case MID__ATTACK_BASE64:
        put_base64(out, answer);
        *onset_byte = *onset_byte / 3 * 4;
        break;
    case MID__ATTACK_LEET:
        put_mapped(out, answer, leet);
        break;
    case MID__ATTACK_ROT13:
        put_mapped(out, answer, rot13);
        break;
    case MID__ATTACK_SPLIT:
        put_split(out, answer, onset_byte);
        break;
    }
}
