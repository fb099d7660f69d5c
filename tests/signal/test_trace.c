/* A trace gives back what went in, bit for bit, in memory and through its bytes; damaged bytes are refused. */
#include "test.h"

#include <float.h>

#include "base/half.h"
#include "base/hash.h"
#include "base/rng.h"

enum { N_LAYER = 3, N_EMBD = 21, N_ROW = N_LAYER * N_EMBD, N_HEAD = 6, N_SEEN = N_HEAD * MID_ATTENTION_N,
       N_SCRATCH = N_ROW + N_SEEN, N_GRAM = MID_SAMPLE_AT_N * N_LAYER * 9, N_TOK = 200, ALL = (1 << 13) - 1, CRC_AT = 8, CRC_FROM = 12 };

static mid_signals signals_all(void)
{
    mid_signals s = { .have = ALL, .n_layer = N_LAYER, .layer = { 2, 7, 14 }, .n_embd = N_EMBD, .n_vocab = 49152,
                      .n_top = MID_TOP_MAX, .n_head = N_HEAD, .n_head_layer = 2, .observer = "an observer" };

    return s;
}

/* A step with whatever signals chance gives it, and memory of its own. */
struct made {
    mid_step step;
    char text[8];
    int32_t top_token[MID_TOP_MAX];
    float top_lp[MID_TOP_MAX], hidden[N_ROW], attention[N_SEEN], spread[MID_SPREAD_N], lens[N_LAYER * MID_LENS_N];
};

static float any_half(mid__rng *rng) { return mid__half_float((uint16_t)(mid__rng_u64(rng) & 0xfbff)); }

static void any_floats(mid__rng *rng, float *x, int n)
{
    int i;

    for (i = 0; i < n; i++)
        x[i] = mid__bits_float((uint32_t)mid__rng_u64(rng));
}

static void make_step(mid__rng *rng, uint32_t i_tok, uint32_t at_byte, struct made *m)
{
    uint32_t i;

    memset(m, 0, sizeof *m);
    m->step.have = (uint32_t)mid__rng_u64(rng) & ALL;
    m->step.i_tok = i_tok;
    m->step.at_byte = at_byte;
    m->step.token = (int32_t)mid__rng_below(rng, 49152);
    m->step.n_text = m->step.have & MID_SIG_TEXT ? mid__rng_below(rng, sizeof m->text + 1) : 0;
    m->step.n_top = m->step.have & MID_SIG_TOP ? mid__rng_below(rng, MID_TOP_MAX + 1) : 0;
    m->step.lp = i_tok % 7 ? mid__bits_float((uint32_t)mid__rng_u64(rng)) : -INFINITY;
    m->step.entropy_nats = mid__bits_float((uint32_t)mid__rng_u64(rng));
    m->step.time_us = i_tok % 5 ? FLT_MIN / 4 : 1234.5f;
    for (i = 0; i < sizeof m->text; i++)
        m->text[i] = (char)mid__rng_u64(rng);
    for (i = 0; i < MID_TOP_MAX; i++) {
        m->top_token[i] = (int32_t)mid__rng_u64(rng);
        m->top_lp[i] = (float)-mid__rng_unit(rng);
    }
    for (i = 0; i < N_ROW; i++)
        m->hidden[i] = any_half(rng);
    for (i = 0; i < N_SEEN; i++)
        m->attention[i] = any_half(rng);
    any_floats(rng, m->spread, MID_SPREAD_N);
    any_floats(rng, m->lens, N_LAYER * MID_LENS_N);
    if (m->step.have & MID_SIG_ALONE)
        any_floats(rng, &m->step.lp_alone, 1);
    if (m->step.have & MID_SIG_JUDGE)
        any_floats(rng, &m->step.judge, 1);
    m->step.text = m->text;
    m->step.top_token = m->top_token;
    m->step.top_lp = m->top_lp;
    m->step.hidden = m->step.have & MID_SIG_HIDDEN ? m->hidden : NULL;
    m->step.attention = m->step.have & MID_SIG_ATTENTION ? m->attention : NULL;
    m->step.spread = m->step.have & MID_SIG_SPREAD ? m->spread : NULL;
    m->step.lens = m->step.have & MID_SIG_LENS ? m->lens : NULL;
}

