/* The protocol's words: what is put can be got again bit for bit, and what a stranger says is refused, not believed. */
#include "test.h"

#include "base/rng.h"
#include "plugin/wire.h"

enum { N_LAYER = 3, D = 4, N_HEAD = 6, N_TOP = 5, N_ROUND = 200 };
static const uint64_t seed = 20241103;
#define ALL ((uint32_t)MID_SIG_JUDGE * 2 - 1)

static mid_signals signals_of_all(void)
{
    return (mid_signals){ .have = ALL, .n_layer = N_LAYER, .layer = { 2, 9, 30 }, .n_embd = D, .n_vocab = 1000,
                          .n_top = N_TOP, .n_head = N_HEAD, .n_head_layer = 3, .observer = "observer-a" };
}

/* Any finite float, subnormal ones too. */
static float any_float(mid__rng *rng)
{
    union { uint32_t bits; float x; } u;

    do
        u.bits = (uint32_t)mid__rng_u64(rng);
    while (!isfinite(u.x));
    return u.x;
}

static float *any_floats(mid__rng *rng, float *x, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        x[i] = any_float(rng);
    return x;
}

/* A message with `key`, put and read again; owned. */
static yyjson_doc *sent(mid__wire *w)
{
    size_t n;
    char *line = mid__wire_line(w, &n);
    yyjson_doc *doc;

    assert_non_null(line);
    CHECK(line[n - 1] == '\n' && !memchr(line, '\n', n - 1));
    doc = yyjson_read(line, n, 0);
    assert_non_null(doc);
    free(line);
    return doc;
}

TEST(wire, steps_come_back_bit_for_bit)
{
    const mid_signals signals = signals_of_all();
    float hidden[N_LAYER * D], top[N_TOP], spread[MID_SPREAD_N];
    float attention[N_HEAD * MID_ATTENTION_N], lens[N_LAYER * MID_LENS_N];
    int32_t token[N_TOP] = { 4, 0, 999, 7, 1 };
    char text[8];
    mid__arena room = { NULL };
    mid_step step, got;
    mid__rng rng;
    mid__wire w;
    yyjson_doc *doc;
    int round, i;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (round = 0; round < N_ROUND; round++) {
        for (i = 0; i < 8; i++)
            text[i] = (char)mid__rng_u64(&rng);
        step = (mid_step){
            .have = (uint32_t)mid__rng_u64(&rng) & ALL & ~(uint32_t)(MID_SIG_AFFIRM | MID_SIG_SAMPLES),
            .i_tok = mid__rng_below(&rng, 4096), .token = (int32_t)mid__rng_below(&rng, 1000),
            .at_byte = (uint32_t)round, .text = text, .n_text = mid__rng_below(&rng, 9),
            .lp = any_float(&rng), .entropy_nats = any_float(&rng),
            .n_top = mid__rng_below(&rng, N_TOP + 1), .top_token = token, .top_lp = any_floats(&rng, top, N_TOP),
            .hidden = any_floats(&rng, hidden, N_LAYER * D), .time_us = any_float(&rng),
            .spread = any_floats(&rng, spread, MID_SPREAD_N),
            .attention = any_floats(&rng, attention, N_HEAD * MID_ATTENTION_N),
            .lens = any_floats(&rng, lens, N_LAYER * MID_LENS_N), .lp_alone = any_float(&rng), .judge = any_float(&rng),
        };
        mid__wire_open(&w, "step");
        CHECK(mid__wire_is_finite(ALL, &signals, &step));
        mid__wire_put_step(&w, w.root, ALL, &signals, &step);
        doc = sent(&w);
        CHECK_OK(mid__wire_get_step(test_ctx(), yyjson_doc_get_root(doc), &signals, &room, &got));
        CHECK_INT(got.have, step.have);
        CHECK(got.i_tok == step.i_tok && got.token == step.token && got.at_byte == step.at_byte);
        if (step.have & MID_SIG_TEXT) {
            CHECK_INT(got.n_text, step.n_text);
            CHECK(memcmp(got.text, text, step.n_text) == 0);
        }
        if (step.have & MID_SIG_LOGPROB)
            CHECK(memcmp(&got.lp, &step.lp, 4) == 0);
        if (step.have & MID_SIG_ENTROPY)
            CHECK(memcmp(&got.entropy_nats, &step.entropy_nats, 4) == 0);
        if (step.have & MID_SIG_TOP) {
            CHECK_INT(got.n_top, step.n_top);
            CHECK(memcmp(got.top_token, token, 4 * step.n_top) == 0 && memcmp(got.top_lp, top, 4 * step.n_top) == 0);
        }
        if (step.have & MID_SIG_HIDDEN)
            CHECK(memcmp(got.hidden, hidden, sizeof hidden) == 0);
        if (step.have & MID_SIG_TIME)
            CHECK(memcmp(&got.time_us, &step.time_us, 4) == 0);
        if (step.have & MID_SIG_SPREAD)
            CHECK(memcmp(got.spread, spread, sizeof spread) == 0);
        if (step.have & MID_SIG_ATTENTION)
            CHECK(memcmp(got.attention, attention, sizeof attention) == 0);
        if (step.have & MID_SIG_LENS)
            CHECK(memcmp(got.lens, lens, sizeof lens) == 0);
        if (step.have & MID_SIG_ALONE)
            CHECK(memcmp(&got.lp_alone, &step.lp_alone, 4) == 0);
        if (step.have & MID_SIG_JUDGE)
            CHECK(memcmp(&got.judge, &step.judge, 4) == 0);
        yyjson_doc_free(doc);
        mid__arena_clear(&room);
    }
}

