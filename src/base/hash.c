/* SHA-256 straight from FIPS 180-4 section 6.2, CRC-32 by tables. Checked against their published test vectors. */
#include "base/hash.h"

#include <string.h>

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void block(mid__sha256 *s, const uint8_t *b)
{
    uint32_t w[64], v[8];
    int i;

    for (i = 0; i < 16; i++)
        w[i] = (uint32_t)b[4 * i] << 24 | (uint32_t)b[4 * i + 1] << 16 | (uint32_t)b[4 * i + 2] << 8 | b[4 * i + 3];
    for (; i < 64; i++) {
        uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(v, s->h, sizeof v);
    for (i = 0; i < 64; i++) {
        uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
        uint32_t ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + ch + K[i] + w[i];
        uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
        uint32_t maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        v[7] = v[6]; v[6] = v[5]; v[5] = v[4]; v[4] = v[3] + t1;
        v[3] = v[2]; v[2] = v[1]; v[1] = v[0]; v[0] = t1 + s0 + maj;
    }
    for (i = 0; i < 8; i++)
        s->h[i] += v[i];
}

void mid__sha256_init(mid__sha256 *s)
{
    static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    memcpy(s->h, start, sizeof start);
    s->n = 0;
}

void mid__sha256_put(mid__sha256 *s, const void *bytes, size_t n)
{
    const uint8_t *b = bytes;

    while (n) {
        size_t have = (size_t)(s->n % 64), take = 64 - have < n ? 64 - have : n;
        if (have == 0 && n >= 64) {
            block(s, b);
            take = 64;
        } else {
            memcpy(s->block + have, b, take);
            if (have + take == 64)
                block(s, s->block);
        }
        s->n += take;
        b += take;
        n -= take;
    }
}

void mid__sha256_hex(mid__sha256 *s, char hex[65])
{
    static const char digit[] = "0123456789abcdef";
    const uint64_t n_bits = s->n * 8;
    uint8_t length[8];
    int i;

    mid__sha256_put(s, "\x80", 1);
    while (s->n % 64 != 56)
        mid__sha256_put(s, "", 1);
    for (i = 0; i < 8; i++)
        length[i] = (uint8_t)(n_bits >> (56 - 8 * i));
    mid__sha256_put(s, length, 8);
    for (i = 0; i < 64; i++)
        hex[i] = digit[s->h[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = 0;
}

/* CRC-32 eight bytes at a time (Kounavis & Berry 2005). Table k holds what a byte does to the CRC when k more bytes
 * follow it. That map is linear over XOR, so a table's 256 entries are sums of the eight for single bits, and the
 * compiler makes them: each row lists what bits 0..7 do. */
#define BYTE(b, c0, c1, c2, c3, c4, c5, c6, c7)                                                             \
    ((b) & 1 ? c0 : 0) ^ ((b) & 2 ? c1 : 0) ^ ((b) & 4 ? c2 : 0) ^ ((b) & 8 ? c3 : 0) ^                     \
    ((b) & 16 ? c4 : 0) ^ ((b) & 32 ? c5 : 0) ^ ((b) & 64 ? c6 : 0) ^ ((b) & 128 ? c7 : 0)
#define BY4(b, ...) BYTE(b, __VA_ARGS__), BYTE(b + 1, __VA_ARGS__), BYTE(b + 2, __VA_ARGS__), BYTE(b + 3, __VA_ARGS__)
#define BY16(b, ...) BY4(b, __VA_ARGS__), BY4(b + 4, __VA_ARGS__), BY4(b + 8, __VA_ARGS__), BY4(b + 12, __VA_ARGS__)
#define BY64(b, ...) BY16(b, __VA_ARGS__), BY16(b + 16, __VA_ARGS__), \
    BY16(b + 32, __VA_ARGS__), BY16(b + 48, __VA_ARGS__)
#define TABLE(...) { BY64(0, __VA_ARGS__), BY64(64, __VA_ARGS__), BY64(128, __VA_ARGS__), BY64(192, __VA_ARGS__) }

static const uint32_t CRC[8][256] = {
    TABLE(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320),
    TABLE(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b),
    TABLE(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80),
    TABLE(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b),
    TABLE(0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1, 0x60e09782, 0xc1c12f04, 0x58f35849, 0xb1e6b092),
    TABLE(0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d, 0x03d6029b, 0x07ac0536, 0x0f580a6c, 0x1eb014d8),
    TABLE(0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67, 0x67de9cce, 0xcfbd399c, 0x440b7579, 0x8816eaf2),
    TABLE(0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5, 0x7cbb312b, 0xf9766256, 0x299dc2ed, 0x533b85da),
};

uint32_t mid__crc32(const void *bytes, size_t n)
{
    const uint8_t *b = bytes;
    uint32_t c = 0xffffffffu;

    for (; n >= 8; n -= 8, b += 8) {
        c ^= (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        c = CRC[7][c & 255] ^ CRC[6][c >> 8 & 255] ^ CRC[5][c >> 16 & 255] ^ CRC[4][c >> 24] ^
            CRC[3][b[4]] ^ CRC[2][b[5]] ^ CRC[1][b[6]] ^ CRC[0][b[7]];
    }
    for (; n; n--, b++)
        c = c >> 8 ^ CRC[0][(c ^ *b) & 255];
    return ~c;
}