static void check_same_row(const float *got, const float *want, int n)
{
    CHECK_INT(got != NULL, want != NULL);
    if (want)
        assert_memory_equal(got, want, (size_t)n * sizeof *want);
}

static void check_same_step(const mid_step *got, const mid_step *want)
{
    CHECK_INT(got->have, want->have);
    CHECK_INT(got->i_tok, want->i_tok);
    CHECK_INT(got->token, want->token);
    CHECK_INT(got->at_byte, want->at_byte);
    CHECK_INT(got->n_text, want->n_text);
    assert_memory_equal(got->text, want->text, want->n_text);
    assert_memory_equal(&got->lp, &want->lp, 4);
    assert_memory_equal(&got->entropy_nats, &want->entropy_nats, 4);
    assert_memory_equal(&got->time_us, &want->time_us, 4);
    CHECK_INT(got->n_top, want->n_top);
    if (want->n_top) {
        assert_memory_equal(got->top_token, want->top_token, 4 * want->n_top);
        assert_memory_equal(got->top_lp, want->top_lp, 4 * want->n_top);
    }
    assert_memory_equal(&got->lp_alone, &want->lp_alone, 4);
    assert_memory_equal(&got->judge, &want->judge, 4);
    check_same_row(got->hidden, want->hidden, N_ROW);
    check_same_row(got->attention, want->attention, N_SEEN);
    check_same_row(got->spread, want->spread, MID_SPREAD_N);
    check_same_row(got->lens, want->lens, N_LAYER * MID_LENS_N);
}

/* Fill with N_TOK steps of a seed, or check that the trace holds exactly those. */
static void fill(mid_trace *trace, uint64_t seed)
{
    struct made m;
    uint32_t i, at = 0;
    mid__rng rng;

    mid__rng_init(&rng, seed, 1);
    for (i = 0; i < N_TOK; i++, at += m.step.n_text) {
        make_step(&rng, i, at, &m);
        CHECK_OK(mid_trace_append(trace, &m.step));
    }
}

static void check_filled(const mid_trace *trace, uint64_t seed)
{
    float scratch[N_SCRATCH], row[N_EMBD];
    struct made m;
    mid_step got;
    uint32_t i, at = 0;
    size_t n_text;
    int l;
    mid__rng rng;

    CHECK_INT(mid_trace_n_tok(trace), N_TOK);
    CHECK_INT(mid_trace_scratch(trace), N_SCRATCH);
    mid__rng_init(&rng, seed, 1);
    for (i = 0; i < N_TOK; i++, at += m.step.n_text) {
        make_step(&rng, i, at, &m);
        mid_trace_step(trace, i, scratch, &got);
        check_same_step(&got, &m.step);
        for (l = 0; l < N_LAYER; l++) {
            mid_trace_hidden(trace, l, (int32_t)i, row);
            CHECK(m.step.hidden ? memcmp(row, m.hidden + l * N_EMBD, sizeof row) == 0 : isnan(row[0]));
        }
        mid_trace_step(trace, i, NULL, &got);
        CHECK(got.hidden == NULL && got.attention == NULL);
        CHECK_INT(got.have, m.step.have & ~(uint32_t)(MID_SIG_HIDDEN | MID_SIG_ATTENTION));
        check_same_row(got.spread, m.step.spread, MID_SPREAD_N);
    }
    assert_non_null(mid_trace_text(trace, &n_text));
    CHECK_INT(n_text, at);
    CHECK_INT(mid_trace_text(trace, NULL)[n_text], 0);
}

