/* float16 against its definition (IEEE 754-2008, binary16) and the row form against the single form. */
#include "test.h"

#include "base/half.h"
#include "base/rng.h"

static bool is_nan_half(uint16_t h) { return (h & 0x7fff) > 0x7c00; }

/* (-1)^s 2^(e-15) (1 + m/1024), or 2^-14 (m/1024) for e = 0. */
TEST(half, all_values)
{
    uint32_t h;

    for (h = 0; h < 65536; h++) {
        const int e = (int)(h >> 10 & 31), m = (int)(h & 1023);
        const double size = e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
        const float x = mid__half_float((uint16_t)h);

        if (e < 31) {
            CHECK(x == (h >> 15 ? -size : size));
            CHECK_INT(signbit(x) != 0, h >> 15);
        } else {
            CHECK(m ? isnan(x) : isinf(x) && (x < 0) == (h >> 15 != 0));
        }
    }
}

TEST(half, all_round_trip)
{
    uint32_t h;

    for (h = 0; h < 65536; h++) {
        const uint16_t back = mid__half_of(mid__half_float((uint16_t)h));

        if (is_nan_half((uint16_t)h))
            CHECK(is_nan_half(back));
        else
            CHECK_INT(back, h);
    }
}

/* By hand: halves near 1 are 2^-10 apart, subnormal ones 2^-24, those below 65504 are 32 apart. */
TEST(half, rounding_golden)
{
    static const struct { float x; uint16_t half; } row[] = {
        { 0.0f, 0x0000 }, { -0.0f, 0x8000 }, { 1.0f, 0x3c00 }, { -2.0f, 0xc000 }, { 0.333333343f, 0x3555 },
        { 1.0f + 0x1p-11f, 0x3c00 },                /* tie: to the even 1 */
        { 1.0f + 0x1p-11f + 0x1p-23f, 0x3c01 },     /* just above the tie */
        { 1.0f + 0x1.8p-10f, 0x3c02 },              /* tie between 1 + 2^-10 (odd) and 1 + 2^-9 */
        { 65504.0f, 0x7bff }, { 65519.996f, 0x7bff },
        { 65520.0f, 0x7c00 }, { 1e30f, 0x7c00 }, { -INFINITY, 0xfc00 },
        { 0x1p-14f, 0x0400 }, { 0x1p-24f, 0x0001 },
        { 0x1p-25f, 0x0000 },                       /* tie: to the even 0 */
        { 0x1.000002p-25f, 0x0001 }, { 0x1.8p-24f, 0x0002 },
        { 0x1.ff8p-15f, 0x03ff },                   /* 1023 * 2^-24, the last subnormal */
        { 0x1.ffcp-15f, 0x0400 },                   /* tie: up to 1024 * 2^-24, the first normal number */
        { 1e-40f, 0x0000 },
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (mid__half_of(row[i].x) != row[i].half)
            print_error("%.9g\n", (double)row[i].x);
        CHECK_INT(mid__half_of(row[i].x), row[i].half);
    }
    CHECK(is_nan_half(mid__half_of(NAN)));
}

/* The wide instructions, where there are any, give the portable code's bits for any float there is. */
TEST(half, row_is_single)
{
    enum { N = 577 };
    const uint64_t seed = 20240611;
    static float row[N], back[N];
    static uint16_t half[N];
    mid__rng rng;
    int i, round;

    print_message("seed %llu, wide instructions: %s\n", (unsigned long long)seed, mid__half_fast() ? "yes" : "no");
    mid__rng_init(&rng, seed, 0);
    for (round = 0; round < 2000; round++) {
        for (i = 0; i < N; i++) {
            const uint32_t bits = (uint32_t)mid__rng_u64(&rng);
            row[i] = round % 2 ? mid__bits_float(bits)      /* any float; then those that halves resolve */
                               : mid__bits_float((bits & 0x8fffffff) | (bits & 0x08000000 ? 0x30000000 : 0x40000000));
        }
        mid__half_pack(row, half, N);
        mid__half_unpack(half, back, N);
        for (i = 0; i < N; i++) {
            if (isnan(row[i])) {
                CHECK(isnan(back[i]));
                continue;
            }
            CHECK_INT(half[i], mid__half_of(row[i]));
            CHECK_INT(mid__float_bits(back[i]), mid__float_bits(mid__half_float(half[i])));
        }
        for (i = 0; i < N; i++)             /* capture keeps what is too large as the largest half */
            if (isfinite(row[i]) && isinf(back[i]))
                back[i] = row[i] < 0 ? -65504.0f : 65504.0f;
        mid__half_round(row, row, N);
        for (i = 0; i < N; i++)
            CHECK(isnan(row[i]) ? isnan(back[i]) : mid__float_bits(row[i]) == mid__float_bits(back[i]));
    }
}

TEST(half, capture_keeps_large_values_finite)
{
    const float row[] = { 1e5f, -1e30f, INFINITY, -INFINITY, NAN, 65504, 65519, -0.0f };
    const float kept[] = { 65504, -65504, INFINITY, -INFINITY, NAN, 65504, 65504, -0.0f };
    float got[8];
    int i;

    mid__half_round(row, got, 8);
    for (i = 0; i < 8; i++)
        CHECK(isnan(kept[i]) ? isnan(got[i]) : mid__float_bits(got[i]) == mid__float_bits(kept[i]));
}
