/* A UTF-8 decoder with flat state: the table of well-formed sequences (Unicode 15, table 3-7) read byte by byte; each
 * longest ill-formed piece becomes one U+FFFD, as Unicode 15 section 3.9 recommends. */
#include "base/decode.h"

#include <utf8proc.h>

/* Begin a character that has n_left more bytes. */
static void begin(mid__decode *d, uint8_t byte, int n_left)
{
    d->part = byte & (0x3f >> n_left);
    d->n_left = (uint8_t)n_left;
    d->lo = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;       /* no overlong forms */
    d->hi = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;       /* no surrogates, nothing above U+10FFFF */
}

int mid__decode_put(mid__decode *d, uint8_t byte, int32_t cp[2])
{
    int n = 0;

    if (d->n_left) {
        if (byte >= d->lo && byte <= d->hi) {
            d->part = d->part << 6 | (byte & 0x3f);
            d->lo = 0x80;
            d->hi = 0xbf;
            if (--d->n_left)
                return 0;
            cp[0] = d->part;
            return 1;
        }
        d->n_left = 0;
        cp[n++] = MID__REPLACEMENT;
    }
    if (byte < 0x80)
        cp[n++] = byte;
    else if (byte >= 0xc2 && byte <= 0xdf)
        begin(d, byte, 1);
    else if (byte >= 0xe0 && byte <= 0xef)
        begin(d, byte, 2);
    else if (byte >= 0xf0 && byte <= 0xf4)
        begin(d, byte, 3);
    else
        cp[n++] = MID__REPLACEMENT;
    return n;
}

bool mid__decode_end(mid__decode *d)
{
    const bool cut = d->n_left > 0;

    d->n_left = 0;
    return cut;
}

bool mid__is_word(int32_t cp)
{
    if (cp < 0x80)
        return (cp >= 'a' && cp <= 'z') || (cp >= '0' && cp <= '9') || (cp >= 'A' && cp <= 'Z');
    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_MC: case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_NL: case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}