static mid_trace *open_filled(uint64_t seed)
{
    const mid_signals s = signals_all();
    float hidden[N_ROW];
    float gram[N_GRAM];
    const char *const other[] = { "Nobody.", "", "A river" };
    const mid_prompt prompt = { .text = "Who are you?", .hidden = hidden, .n_tok = 31, .affirm = 0.25f, .sample = other,
                                .n_sample = 3, .sample_gram = gram };
    mid_trace *trace = NULL;
    int i;

    for (i = 0; i < N_ROW; i++)
        hidden[i] = (float)i / 4;
    for (i = 0; i < N_GRAM; i++)
        gram[i] = (float)i;
    CHECK_OK(mid_trace_open(test_ctx(), &s, &prompt, &trace));
    fill(trace, seed);
    return trace;
}

TEST(trace, keeps_every_bit)
{
    uint64_t seed;

    for (seed = 1; seed <= 5; seed++) {
        mid_trace *trace = open_filled(seed), *again = NULL;
        void *bytes, *twice;
        size_t n, n_twice;
        mid_prompt prompt;
        float scratch[N_SCRATCH], row[N_EMBD];

        check_filled(trace, seed);
        CHECK_OK(mid_trace_pack(test_ctx(), trace, &bytes, &n));
        CHECK_OK(mid_trace_unpack(test_ctx(), bytes, n, &again));
        check_filled(again, seed);
        CHECK_INT(mid_trace_signals(again)->have, ALL);
        CHECK_INT(mid_trace_signals(again)->n_head, N_HEAD);
        CHECK_INT(mid_trace_signals(again)->n_head_layer, 2);
        CHECK_INT(mid_trace_signals(again)->layer[2], 14);
        CHECK_INT(mid_trace_signals(again)->n_vocab, 49152);
        CHECK_TEXT(mid_trace_signals(again)->observer, "an observer");
        mid_trace_prompt(again, scratch, &prompt);
        CHECK_TEXT(prompt.text, "Who are you?");
        CHECK(prompt.hidden == scratch && scratch[N_ROW - 1] == (N_ROW - 1) / 4.0f);
        CHECK_INT(prompt.n_tok, 31);
        CHECK_NEAR(prompt.affirm, 0.25, 0);
        CHECK_INT(prompt.n_sample, 3);
        CHECK_TEXT(prompt.sample[0], "Nobody.");
        CHECK_TEXT(prompt.sample[1], "");
        CHECK_TEXT(prompt.sample[2], "A river");
        CHECK(prompt.sample_gram && prompt.sample_gram[0] == 0 && prompt.sample_gram[N_GRAM - 1] == N_GRAM - 1);
        mid_trace_hidden(again, 1, -1, row);
        CHECK(row[0] == N_EMBD / 4.0f);
        mid_trace_prompt(again, NULL, &prompt);
        CHECK(prompt.hidden == NULL);
        CHECK_OK(mid_trace_pack(test_ctx(), again, &twice, &n_twice));
        CHECK_INT(n_twice, n);
        assert_memory_equal(bytes, twice, n);
        mid_free(bytes);
        mid_free(twice);
        mid_trace_close(again);
        mid_trace_close(trace);
    }
}

TEST(trace, text_only)
{
    const mid_signals s = { .have = MID_SIG_TEXT };
    const mid_step hi = { .have = MID_SIG_TEXT, .n_text = 2, .text = "hi" };
    mid_trace *trace = NULL, *again = NULL;
    mid_step step;
    void *bytes;
    size_t n;

    CHECK_OK(mid_trace_open(test_ctx(), &s, NULL, &trace));
    CHECK_TEXT(mid_trace_text(trace, &n), "");
    CHECK_OK(mid_trace_append(trace, &hi));
    CHECK_OK(mid_trace_pack(test_ctx(), trace, &bytes, &n));
    CHECK_OK(mid_trace_unpack(test_ctx(), bytes, n, &again));
    CHECK_TEXT(mid_trace_text(again, &n), "hi");
    CHECK_INT(mid_trace_scratch(again), 0);
    CHECK(n < 550);                             /* what is missing takes no byte: head, token and text */
    mid_trace_step(again, 0, NULL, &step);
    CHECK_INT(step.have, MID_SIG_TEXT);
    mid_trace_step(again, 1, NULL, &step);      /* behind the end */
    CHECK_INT(step.have, 0);
    mid_free(bytes);
    mid_trace_close(again);
    mid_trace_close(trace);
    mid_trace_close(NULL);
}

