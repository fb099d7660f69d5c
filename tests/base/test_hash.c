/* SHA-256: the example messages of FIPS 180-4 and their digests. CRC-32: the check value every catalogue gives. */
#include "test.h"

#include "base/hash.h"
#include "base/rng.h"

static const char *sha(const char *text, size_t n, size_t n_piece)
{
    static char hex[65];
    mid__sha256 s;
    size_t at;

    mid__sha256_init(&s);
    for (at = 0; at < n; at += n_piece)
        mid__sha256_put(&s, text + at, n - at < n_piece ? n - at : n_piece);
    mid__sha256_hex(&s, hex);
    return hex;
}

TEST(hash, sha256_golden)
{
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char *million = malloc(1000000);

    CHECK_TEXT(sha("", 0, 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_TEXT(sha("abc", 3, 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_TEXT(sha(two, 56, 56), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_non_null(million);
    memset(million, 'a', 1000000);
    CHECK_TEXT(sha(million, 1000000, 997), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

TEST(hash, sha256_any_pieces)
{
    char text[300], whole[65];
    size_t n_piece;

    memset(text, 'x', sizeof text);
    strcpy(whole, sha(text, sizeof text, sizeof text));
    for (n_piece = 1; n_piece < sizeof text; n_piece++)
        CHECK_TEXT(sha(text, sizeof text, n_piece), whole);
}

static uint32_t crc_by_bits(const uint8_t *b, size_t n)
{
    uint32_t c = 0xffffffffu;
    int k;

    for (; n; n--, b++)
        for (c ^= *b, k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    return ~c;
}

TEST(hash, crc32_golden)
{
    CHECK_INT(mid__crc32("", 0), 0);
    CHECK_INT(mid__crc32("123456789", 9), 0xcbf43926u);
    CHECK_INT(mid__crc32("a", 1), 0xe8b7be43u);
}

/* Tables against the definition, at every length and alignment around the eight-byte steps. */
TEST(hash, crc32_is_its_definition)
{
    uint8_t bytes[96];
    mid__rng rng;
    size_t from, n;

    mid__rng_init(&rng, 7, 0);
    for (n = 0; n < sizeof bytes; n++)
        bytes[n] = (uint8_t)mid__rng_u64(&rng);
    for (from = 0; from < 9; from++)
        for (n = 0; n + from <= sizeof bytes; n++)
            CHECK_INT(mid__crc32(bytes + from, n), crc_by_bits(bytes + from, n));
}
