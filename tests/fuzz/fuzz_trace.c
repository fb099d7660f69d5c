/* Packed traces from anywhere: refused, or a trace that can be walked and packed into bytes that read back the same.
 * The CRC is made right first, or no mutation would get past it. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "midstream/trace.h"

enum { CRC_AT = 8, CRC_FROM = 12, ALL = (1 << 13) - 1 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
const uint8_t *mid_fuzz_seed(size_t *n);

static void must(int holds)
{
    if (!holds)
        abort();
}

static uint64_t sign_bits(const float *x, int n)
{
    uint64_t sum = 0;
    int i;

    for (i = 0; x && i < n; i++)
        sum += x[i] < 0;
    return sum;
}

static void walk(const mid_trace *trace)
{
    const mid_signals *s = mid_trace_signals(trace);
    float *scratch = malloc((mid_trace_scratch(trace) + 1) * sizeof *scratch);
    volatile uint64_t sum = 0;      /* so that every byte is really read */
    mid_prompt prompt;
    mid_step step;
    uint32_t i, k;

    must(scratch != NULL);
    mid_trace_prompt(trace, scratch, &prompt);
    sum += strlen(prompt.text);
    for (k = 0; k < prompt.n_sample; k++)
        sum += strlen(prompt.sample[k]);
    sum += sign_bits(prompt.sample_gram, (int)(MID_SAMPLE_AT_N * (size_t)s->n_layer * prompt.n_sample * prompt.n_sample));
    for (i = 0; i < mid_trace_n_tok(trace); i++) {
        mid_trace_step(trace, i, scratch, &step);
        for (k = 0; k < step.n_text; k++)
            sum += (uint8_t)step.text[k];
        for (k = 0; k < step.n_top; k++)
            sum += (uint32_t)step.top_token[k] + (step.top_lp[k] < 0);
        sum += sign_bits(step.hidden, s->n_layer * s->n_embd) + sign_bits(step.attention, s->n_head * MID_ATTENTION_N);
        sum += sign_bits(step.spread, MID_SPREAD_N) + sign_bits(step.lens, s->n_layer * MID_LENS_N);
    }
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n + !n);
    mid_trace *trace = NULL, *again = NULL;
    void *packed = NULL, *twice = NULL;
    size_t n_packed, n_twice;

    must(copy != NULL);
    memcpy(copy, bytes, n);
    if (n > CRC_FROM) {
        const uint32_t crc = mid__crc32(copy + CRC_FROM, n - CRC_FROM);
        memcpy(copy + CRC_AT, &crc, 4);
    }
    if (mid_trace_unpack(NULL, copy, n, &trace) == MID_OK) {
        walk(trace);
        must(mid_trace_pack(NULL, trace, &packed, &n_packed) == MID_OK);
        must(mid_trace_unpack(NULL, packed, n_packed, &again) == MID_OK);
        must(mid_trace_pack(NULL, again, &twice, &n_twice) == MID_OK);
        must(n_packed == n && n_twice == n && memcmp(packed, twice, n) == 0);
    }
    mid_free(packed);
    mid_free(twice);
    mid_trace_close(again);
    mid_trace_close(trace);
    free(copy);
    return 0;
}

const uint8_t *mid_fuzz_seed(size_t *n)
{
    static uint8_t seed[4096];
    const mid_signals signals = { .have = ALL, .n_layer = 2, .layer = { 3, 9 }, .n_embd = 5, .n_vocab = 99, .n_top = 2,
                                  .n_head = 4, .n_head_layer = 2 };
    const float attention[4 * MID_ATTENTION_N] = { 0.5f }, spread[MID_SPREAD_N] = { 2 }, lens[2 * MID_LENS_N] = { 1 };
    const float gram[MID_SAMPLE_AT_N * 2 * 4] = { 1 };
    const char *const other[] = { "so", "" };
    const float hidden[10] = { 0.5f, -1 }, top_lp[2] = { -0.25f, -3 };
    const int32_t top_token[2] = { 7, 8 };
    const mid_prompt prompt = { .text = "hello", .hidden = hidden, .n_tok = 9, .affirm = 0.5f, .sample = other,
                                .n_sample = 2, .sample_gram = gram };
    mid_step step = { .have = ALL, .token = 7, .n_text = 3, .text = "abc", .lp = -0.25f, .entropy_nats = 1, .n_top = 2,
                      .top_token = top_token, .top_lp = top_lp, .hidden = hidden, .time_us = 3, .spread = spread,
                      .attention = attention, .lens = lens, .lp_alone = -2, .judge = 0.5f };
    mid_trace *trace = NULL;
    void *packed = NULL;

    must(mid_trace_open(NULL, &signals, &prompt, &trace) == MID_OK);
    for (; step.i_tok < 4; step.i_tok++, step.at_byte += 3)
        must(mid_trace_append(trace, &step) == MID_OK);
    must(mid_trace_pack(NULL, trace, &packed, n) == MID_OK && *n <= sizeof seed);
    memcpy(seed, packed, *n);
    mid_free(packed);
    mid_trace_close(trace);
    return seed;
}
