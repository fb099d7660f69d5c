/* main() for a fuzz target without libFuzzer: every file given as an argument goes through it once; without arguments
 * it gets 20000 seeded mutations of its own seed, so that the ordinary test run fuzzes a little too. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
const uint8_t *mid_fuzz_seed(size_t *n);        /* a well-formed input, static */

enum { N_ROUND = 20000, RNG_SEED = 1 };

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t n = 0, cap = 0;

    if (!f) {
        perror(path);
        return 1;
    }
    do {
        cap = 2 * cap + 4096;
        bytes = realloc(bytes, cap);
        if (!bytes) {
            perror(path);
            fclose(f);
            return 1;
        }
        n += fread(bytes + n, 1, cap - n, f);
    } while (n == cap);
    fclose(f);
    bytes = realloc(bytes, n ? n : 1);          /* no spare room, so a sanitizer sees a read behind the end */
    LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
    return 0;
}

/* One to eight small wounds: a bit, a byte, a word of awkward value, a cut, a repeated piece. */
static size_t wound(mid__rng *rng, uint8_t *at, size_t n, size_t cap)
{
    static const uint32_t awkward[] = { 0, 1, 0x7f, 0xff, 0x7fffffff, 0x80000000, 0xffffffff };
    uint32_t n_wound = 1 + mid__rng_below(rng, 8);

    while (n_wound-- && n) {
        const size_t i = mid__rng_below(rng, (uint32_t)n);
        const size_t len = 1 + mid__rng_below(rng, 32);

        switch (mid__rng_below(rng, 6)) {
        case 0: at[i] ^= (uint8_t)(1u << mid__rng_below(rng, 8)); break;
        case 1: at[i] = (uint8_t)mid__rng_u64(rng); break;
        case 2: at[i] = (uint8_t)"0\"{}[],:\n\\-e"[mid__rng_below(rng, 12)]; break;
        case 3:
            if (i + 4 <= n)
                memcpy(at + i, &awkward[mid__rng_below(rng, 7)], 4);
            break;
        case 4: n = mid__rng_below(rng, 4) ? n : i; break;
        default:
            if (n + len <= cap && i + len <= n) {
                memmove(at + i + len, at + i, n - i);
                n += len;
            }
        }
    }
    return n;
}

static int mutate(const char *name)
{
    const uint8_t *seed;
    size_t n_seed, n;
    int i;

    seed = mid_fuzz_seed(&n_seed);
    for (i = 0; i < N_ROUND; i++) {
        const size_t cap = n_seed + 256;
        uint8_t *bytes = malloc(cap), *fit;
        mid__rng rng;

        if (!bytes)
            return 1;
        mid__rng_init(&rng, RNG_SEED, (uint64_t)i);
        memcpy(bytes, seed, n_seed);
        n = i ? wound(&rng, bytes, n_seed, cap) : n_seed;
        fit = realloc(bytes, n ? n : 1);
        LLVMFuzzerTestOneInput(fit ? fit : bytes, n);
        free(fit ? fit : bytes);
    }
    printf("%s: %d mutations of %zu bytes, seed %d\n", name, N_ROUND, n_seed, RNG_SEED);
    return 0;
}

int main(int argc, char **argv)
{
    int i, n_failed = 0;

    if (argc < 2)
        return mutate(argv[0]);
    for (i = 1; i < argc; i++)
        n_failed += replay_file(argv[i]);
    return n_failed > 0;
}