/* What is not asked for does not go over. */
TEST(wire, only_what_is_needed)
{
    const mid_signals signals = signals_of_all();
    const mid_step step = { .have = ALL, .i_tok = 3, .text = "a", .n_text = 1, .lp = -1, .entropy_nats = 2 };
    mid__wire w;
    size_t n;
    char *line;

    mid__wire_open(&w, "step");
    mid__wire_put_step(&w, w.root, MID_SIG_LOGPROB, &signals, &step);
    line = mid__wire_line(&w, &n);
    CHECK_TEXT(line, "{\"type\":\"step\",\"i_tok\":3,\"token\":0,\"at_byte\":0,\"lp\":-1.0}\n");
    free(line);
}

TEST(wire, prompts_come_back)
{
    const mid_signals signals = signals_of_all();
    static const char *const sample[] = { "yes", "", "n\xc3" };     /* the last is cut inside a character */
    float hidden[N_LAYER * D], gram[MID_SAMPLE_AT_N * N_LAYER * 9];
    mid__arena room = { NULL };
    mid_prompt got;
    mid__rng rng;
    mid__wire w;
    yyjson_doc *doc;
    int i;

    mid__rng_init(&rng, seed, 1);
    {
        const mid_prompt prompt = { .text = "How?\n\"\\", .hidden = any_floats(&rng, hidden, N_LAYER * D), .n_tok = 17,
                                    .affirm = 0.25f, .sample = sample, .n_sample = 3,
                                    .sample_gram = any_floats(&rng, gram, sizeof gram / 4) };
        CHECK(mid__wire_prompt_is_finite(ALL, &signals, &prompt));
        mid__wire_open(&w, "start");
        mid__wire_put_prompt(&w, w.root, "prompt", ALL, &signals, &prompt);
    }
    doc = sent(&w);
    CHECK_OK(mid__wire_get_prompt(test_ctx(), yyjson_obj_get(yyjson_doc_get_root(doc), "prompt"), &signals, &room,
                                  &got));
    CHECK_TEXT(got.text, "How?\n\"\\");
    CHECK(memcmp(got.hidden, hidden, sizeof hidden) == 0 && memcmp(got.sample_gram, gram, sizeof gram) == 0);
    CHECK(got.n_tok == 17 && got.affirm == 0.25f && got.n_sample == 3);
    for (i = 0; i < 3; i++)
        CHECK_TEXT(got.sample[i], sample[i]);
    hidden[3] = NAN;
    got.hidden = hidden;
    CHECK(!mid__wire_prompt_is_finite(ALL, &signals, &got));
    CHECK(mid__wire_prompt_is_finite(MID_SIG_TEXT, &signals, &got));
    yyjson_doc_free(doc);
    mid__arena_clear(&room);
}

