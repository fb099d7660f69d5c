/* Hashes: SHA-256 (FIPS 180-4) names content, CRC-32 (IEEE 802.3, as zlib and Python's zlib.crc32) cuts folds. */
#ifndef MID_BASE_HASH_H
#define MID_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct mid__sha256 {
    uint32_t h[8];
    uint64_t n;                     /* bytes so far */
    uint8_t block[64];
} mid__sha256;

void mid__sha256_init(mid__sha256 *s);
void mid__sha256_put(mid__sha256 *s, const void *bytes, size_t n);
void mid__sha256_hex(mid__sha256 *s, char hex[65]);         /* ends the hash; hex is zero-terminated */

uint32_t mid__crc32(const void *bytes, size_t n);
/* FNV-1a, 64 bits: buckets of hashed n-grams and word keys; begin with h = MID__FNV_START. */
#define MID__FNV_START 0xcbf29ce484222325ull
static inline uint64_t mid__fnv(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *b = bytes;
    size_t i;

    for (i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3ull;
    return h;
}

#endif
