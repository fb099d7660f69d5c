/* UTF-8 validity: the corners of every row of Unicode's table 3-7, and all codepoints by another encoder. */
#include "test.h"

#include <utf8proc.h>

#include "base/utf8.h"

#define VALID(text) CHECK_INT(mid__utf8_valid(text, sizeof(text) - 1), sizeof(text) - 1)
#define INVALID(text, at) CHECK_INT(mid__utf8_valid(text, sizeof(text) - 1), at)

TEST(utf8, well_formed_corners)
{
    VALID("");
    VALID("\x00\x7f");
    VALID("\xc2\x80" "\xdf\xbf");
    VALID("\xe0\xa0\x80" "\xe0\xbf\xbf");
    VALID("\xe1\x80\x80" "\xec\xbf\xbf");
    VALID("\xed\x80\x80" "\xed\x9f\xbf");
    VALID("\xee\x80\x80" "\xef\xbf\xbf");
    VALID("\xf0\x90\x80\x80" "\xf0\xbf\xbf\xbf");
    VALID("\xf1\x80\x80\x80" "\xf3\xbf\xbf\xbf");
    VALID("\xf4\x80\x80\x80" "\xf4\x8f\xbf\xbf");
}

TEST(utf8, ill_formed_corners)
{
    INVALID("a\x80", 1);                        /* a continuation alone */
    INVALID("ab\xc0\x80", 2);                   /* overlong forms */
    INVALID("\xc1\xbf", 0);
    INVALID("\xe0\x9f\xbf", 0);
    INVALID("\xf0\x8f\xbf\xbf", 0);
    INVALID("\xed\xa0\x80", 0);                 /* surrogates */
    INVALID("\xed\xbf\xbf", 0);
    INVALID("\xf4\x90\x80\x80", 0);             /* above U+10FFFF */
    INVALID("\xf5\x80\x80\x80", 0);
    INVALID("\xff", 0);
    INVALID("\xc3\xa9\xe2\x82", 2);             /* cut short */
    INVALID("\xc3(", 0);
    INVALID("\xe2\x82(", 0);
    INVALID("\xf0\x9f\x98(", 0);
}

TEST(utf8, every_codepoint)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_int32_t c;

    for (c = 0; c <= 0x10ffff; c++) {
        size_t n, k;
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        n = (size_t)utf8proc_encode_char(c, bytes);
        if (mid__utf8_valid((const char *)bytes, n) != n || mid__utf8_whole((const char *)bytes, n) != n)
            fail_msg("U+%04X is called invalid", (unsigned)c);
        for (k = 1; k < n; k++)
            if (mid__utf8_valid((const char *)bytes, k) != 0 || mid__utf8_whole((const char *)bytes, k) != 0)
                fail_msg("U+%04X cut after %zu bytes is called whole", (unsigned)c, k);
    }
}

TEST(utf8, whole_holds_back_only_what_can_still_grow)
{
    CHECK_INT(mid__utf8_whole("", 0), 0);
    CHECK_INT(mid__utf8_whole("ab", 2), 2);
    CHECK_INT(mid__utf8_whole("a\xc3", 2), 1);
    CHECK_INT(mid__utf8_whole("a\xe2\x82", 3), 1);
    CHECK_INT(mid__utf8_whole("a\xf0\x9f\x98", 4), 1);
    CHECK_INT(mid__utf8_whole("a\xf0\x9f\x98\x80", 5), 5);
    CHECK_INT(mid__utf8_whole("a\x80\x80", 3), 3);      /* never to be mended by more bytes: not held back */
    CHECK_INT(mid__utf8_whole("a\xe0\x80", 3), 3);
    CHECK_INT(mid__utf8_whole("a\xff", 2), 2);
}
