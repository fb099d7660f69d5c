/* IEEE 754 binary16, the form hidden rows are kept in. Rounding is to nearest, ties to even, whatever the machine:
 * the portable code and the F16C instructions give the same bits (only a NaN's payload may differ), so a trace captured
 * on one machine is the trace captured on another. A half -> float conversion is exact. */
#ifndef MID_BASE_HALF_H
#define MID_BASE_HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define MID__HALF_F16C 1
#endif

static inline uint32_t mid__float_bits(float x)
{
    uint32_t u;

    memcpy(&u, &x, 4);
    return u;
}

static inline float mid__bits_float(uint32_t u)
{
    float x;

    memcpy(&x, &u, 4);
    return x;
}

static inline float mid__half_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, m = half & 0x7fff, wide = m << 13;
    uint32_t u = wide + (112u << 23);                       /* exponent bias 15 -> 127 */

    if (m >= 0x7c00)                                        /* infinity, NaN: exponent 31 -> 255 */
        u = wide + (224u << 23);
    if (m < 0x0400)                                         /* subnormal: 2^-14 + m 2^-24, and minus 2^-14, are exact */
        u = mid__float_bits(mid__bits_float(wide + (113u << 23)) - 0x1p-14f);
    return mid__bits_float(u | sign);
}

static inline uint16_t mid__half_of(float x)
{
    const uint32_t bits = mid__float_bits(x), sign = bits >> 16 & 0x8000, m = bits & 0x7fffffff;
    uint32_t u = (m - (112u << 23) + 0xfff + (m >> 13 & 1)) >> 13;  /* a carry out of 65504 ends in infinity */

    if (m < 113u << 23)                                     /* below 2^-14: adding 0.5 lets the adder do the rounding */
        u = mid__float_bits(mid__bits_float(m) + 0.5f) - (126u << 23);
    if (m >= 143u << 23)                                    /* 65536 and more, infinity, NaN */
        u = m > 0x7f800000 ? 0x7e00 : 0x7c00;
    return (uint16_t)(u | sign);
}

#if MID__HALF_F16C
/* Whole blocks of 8; the caller does the rest. Compiled for F16C whatever the build's flags, run where it exists. */
__attribute__((target("avx,f16c")))
static inline size_t mid__half_pack_f16c(const float *row, uint16_t *half, size_t n)
{
    size_t i;

    for (i = 0; i + 8 <= n; i += 8)
        _mm_storeu_si128((void *)(half + i), _mm256_cvtps_ph(_mm256_loadu_ps(row + i), _MM_FROUND_TO_NEAREST_INT));
    return i;
}

__attribute__((target("avx,f16c")))
static inline size_t mid__half_unpack_f16c(const uint16_t *half, float *row, size_t n)
{
    size_t i;

    for (i = 0; i + 8 <= n; i += 8)
        _mm256_storeu_ps(row + i, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(half + i))));
    return i;
}

/* Every processor with AVX2 has F16C, and all compilers know the name "avx2". */
static inline int mid__half_fast(void) { return __builtin_cpu_supports("avx2"); }
#else
static inline size_t mid__half_pack_f16c(const float *row, uint16_t *half, size_t n)
{
    (void)half; (void)row; (void)n;
    return 0;
}

static inline size_t mid__half_unpack_f16c(const uint16_t *half, float *row, size_t n)
{
    (void)row; (void)half; (void)n;
    return 0;
}

static inline int mid__half_fast(void) { return 0; }
#endif

static inline void mid__half_pack(const float *row, uint16_t *half, size_t n)
{
    size_t i = mid__half_fast() ? mid__half_pack_f16c(row, half, n) : 0;

    for (; i < n; i++)
        half[i] = mid__half_of(row[i]);
}

static inline void mid__half_unpack(const uint16_t *half, float *row, size_t n)
{
    size_t i = mid__half_fast() ? mid__half_unpack_f16c(half, row, n) : 0;

    for (; i < n; i++)
        row[i] = mid__half_float(half[i]);
}

/* What capture does to a row before any monitor sees it; to may be from. A value too large for a half becomes the largest
 * there is, since a few columns of some models (Gemma 3) are that large in every row; only what the model itself could not
 * compute stays infinite. */
static inline void mid__half_round(const float *from, float *to, size_t n)
{
    const float most = 65504;
    float block[64];
    uint16_t half[64];
    size_t i, k, m;

    for (i = 0; i < n; i += m) {
        m = n - i < 64 ? n - i : 64;
        for (k = 0; k < m; k++) {
            const float x = from[i + k], size = mid__bits_float(mid__float_bits(x) & 0x7fffffff);
            block[k] = size > most && size < mid__bits_float(0x7f800000) ? (x < 0 ? -most : most) : x;
        }
        mid__half_pack(block, half, m);
        mid__half_unpack(half, to + i, m);
    }
}

#endif
