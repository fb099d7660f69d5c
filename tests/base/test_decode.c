/* The byte-wise decoder agrees with utf8proc. */
#include "test.h"

#include <utf8proc.h>

#include "base/decode.h"

TEST(decode, every_code_point)
{
    mid__decode d = { 0 };
    int32_t cp, got[2];
    uint8_t byte[4];

    for (cp = 0; cp <= 0x10ffff; cp++) {
        int n, i, n_got = 0;
        if (cp >= 0xd800 && cp < 0xe000)
            continue;
        n = (int)utf8proc_encode_char(cp, byte);
        for (i = 0; i < n; i++) {
            assert_int_equal(n_got, 0);
            n_got = mid__decode_put(&d, byte[i], got);
        }
        assert_int_equal(n_got, 1);
        assert_int_equal(got[0], cp);
    }
}

/* Unicode 15, table 3-8: one U+FFFD for each longest ill-formed piece. */
TEST(decode, broken)
{
    static const char text[] = "a\xf1\x80\x80\xe1\x80\xc2" "b\x80" "c\x80\xbf" "d\xed\xa0\x80\xc0\xaf";
    static const int32_t want[] = { 'a', 0xfffd, 0xfffd, 0xfffd, 'b', 0xfffd, 'c', 0xfffd, 0xfffd, 'd', 0xfffd, 0xfffd,
                                    0xfffd, 0xfffd, 0xfffd };
    mid__decode d = { 0 };
    int32_t cp[2];
    size_t i, n = 0;
    int k, n_cp;

    for (i = 0; i < sizeof text - 1; i++) {
        n_cp = mid__decode_put(&d, (uint8_t)text[i], cp);
        for (k = 0; k < n_cp; k++)
            CHECK_INT(cp[k], want[n++]);
    }
    CHECK_INT(n, sizeof want / sizeof want[0]);
    CHECK(!mid__decode_end(&d));
    CHECK_INT(mid__decode_put(&d, 0xe2, cp), 0);
    CHECK(mid__decode_end(&d));
    CHECK(!mid__decode_end(&d));
}

TEST(decode, word)
{
    CHECK(mid__is_word('a') && mid__is_word('Z') && mid__is_word('0') && mid__is_word(0xe9) && mid__is_word(0x4e2d));
    CHECK(mid__is_word(0x301));                             /* a combining mark */
    CHECK(!mid__is_word('_') && !mid__is_word('\'') && !mid__is_word(' '));
    CHECK(!mid__is_word(0x2019) && !mid__is_word(0xfffd));
}
