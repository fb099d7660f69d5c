/* Pieces of a text. A piece is blanks, if any, and then either a run of letters, marks and digits, or one character of
 * another kind: "The | tea, | 2 | cups" is The, _tea, the comma, _2, _cups. That is close to what tokenizers make of
 * it, and a word's end is the only thing waited for, which is one character. A piece of 16 characters ends whatever
 * follows, so a script without blanks, or a word that never ends, is not waited for either.
 * Bytes that are not UTF-8 read as U+FFFD, also a character that the end of the text cuts off. */
#include "base/piece.h"

#include <string.h>

static size_t put_utf8(char *to, int32_t cp)
{
    if (cp < 0x80) {
        to[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        to[0] = (char)(0xc0 | cp >> 6);
        to[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        to[0] = (char)(0xe0 | cp >> 12);
        to[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        to[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | cp >> 18);
    to[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    to[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    to[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

static bool end_piece(mid__pieces *p, mid__piece_fn fn, void *user)
{
    const size_t n = p->n_text;

    p->in_word = false;
    p->n_char = p->n_text = 0;
    return n == 0 || fn(user, p->text, n, p->at_byte);
}

/* The next character, which ends at end_byte. */
static bool take(mid__pieces *p, int32_t cp, uint64_t end_byte, mid__piece_fn fn, void *user)
{
    const bool word = mid__is_word(cp), blank = cp == ' ' || cp == '\t';

    if (((p->in_word && !word) || p->n_char == MID__PIECE_MAX_CHAR) && !end_piece(p, fn, user))
        return false;
    p->n_text += (uint8_t)put_utf8(p->text + p->n_text, cp);
    p->n_char++;
    p->in_word = word;
    p->at_byte = end_byte;
    return word || blank || end_piece(p, fn, user);
}

bool mid__pieces_put(mid__pieces *p, const char *bytes, size_t n, mid__piece_fn fn, void *user)
{
    int32_t cp[2];
    size_t i;

    for (i = 0; i < n; i++) {
        const int n_cp = mid__decode_put(&p->decode, (uint8_t)bytes[i], cp);
        const bool begins = p->decode.n_left > 0;       /* this byte begins another character, or goes on with one */
        p->n_byte++;
        if (n_cp && !take(p, cp[0], p->n_byte - (n_cp == 2 || begins), fn, user))
            return false;                               /* what this byte broke ended before it */
        if (n_cp == 2 && !take(p, cp[1], p->n_byte, fn, user))
            return false;
    }
    return true;
}

bool mid__pieces_end(mid__pieces *p, mid__piece_fn fn, void *user)
{
    if (mid__decode_end(&p->decode) && !take(p, MID__REPLACEMENT, p->n_byte, fn, user))
        return false;
    return end_piece(p, fn, user);
}