TEST(wire, signals_and_weights_come_back)
{
    const mid_signals signals = signals_of_all();
    mid_weights *a, *b;
    mid_signals got;
    void *bytes[2];
    size_t n[2];
    float x[12];
    mid__rng rng;
    mid__wire w;
    yyjson_doc *doc;

    mid__rng_init(&rng, seed, 2);
    CHECK_OK(mid_weights_open(test_ctx(), &a));
    CHECK_OK(mid_weights_open(test_ctx(), &b));
    CHECK_OK(mid_weights_set(test_ctx(), a, "w", any_floats(&rng, x, 12), 3, 4));
    CHECK_OK(mid_weights_set(test_ctx(), a, "b\xc3\xa9", x, 1, 1));
    CHECK_OK(mid_weights_set_text(test_ctx(), a, "note", "two\nlines"));
    CHECK_OK(mid_weights_set_number(test_ctx(), a, "layer", 14));
    mid__wire_open(&w, "open");
    mid__wire_put_signals(&w, w.root, "signals", &signals);
    mid__wire_put_weights(&w, yyjson_mut_obj_add_obj(w.doc, w.root, "weights"), a);
    doc = sent(&w);
    CHECK_OK(mid__wire_get_signals(test_ctx(), yyjson_obj_get(yyjson_doc_get_root(doc), "signals"), &got));
    CHECK(memcmp(&got, &signals, sizeof got) == 0);
    CHECK_OK(mid__wire_get_weights(test_ctx(), yyjson_obj_get(yyjson_doc_get_root(doc), "weights"), b));
    CHECK_OK(mid_weights_pack(test_ctx(), a, &bytes[0], &n[0]));
    CHECK_OK(mid_weights_pack(test_ctx(), b, &bytes[1], &n[1]));
    CHECK_INT(n[0], n[1]);
    CHECK(memcmp(bytes[0], bytes[1], n[0]) == 0);
    mid_free(bytes[0]);
    mid_free(bytes[1]);
    yyjson_doc_free(doc);
    mid_weights_close(a);
    mid_weights_close(b);
}

TEST(wire, numbers_that_json_cannot_hold)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    const mid_signals signals = { .have = MID_SIG_LOGPROB | MID_SIG_TOP, .n_top = 1 };
    const int32_t token[] = { 3 };
    size_t i;

    for (i = 0; i < 3; i++) {
        const mid_step lp = { .have = MID_SIG_LOGPROB, .lp = bad[i] };
        const mid_step top = { .have = MID_SIG_TOP, .n_top = 1, .top_token = token, .top_lp = &bad[i] };
        CHECK(!mid__wire_is_finite(ALL, &signals, &lp));
        CHECK(mid__wire_is_finite(MID_SIG_TOP, &signals, &lp));
        CHECK(!mid__wire_is_finite(ALL, &signals, &top));
    }
}

TEST(wire, parameters)
{
    static const mid_param known[] = { { "c", 1, NULL, "h" }, { "list", 0, "none", "h" }, { NULL, 0, NULL, NULL } };
    static const struct { const char *json; double c; const char *list; } good[] = {
        { "{}", 1, "none" }, { "{\"c\":2.5,\"list\":\"x\"}", 2.5, "x" }, { "{\"c\":3,\"other\":1}", 3, "none" },
        { "[]", 1, "none" },
    };
    static const char *const bad[] = { "{\"c\":\"2\"}", "{\"list\":1}", "{\"c\":null}" };
    mid__arena room = { NULL };
    mid_param *p;
    yyjson_doc *doc;
    size_t i;

    for (i = 0; i < sizeof good / sizeof *good; i++) {
        doc = yyjson_read(good[i].json, strlen(good[i].json), 0);
        CHECK_OK(mid__wire_get_params(test_ctx(), yyjson_doc_get_root(doc), known, &room, &p));
        CHECK_NEAR(p[0].number, good[i].c, 0);
        CHECK_TEXT(p[1].text, good[i].list);
        CHECK(p[2].name == NULL);
        yyjson_doc_free(doc);
    }
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        doc = yyjson_read(bad[i], strlen(bad[i]), 0);
        CHECK_FAILS(mid__wire_get_params(test_ctx(), yyjson_doc_get_root(doc), known, &room, &p), MID_EFORMAT);
        yyjson_doc_free(doc);
    }
    CHECK_OK(mid__wire_get_params(test_ctx(), NULL, NULL, &room, &p));
    CHECK(p[0].name == NULL);
    mid__arena_clear(&room);
}

