/* Sources against the real SmolLM2: what a batch of answers gives must be what reading each answer alone gives, so taps,
 * logits and sequence moves all refer to the right token. A batched decode and a teacher-forced one are different
 * computations (see docs/design.md on new decodes), so agreement is within a tolerance, not to the bit. */
#include "test.h"

static const char *const question[] = {
    "What is the capital of France?", "Name three colours.", "Say hello.", "Write one sentence about the sea.",
    "What is 2 + 2?",
};
enum { N = sizeof question / sizeof question[0] };

static mid_model *open_model(int n_seq)
{
    mid_model_opts opts = mid_model_opts_default();
    mid_model *m = NULL;

    opts.n_seq = n_seq;
    opts.n_ctx_seq = 256;
    opts.n_threads = 1;             /* threads that wait for each other crawl when the machine has other work */
    CHECK_OK(mid_model_open(test_ctx(), test_model(), &opts, &m));
    return m;
}

static void samples_of(mid_sample *sample, const mid_sample **list)
{
    static const char *const id[N] = { "a", "b", "c", "d", "e" };
    size_t i;

    for (i = 0; i < N; i++) {
        sample[i] = (mid_sample){ .id = id[i], .task = "qa", .prompt = question[i], .label = -1 };
        list[i] = &sample[i];
    }
}

TEST(source, batch_agrees_with_reading_alone)
{
    mid_model *m = open_model(N);
    mid_source_opts opts = mid_source_opts_default();
    mid_sample sample[N];
    const mid_sample *list[N];
    mid_trace *made[N], *read[N];
    const size_t n_hidden = (size_t)mid_model_signals(m)->n_layer * mid_model_signals(m)->n_embd;
    float *h = malloc(n_hidden * sizeof *h), *g = malloc(n_hidden * sizeof *g);
    uint32_t t, shortest = 1000, longest = 0;
    size_t i, j;

    opts.max_tok = 40;
    samples_of(sample, list);
    CHECK_OK(mid_source_trace(test_ctx(), m, "llama", list, N, &opts, made));
    for (i = 0; i < N; i++)
        sample[i].response = mid_trace_text(made[i], NULL);
    CHECK_OK(mid_source_trace(test_ctx(), m, "recorded", list, N, &opts, read));
    for (i = 0; i < N; i++) {
        const uint32_t n = mid_trace_n_tok(made[i]);
        shortest = n < shortest ? n : shortest;
        longest = n > longest ? n : longest;
        CHECK(n >= 1);
        CHECK_INT(mid_trace_n_tok(read[i]), n);
        CHECK_TEXT(mid_trace_text(read[i], NULL), mid_trace_text(made[i], NULL));
        for (t = 0; t < n; t++) {
            mid_step a, b;
            double dot = 0, aa = 0, bb = 0;
            mid_trace_step(made[i], t, h, &a);
            mid_trace_step(read[i], t, g, &b);
            CHECK_INT(a.token, b.token);
            CHECK_INT(a.at_byte, b.at_byte);
            CHECK_NEAR(a.lp, b.lp, 0.25);
            CHECK_NEAR(a.entropy_nats, b.entropy_nats, 0.25);
            for (j = 0; j < n_hidden; j++) {
                dot += (double)h[j] * g[j];
                aa += (double)h[j] * h[j];
                bb += (double)g[j] * g[j];
            }
            CHECK(dot / sqrt(aa * bb) > 0.995);
        }
    }
    CHECK(shortest < longest);      /* answers ended at different times, so sequences were moved */
    for (i = 0; i < N; i++) {
        mid_trace_close(made[i]);
        mid_trace_close(read[i]);
    }
    free(h);
    free(g);
    mid_model_close(m);
}

TEST(source, same_group_same_bits)
{
    mid_model *m = open_model(N);
    mid_source_opts opts = mid_source_opts_default();
    mid_sample sample[N];
    const mid_sample *list[N];
    mid_trace *first[N], *again[N];
    void *a, *b;
    size_t i, n_a, n_b;
    uint32_t t;

    opts.max_tok = 12;
    opts.temperature = 1;
    opts.seed = 7;
    samples_of(sample, list);
    CHECK_OK(mid_source_trace(test_ctx(), m, "llama", list, N, &opts, first));
    CHECK_OK(mid_source_trace(test_ctx(), m, "llama", list, N, &opts, again));
    for (i = 0; i < N; i++) {
        float *h = malloc(mid_trace_scratch(first[i]) * sizeof *h), *g = malloc(mid_trace_scratch(first[i]) * sizeof *g);
        CHECK_INT(mid_trace_n_tok(first[i]), mid_trace_n_tok(again[i]));
        for (t = 0; t < mid_trace_n_tok(first[i]); t++) {
            mid_step x, y;
            mid_trace_step(first[i], t, h, &x);
            mid_trace_step(again[i], t, g, &y);
            CHECK(x.token == y.token && x.lp == y.lp && x.entropy_nats == y.entropy_nats);
            CHECK(memcmp(h, g, mid_trace_scratch(first[i]) * sizeof *h) == 0);
        }
        /* packed and unpacked, a trace is the same bytes again */
        mid_trace *copy;
        CHECK_OK(mid_trace_pack(test_ctx(), first[i], &a, &n_a));
        CHECK_OK(mid_trace_unpack(test_ctx(), a, n_a, &copy));
        CHECK_OK(mid_trace_pack(test_ctx(), copy, &b, &n_b));
        CHECK(n_a == n_b && memcmp(a, b, n_a) == 0);
        mid_free(a);
        mid_free(b);
        mid_trace_close(copy);
        mid_trace_close(first[i]);
        mid_trace_close(again[i]);
        free(h);
        free(g);
    }
    mid_model_close(m);
}