TEST(trace, refuses_bad_signals)
{
    mid_signals s = signals_all();
    mid_trace *trace = NULL;
    const float row[1] = { 0 };
    const mid_prompt with_rows = { .text = "", .hidden = row }, sure = { .text = "", .affirm = 1.5f };
    const mid_prompt no_samples = { .text = "", .n_sample = 2 }, alone = { .text = "", .sample_gram = row };

    s.n_layer = MID_LAYER_MAX + 1;
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, NULL, &trace), MID_EINVAL);
    CHECK_SAYS("65 tapped layers");
    s = signals_all();
    s.layer[1] = 2;
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, NULL, &trace), MID_EINVAL);
    CHECK_SAYS("ascend");
    s = signals_all();
    s.n_embd = 0;
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, NULL, &trace), MID_EINVAL);
    s = signals_all();
    s.n_top = 21;
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, NULL, &trace), MID_EINVAL);
    s = signals_all();
    memset(s.observer, 'x', sizeof s.observer);
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, NULL, &trace), MID_EINVAL);
    CHECK_SAYS("observer");
    s = signals_all();
    s.n_head_layer = 4;
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, NULL, &trace), MID_EINVAL);
    CHECK_SAYS("6 attention heads, 4 per layer");
    s.n_head = 0;
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, NULL, &trace), MID_EINVAL);
    CHECK_SAYS("attention announced");
    s = (mid_signals){ .have = MID_SIG_LENS };
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, NULL, &trace), MID_EINVAL);
    CHECK_SAYS("lens");
    memset(&s, 0, sizeof s);
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, &with_rows, &trace), MID_EINVAL);
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, &sure, &trace), MID_EINVAL);
    CHECK_SAYS("affirm is 1.5");
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, &no_samples, &trace), MID_EINVAL);
    CHECK_SAYS("2 sampled answers");
    CHECK_FAILS(mid_trace_open(test_ctx(), &s, &alone, &trace), MID_EINVAL);
    CHECK_SAYS("products");
    CHECK(trace == NULL);
}

TEST(trace, refuses_bad_steps)
{
    mid_trace *trace = open_filled(3);
    size_t n_text;
    mid_step step = { .i_tok = N_TOK };

    mid_trace_text(trace, &n_text);
    step.at_byte = (uint32_t)n_text + 1;
    CHECK_FAILS(mid_trace_append(trace, &step), MID_EINVAL);
    step.at_byte = (uint32_t)n_text;
    step.i_tok = N_TOK + 1;
    CHECK_FAILS(mid_trace_append(trace, &step), MID_EINVAL);
    step.i_tok = N_TOK;
    step.have = MID_SIG_HIDDEN;
    CHECK_FAILS(mid_trace_append(trace, &step), MID_EINVAL);
    step.have = MID_SIG_ATTENTION;
    CHECK_FAILS(mid_trace_append(trace, &step), MID_EINVAL);
    step.have = MID_SIG_SPREAD;
    CHECK_FAILS(mid_trace_append(trace, &step), MID_EINVAL);
    step.have = MID_SIG_LENS;
    CHECK_FAILS(mid_trace_append(trace, &step), MID_EINVAL);
    step.have = MID_SIG_TEXT;
    step.n_text = 1;
    CHECK_FAILS(mid_trace_append(trace, &step), MID_EINVAL);
    step.have = MID_SIG_TOP;
    step.n_top = 1;
    CHECK_FAILS(mid_trace_append(trace, &step), MID_EINVAL);
    step.n_top = MID_TOP_MAX + 1;
    CHECK_FAILS(mid_trace_append(trace, &step), MID_EINVAL);
    check_filled(trace, 3);                     /* nothing of it stuck */
    step.have = 0;
    CHECK_OK(mid_trace_append(trace, &step));
    mid_trace_close(trace);
}