/* Steps that a stranger typed: refused with what is wrong. */
TEST(wire, steps_are_checked)
{
    static const struct { const char *json, *says; } row[] = {
        { "{}", "\"i_tok\" is missing" },
        { "{\"i_tok\":-1,\"at_byte\":0}", "\"i_tok\" is -1; a whole number in range" },
        { "{\"i_tok\":1.5,\"at_byte\":0}", "a whole number" },
        { "{\"i_tok\":4294967296,\"at_byte\":0}", "in range" },
        { "{\"i_tok\":18446744073709551615,\"at_byte\":0}", "in range" },
        { "{\"i_tok\":0}", "\"at_byte\" is missing" },
        { "{\"i_tok\":0,\"at_byte\":0,\"lp\":\"x\"}", "\"lp\" is \"x\"; a number" },
        { "{\"i_tok\":0,\"at_byte\":0,\"lp\":-1e39}", "\"lp\" is -1e39; a number" },
        { "{\"i_tok\":0,\"at_byte\":0,\"text\":5}", "\"text\" is 5; a text" },
        { "{\"i_tok\":0,\"at_byte\":0,\"text\":\"\",\"hex\":\"0\"}", "hexadecimal" },
        { "{\"i_tok\":0,\"at_byte\":0,\"text\":\"\",\"hex\":\"0G\"}", "hexadecimal" },
        { "{\"i_tok\":0,\"at_byte\":0,\"text\":\"\",\"hex\":1}", "hexadecimal" },
        { "{\"i_tok\":0,\"at_byte\":0,\"hidden\":[[1,2,3,4]]}", "\"hidden\": 3 rows" },
        { "{\"i_tok\":0,\"at_byte\":0,\"hidden\":[[1,2,3,4],[1,2,3,4],[1,2,3]]}", "\"hidden\": 4 numbers" },
        { "{\"i_tok\":0,\"at_byte\":0,\"hidden\":[[1,2,3,4],[1,2,3,4],[1,2,3,null]]}", "\"hidden\" is null" },
        { "{\"i_tok\":0,\"at_byte\":0,\"hidden\":[[1,2,3,4],5,[1,2,3,4]]}", "4 numbers" },
        { "{\"i_tok\":0,\"at_byte\":0,\"top\":7}", "\"top\" is 7" },
        { "{\"i_tok\":0,\"at_byte\":0,\"top\":[[1]]}", "[token, ln p]" },
        { "{\"i_tok\":0,\"at_byte\":0,\"top\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]}", "\"top\"" },
        { "{\"i_tok\":0,\"at_byte\":0,\"spread\":[1]}", "4 numbers" },
        { "[]", "\"i_tok\" is missing" },
    };
    const mid_signals signals = signals_of_all();
    mid__arena room = { NULL };
    mid_step step;
    yyjson_doc *doc;
    size_t i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        doc = yyjson_read(row[i].json, strlen(row[i].json), 0);
        assert_non_null(doc);
        CHECK_FAILS(mid__wire_get_step(test_ctx(), yyjson_doc_get_root(doc), &signals, &room, &step), MID_EFORMAT);
        CHECK_SAYS(row[i].says);
        yyjson_doc_free(doc);
    }
    mid__arena_clear(&room);
}

TEST(wire, weights_and_signals_are_checked)
{
    static const char *const weights[] = {
        "{\"tensors\":{\"w\":{\"rows\":2,\"cols\":2,\"data\":[1,2,3]}}}",
        "{\"tensors\":{\"w\":{\"rows\":1,\"cols\":1,\"data\":[null]}}}",
        "{\"tensors\":{\"w\":{\"rows\":1073741824,\"cols\":1073741824,\"data\":[]}}}",
        "{\"tensors\":{\"w\":{\"cols\":1,\"data\":[1]}}}",
        "{\"tensors\":{\"w\":5}}",
        "{\"text\":{\"note\":5}}",
    };
    static const char *const signals[] = {
        "\"have\":[\"smell\"],\"layers\":[],\"n_embd\":0,\"observer\":\"\"",
        "\"have\":[],\"layers\":[-1],\"n_embd\":0,\"observer\":\"\"",
        "\"have\":[],\"layers\":[],\"n_embd\":99999999,\"observer\":\"\"",
        "\"have\":[],\"layers\":[],\"n_embd\":0,\"observer\":7",
        "\"have\":[],\"layers\":[],\"n_embd\":0,\"observer\":"
        "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
        "\"layers\":[]",
    };
    mid_signals s;
    mid_weights *w;
    yyjson_doc *doc;
    char text[300];
    size_t i;

    CHECK_OK(mid_weights_open(test_ctx(), &w));
    for (i = 0; i < sizeof weights / sizeof *weights; i++) {
        doc = yyjson_read(weights[i], strlen(weights[i]), 0);
        CHECK_FAILS(mid__wire_get_weights(test_ctx(), yyjson_doc_get_root(doc), w), MID_EFORMAT);
        yyjson_doc_free(doc);
    }
    mid_weights_close(w);
    for (i = 0; i < sizeof signals / sizeof *signals; i++) {
        snprintf(text, sizeof text, "{%s,\"n_vocab\":0,\"n_top\":0,\"n_head\":0,\"n_head_layer\":0}", signals[i]);
        doc = yyjson_read(text, strlen(text), 0);
        assert_non_null(doc);
        CHECK_FAILS(mid__wire_get_signals(test_ctx(), yyjson_doc_get_root(doc), &s), MID_EFORMAT);
        yyjson_doc_free(doc);
    }
}
