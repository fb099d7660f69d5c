/* Safetensors bytes from anywhere: refused, or weights that pack into bytes which read back and pack the same. */
#include <stdlib.h>
#include <string.h>

#include "midstream/trace.h"
#include "midstream/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
const uint8_t *mid_fuzz_seed(size_t *n);

static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    mid_weights *weights = NULL, *again = NULL;
    void *packed = NULL, *twice = NULL;
    size_t n_packed, n_twice;

    if (mid_weights_unpack(NULL, bytes, n, &weights) != MID_OK)
        return 0;
    (void)mid_weights_number(weights, "threshold");
    if (mid_weights_pack(NULL, weights, &packed, &n_packed) == MID_OK) {
        must(mid_weights_unpack(NULL, packed, n_packed, &again) == MID_OK);
        must(mid_weights_pack(NULL, again, &twice, &n_twice) == MID_OK);
        must(n_packed == n_twice && memcmp(packed, twice, n_packed) == 0);
    }
    mid_free(packed);
    mid_free(twice);
    mid_weights_close(again);
    mid_weights_close(weights);
    return 0;
}

const uint8_t *mid_fuzz_seed(size_t *n)
{
    static uint8_t seed[4096];
    const float w[6] = { 1, -2, 0.5f, 4, 5, 6 };
    mid_weights *weights = NULL;
    void *packed = NULL;

    must(mid_weights_open(NULL, &weights) == MID_OK);
    must(mid_weights_set(NULL, weights, "w", w, 2, 3) == MID_OK);
    must(mid_weights_set(NULL, weights, "bias", w, 1, 2) == MID_OK);
    must(mid_weights_set_text(NULL, weights, "monitor", "probe \"x\"\n") == MID_OK);
    must(mid_weights_set_number(NULL, weights, "threshold", 0.1) == MID_OK);
    must(mid_weights_pack(NULL, weights, &packed, n) == MID_OK && *n <= sizeof seed);
    memcpy(seed, packed, *n);
    mid_free(packed);
    mid_weights_close(weights);
    return seed;
}
