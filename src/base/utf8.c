/* UTF-8 by the table of well-formed sequences (Unicode 15, table 3-7). */
#include "base/utf8.h"

/* Bytes of a sequence by its first byte, and the range of its second; 0: cannot begin one. */
static int sequence(unsigned char b, unsigned char *lo, unsigned char *hi)
{
    *lo = 0x80;
    *hi = 0xbf;
    if (b < 0x80)
        return 1;
    if (b >= 0xc2 && b <= 0xdf)
        return 2;
    if (b >= 0xe0 && b <= 0xef) {
        if (b == 0xe0) *lo = 0xa0;
        if (b == 0xed) *hi = 0x9f;
        return 3;
    }
    if (b >= 0xf0 && b <= 0xf4) {
        if (b == 0xf0) *lo = 0x90;
        if (b == 0xf4) *hi = 0x8f;
        return 4;
    }
    return 0;
}

/* Bytes of the well-formed sequence at text; 0 if there is none; *cut if it only lacks bytes behind n. */
static size_t well_formed(const unsigned char *text, size_t n, bool *cut)
{
    unsigned char lo, hi;
    const int want = sequence(text[0], &lo, &hi);
    size_t i;

    *cut = false;
    if (want == 0)
        return 0;
    for (i = 1; i < (size_t)want; i++, lo = 0x80, hi = 0xbf) {
        if (i == n) {
            *cut = true;
            return 0;
        }
        if (text[i] < lo || text[i] > hi)
            return 0;
    }
    return (size_t)want;
}

size_t mid__utf8_valid(const char *text, size_t n)
{
    size_t i = 0, step;
    bool cut;

    while (i < n && (step = well_formed((const unsigned char *)text + i, n - i, &cut)) > 0)
        i += step;
    return i;
}

size_t mid__utf8_whole(const char *text, size_t n)
{
    size_t back;
    bool cut;

    for (back = 1; back <= 3 && back <= n; back++) {
        well_formed((const unsigned char *)text + n - back, back, &cut);
        if (cut)
            return n - back;
    }
    return n;
}

bool mid__utf8_put_clean(mid__buf *out, const char *text, size_t n)
{
    size_t good;

    for (; n; text += good, n -= good) {
        good = mid__utf8_valid(text, n);
        mid__buf_put(out, text, good);
        if (good < n) {
            mid__buf_text(out, "\xef\xbf\xbd");
            good++;
        }
    }
    return !out->failed;
}
