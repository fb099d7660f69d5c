/* Speed of capture beside the bare engine, alternating rounds in one process, one thread each:
 *   generate  tokens/s of 16 sequences with full capture (llama-batched-bench is the peer: bench/run sets them side by side)
 *   replay    tokens/s of reading answers with logits at every token and four layers tapped / the same decodes bare
 *   observer  tokens/s of reading with a BF16 and a Q4_0 copy / with the file as it is (Q4_1)
 *   decode    microseconds per token of one sequence, which bench_monitors.py sets the monitors' cost beside
 * usage: bench_engine MODEL.gguf CACHE_DIR [ROUNDS] */
#include <llama.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "midstream.h"

enum { N = 16, N_GEN = 64, ROUND_MAX = 32 };

static const char *const question[N] = {
    "Describe a walk in a forest.", "Explain how bread is made.", "Write about a city by night.", "How does rain form?",
    "Tell a story about a lost key.", "Explain what a computer does.", "Describe your favourite meal.", "What is music?",
    "Write about winter in the mountains.", "How do birds fly?", "Tell me about the history of trains.",
    "Describe a day at school.", "Explain why the sky is blue.", "Write about the sea.", "How do plants grow?",
    "Tell me about a famous bridge.",
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(mid_ctx *ctx, mid_status status)
{
    if (status == MID_OK)
        return;
    fprintf(stderr, "%s: %s\n", mid_status_name(status), mid_ctx_message(ctx));
    exit(1);
}

static int by_value(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static void print(const char *name, const char *unit, double *value, int n)
{
    double load[1] = { NAN };

    qsort(value, (size_t)n, sizeof *value, by_value);
    if (getloadavg(load, 1) != 1)
        load[0] = NAN;
    printf("%-34s median %9.3f  min %9.3f  max %9.3f  %-6s n %d  load %.2f\n", name, value[n / 2], value[0], value[n - 1],
           unit, n, load[0]);
    fflush(stdout);
}

static mid_model *open_model(mid_ctx *ctx, const char *path, const char *cache, const char *quantise, int n_seq, int n_layer)
{
    mid_model_opts o = mid_model_opts_default();
    mid_model *m;

    o.cache_dir = cache;
    o.quantise = quantise;
    o.n_threads = 1;
    o.n_seq = n_seq;
    o.n_layer = n_layer;
    must(ctx, mid_model_open(ctx, path, &o, &m));
    return m;
}

struct counter { size_t n; double first_s; };

static mid_status count(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    struct counter *c = user;

    (void)i_seq; (void)step; (void)stop;
    if (c->n++ == 0)
        c->first_s = now_s();
    return MID_OK;
}

/* Tokens per second of one call: of reading all, or of generating once the prompts have been read. */
static double rate(mid_ctx *ctx, mid_model *m, const char *source, const mid_sample *const *list, size_t n)
{
    mid_source_opts o = mid_source_opts_default();
    struct counter c = { 0, 0 };
    const mid_sink sink = { .user = &c, .step = count };
    const double s = now_s();

    o.max_tok = N_GEN;
    must(ctx, mid_source_run(ctx, m, source, list, n, &o, &sink));
    if (strcmp(source, "llama") == 0)
        return (double)(c.n - n) / (now_s() - c.first_s);
    return (double)c.n / (now_s() - s);
}

/* A bare engine reading the same tokens: prompt and answer in one decode, logits at the answer's tokens. */
struct bare { struct llama_model *model; struct llama_context *lctx; struct llama_batch batch; };

static struct bare bare_open(const char *path)
{
    struct bare b;
    struct llama_context_params p = llama_context_default_params();

    b.model = llama_model_load_from_file(path, llama_model_default_params());
    p.n_ctx = 1024;
    p.n_batch = p.n_ubatch = 512;
    p.n_threads = p.n_threads_batch = 1;
    p.no_perf = true;
    b.lctx = llama_init_from_model(b.model, p);
    b.batch = llama_batch_init(512, 0, 1);
    return b;
}

static double bare_rate(struct bare *b, const mid_sample *const *list, size_t n)
{
    const struct llama_vocab *vocab = llama_model_get_vocab(b->model);
    llama_token token[2048];
    char text[16384];
    size_t n_tok = 0, i;
    double s = now_s();

    for (i = 0; i < n; i++) {
        int n_prompt, n_all, k;
        snprintf(text, sizeof text, "<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n", list[i]->prompt);
        n_prompt = llama_tokenize(vocab, text, (int)strlen(text), token, 2048, false, true);
        n_all = n_prompt + llama_tokenize(vocab, list[i]->response, (int)strlen(list[i]->response), token + n_prompt,
                                          2048 - n_prompt, false, false);
        if (n_all > n_prompt + N_GEN)
            n_all = n_prompt + N_GEN;
        for (k = 0; k < n_all; k++) {
            b->batch.token[k] = token[k];
            b->batch.pos[k] = k;
            b->batch.n_seq_id[k] = 1;
            b->batch.seq_id[k][0] = 0;
            b->batch.logits[k] = k >= n_prompt - 1;
        }
        b->batch.n_tokens = n_all;
        llama_memory_clear(llama_get_memory(b->lctx), true);
        if (llama_decode(b->lctx, b->batch) != 0)
            exit(1);
        n_tok += (size_t)(n_all - n_prompt);
    }
    return (double)n_tok / (now_s() - s);
}

int main(int argc, char **argv)
{
    const int n_round = argc > 3 ? atoi(argv[3]) : 5;
    const char *path = argc > 1 ? argv[1] : "", *cache = argc > 2 ? argv[2] : "";
    double a[ROUND_MAX], ratio[ROUND_MAX], half[ROUND_MAX], q4[ROUND_MAX];
    mid_sample sample[N];
    const mid_sample *list[N];
    mid_trace *trace[N];
    mid_source_opts o = mid_source_opts_default();
    mid_model *gen, *file, *bf16, *q4_0, *one;
    struct bare bare;
    mid_ctx *ctx;
    size_t i;
    int r;

    if (argc < 3 || n_round < 1 || n_round > ROUND_MAX || mid_ctx_open(&ctx) != MID_OK) {
        fprintf(stderr, "usage: bench_engine MODEL.gguf CACHE_DIR [ROUNDS]\n");
        return 2;
    }
    for (i = 0; i < N; i++) {
        sample[i] = (mid_sample){ .id = question[i], .task = "chat", .prompt = question[i], .label = -1 };
        list[i] = &sample[i];
    }
    gen = open_model(ctx, path, cache, NULL, N, 0);
    o.max_tok = N_GEN;
    must(ctx, mid_source_trace(ctx, gen, "llama", list, N, &o, trace));
    for (r = 0; r < n_round; r++)
        a[r] = rate(ctx, gen, "llama", list, N);
    print("generate_16_tok_s", "tok/s", a, n_round);
    mid_model_close(gen);

    for (i = 0; i < N; i++)
        sample[i].response = mid_trace_text(trace[i], NULL);
    file = open_model(ctx, path, cache, NULL, 1, 0);
    bf16 = open_model(ctx, path, cache, "bf16", 1, 0);
    q4_0 = open_model(ctx, path, cache, "q4_0", 1, 0);
    bare = bare_open(path);
    bare_rate(&bare, list, N);
    for (r = 0; r < n_round; r++) {
        const double b = bare_rate(&bare, list, N);
        a[r] = rate(ctx, file, "recorded", list, N);
        ratio[r] = a[r] / b;
        half[r] = rate(ctx, bf16, "recorded", list, N) / a[r];
        q4[r] = rate(ctx, q4_0, "recorded", list, N) / a[r];
    }
    print("replay_tok_s", "tok/s", a, n_round);
    print("replay_over_bare_decode", "ratio", ratio, n_round);
    print("observer_bf16_over_file", "ratio", half, n_round);
    print("observer_q4_0_over_file", "ratio", q4, n_round);

    one = open_model(ctx, path, cache, NULL, 1, -1);
    for (r = 0; r < n_round; r++)
        a[r] = 1e6 / rate(ctx, one, "llama", list, 1);
    print("decode_us_per_tok_1_sequence", "us", a, n_round);
    return 0;
}
