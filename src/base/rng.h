/* Random numbers: xoshiro256++ seeded by SplitMix64 (Blackman & Vigna 2019, public domain algorithm), so a seed gives
 * the same stream on every machine. */
#ifndef MID_BASE_RNG_H
#define MID_BASE_RNG_H

#include <stdint.h>

typedef struct mid__rng { uint64_t s[4]; } mid__rng;

static inline uint64_t mid__splitmix(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* Two numbers so that streams of one seed (one per answer, per draw, ...) are independent. */
static inline void mid__rng_init(mid__rng *r, uint64_t seed, uint64_t i_stream)
{
    uint64_t x = seed, y = mid__splitmix(&x) ^ i_stream * 0xd1342543de82ef95ull;
    int i;

    for (i = 0; i < 4; i++)
        r->s[i] = mid__splitmix(&y);
}

static inline uint64_t mid__rng_u64(mid__rng *r)
{
    const uint64_t a = r->s[0] + r->s[3], result = (a << 23 | a >> 41) + r->s[0], t = r->s[1] << 17;

    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = r->s[3] << 45 | r->s[3] >> 19;
    return result;
}

/* Uniform in [0, n), n > 0: Lemire's multiply-and-reject, unbiased. */
static inline uint32_t mid__rng_below(mid__rng *r, uint32_t n)
{
    uint64_t m = (mid__rng_u64(r) >> 32) * n;

    if ((uint32_t)m < n) {
        const uint32_t floor = -n % n;
        while ((uint32_t)m < floor)
            m = (mid__rng_u64(r) >> 32) * n;
    }
    return (uint32_t)(m >> 32);
}

/* Uniform in [0, 1), 53 bits. */
static inline double mid__rng_unit(mid__rng *r) { return (double)(mid__rng_u64(r) >> 11) * 0x1p-53; }

#endif