TEST(source, stop_text_ends_an_answer_before_it)
{
    mid_model *m = open_model(1);
    mid_source_opts opts = mid_source_opts_default();
    mid_sample sample = { .id = "a", .task = "continuation", .prompt = "1, 2, 3, 4,", .label = -1 };
    const mid_sample *list = &sample;
    mid_trace *t;

    opts.format = "{prompt}";
    opts.max_tok = 20;
    opts.stop = "7";
    CHECK_OK(mid_source_trace(test_ctx(), m, "llama", &list, 1, &opts, &t));
    CHECK(strstr(mid_trace_text(t, NULL), "7") == NULL);
    CHECK(mid_trace_n_tok(t) < 20);
    mid_trace_close(t);
    mid_model_close(m);
}

TEST(source, prompt_text_is_never_a_control_token)
{
    mid_model *m = open_model(1);
    mid_sample sample = { .id = "a", .task = "chat", .prompt = "x<|im_end|>", .response = "yes", .label = -1 };
    const mid_sample *list = &sample;
    mid_trace *plain, *trick;
    mid_source_opts opts = mid_source_opts_default();
    mid_step a, b;

    CHECK_OK(mid_source_trace(test_ctx(), m, "recorded", &list, 1, &opts, &trick));
    sample.prompt = "x";
    opts.format = "<|im_start|>user\n{prompt}<|im_end|><|im_end|>\n<|im_start|>assistant\n";
    CHECK_OK(mid_source_trace(test_ctx(), m, "recorded", &list, 1, &opts, &plain));
    mid_trace_step(plain, 0, NULL, &a);
    mid_trace_step(trick, 0, NULL, &b);
    CHECK(a.lp != b.lp);
    mid_trace_close(plain);
    mid_trace_close(trick);
    mid_model_close(m);
}

TEST(source, bad_models)
{
    static const char not_gguf[] = "hello, I am not a model at all, not even nearly";
    mid_model *m = NULL;
    mid_model_opts opts = mid_model_opts_default();
    FILE *f = fopen(test_model(), "rb");
    char *part = malloc(3 << 20);

    CHECK_FAILS(mid_model_open(test_ctx(), "/nowhere/x.gguf", NULL, &m), MID_ENOTFOUND);
    CHECK_SAYS("/nowhere/x.gguf");
    CHECK_FAILS(mid_model_open(test_ctx(), test_write("a.gguf", not_gguf, sizeof not_gguf), NULL, &m), MID_EFORMAT);
    CHECK_SAYS("not a GGUF file");
    CHECK_INT(fread(part, 1, 3 << 20, f), 3 << 20);
    fclose(f);
    CHECK_FAILS(mid_model_open(test_ctx(), test_write("b.gguf", part, 100), NULL, &m), MID_EFORMAT);
    CHECK_SAYS("cut short");
    CHECK_FAILS(mid_model_open(test_ctx(), test_write("c.gguf", part, 3 << 20), NULL, &m), MID_EFORMAT);
    CHECK_SAYS("cut short");
    opts.n_layer = 1;
    opts.layer[0] = 99;
    CHECK_FAILS(mid_model_open(test_ctx(), test_model(), &opts, &m), MID_EINVAL);
    CHECK_SAYS("layer 99");
    opts = mid_model_opts_default();
    opts.quantise = "q9";
    CHECK_FAILS(mid_model_open(test_ctx(), test_model(), &opts, &m), MID_EINVAL);
    CHECK_SAYS("q9");
    CHECK(m == NULL);
    free(part);
}

TEST(source, prompt_longer_than_the_context)
{
    mid_model *m = open_model(1);
    char *long_prompt = malloc(20001);
    mid_sample sample = { .id = "long", .task = "qa", .response = "x", .label = -1 };
    const mid_sample *list = &sample;
    mid_trace *t;

    memset(long_prompt, 'x', 20000);
    long_prompt[20000] = 0;
    sample.prompt = long_prompt;
    CHECK_FAILS(mid_source_trace(test_ctx(), m, "llama", &list, 1, NULL, &t), MID_ELIMIT);
    CHECK_SAYS("long");
    CHECK_FAILS(mid_source_trace(test_ctx(), m, "recorded", &list, 1, NULL, &t), MID_ELIMIT);
    sample.response = NULL;
    CHECK_FAILS(mid_source_trace(test_ctx(), m, "recorded", &list, 1, NULL, &t), MID_EINVAL);
    CHECK(t == NULL);
    free(long_prompt);
    mid_model_close(m);
}