/* Bytes at the end of exactly their own memory, so that the sanitizer sees a read behind n. */
static mid_status unpack_copy(const void *bytes, size_t n)
{
    char *copy = malloc(n ? n : 1);
    mid_trace *trace = NULL;
    mid_status status;

    assert_non_null(copy);
    memcpy(copy, bytes, n);
    status = mid_trace_unpack(test_ctx(), copy, n, &trace);
    mid_trace_close(trace);
    free(copy);
    return status;
}

TEST(trace, refuses_damage)
{
    mid_trace *trace = open_filled(4);
    const uint64_t seed = 99;
    uint8_t *bytes;
    void *packed;
    size_t n, i;
    mid__rng rng;

    CHECK_OK(mid_trace_pack(test_ctx(), trace, &packed, &n));
    bytes = packed;
    for (i = 0; i < n; i += i < 600 ? 1 : 97)
        CHECK_FAILS(unpack_copy(bytes, i), MID_EFORMAT);
    mid__rng_init(&rng, seed, 0);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (i = 0; i < 300; i++) {                 /* any flipped bit is seen */
        const uint32_t at = mid__rng_below(&rng, (uint32_t)n);
        const uint8_t bit = (uint8_t)(1u << mid__rng_below(&rng, 8));
        bytes[at] ^= bit;
        CHECK(unpack_copy(bytes, n) != MID_OK);
        bytes[at] ^= bit;
    }
    bytes[4] = 9;
    CHECK_FAILS(unpack_copy(bytes, n), MID_EVERSION);
    CHECK_SAYS("trace format 9");
    CHECK_SAYS("newer midstream");
    bytes[4] = 1;
    CHECK_FAILS(unpack_copy(bytes, n), MID_EVERSION);
    CHECK_SAYS("run again");
    CHECK_SAYS("older midstream");
    bytes[4] = 2;
    CHECK_OK(unpack_copy(bytes, n));
    mid_free(packed);
    mid_trace_close(trace);
}

/* With the CRC made right again, the counts must still protect: every word of the head set to awkward values. */
TEST(trace, refuses_lies)
{
    static const uint32_t lie[] = { 1, 64, 65, 0x7fffffff, 0x80000000, 0xffffffff };
    mid_trace *trace = open_filled(5);
    size_t n, at, i;
    void *packed;
    char *bytes;

    CHECK_OK(mid_trace_pack(test_ctx(), trace, &packed, &n));
    bytes = packed;
    for (at = CRC_FROM; at < 600; at += 4)
        for (i = 0; i < sizeof lie / sizeof lie[0]; i++) {
            uint32_t was, crc;
            mid_status status;

            memcpy(&was, bytes + at, 4);
            memcpy(bytes + at, &lie[i], 4);
            crc = mid__crc32(bytes + CRC_FROM, n - CRC_FROM);
            memcpy(bytes + CRC_AT, &crc, 4);
            status = unpack_copy(bytes, n);
            CHECK(status == MID_OK || status == MID_EFORMAT);
            if (at < CRC_FROM + 20 + 40 && was != lie[i])   /* counts of prompt, samples and lists: never believed */
                CHECK_FAILS(status, MID_EFORMAT);
            memcpy(bytes + at, &was, 4);
        }
    mid_free(packed);
    mid_trace_close(trace);
}
