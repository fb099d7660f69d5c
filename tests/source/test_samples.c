/* Sampled answers from the real SmolLM2: they are what the same model gives when asked for those answers alone, and so
 * are the inner products of their rows. */
#include "test.h"

enum { N_PROMPT = 2, N_EACH = 3, N_TOK = 12 };

static const char *const prompt_text[N_PROMPT] = { "Name a colour.", "Say one word about the sea." };
static const char *const id[N_PROMPT] = { "a", "b" };

static mid_model *open_model(int n_layer)
{
    mid_model_opts opts = mid_model_opts_default();
    mid_model *m = NULL;

    opts.n_layer = n_layer;
    opts.layer[0] = 3;
    opts.layer[1] = 29;
    opts.n_seq = N_PROMPT * N_EACH;
    opts.n_ctx_seq = 128;
    opts.n_threads = 1;
    CHECK_OK(mid_model_open(test_ctx(), test_model(), &opts, &m));
    return m;
}

static mid_source_opts run_opts(uint32_t want)
{
    mid_source_opts opts = mid_source_opts_default();

    opts.max_tok = N_TOK;
    opts.seed = 11;
    opts.want = want;
    opts.n_sample = N_EACH;
    return opts;
}

static void run(mid_model *m, const char *source, const mid_source_opts *opts, mid_trace **trace)
{
    mid_sample sample[N_PROMPT];
    const mid_sample *list[N_PROMPT];
    int i;

    for (i = 0; i < N_PROMPT; i++) {
        sample[i] = (mid_sample){ .id = id[i], .task = "chat", .prompt = prompt_text[i], .response = "Blue.",
                                   .label = -1 };
        list[i] = &sample[i];
    }
    CHECK_OK(mid_source_trace(test_ctx(), m, source, list, N_PROMPT, opts, trace));
}

static void close_all(mid_trace **trace, int n)
{
    while (n)
        mid_trace_close(trace[--n]);
}

/* The answers that samples are, asked for as answers. */
static void run_alone(mid_model *m, mid_trace **trace)
{
    mid_source_opts opts = run_opts(0);
    mid_sample sample[N_PROMPT * N_EACH];
    const mid_sample *list[N_PROMPT * N_EACH];
    char name[N_PROMPT * N_EACH][32];
    int i;

    opts.temperature = 1;
    for (i = 0; i < N_PROMPT * N_EACH; i++) {
        snprintf(name[i], sizeof name[i], "%s sample %d", id[i / N_EACH], i % N_EACH);
        sample[i] = (mid_sample){ .id = name[i], .task = "chat", .prompt = prompt_text[i / N_EACH], .label = -1 };
        list[i] = &sample[i];
    }
    CHECK_OK(mid_source_trace(test_ctx(), m, "llama", list, N_PROMPT * N_EACH, &opts, trace));
}

/* Centred row of a trace after token min(count, length). */
static void row_at(const mid_trace *t, int i_layer, uint32_t count, size_t d, float *row)
{
    const uint32_t n = mid_trace_n_tok(t);
    double mean = 0;
    size_t j;

    mid_trace_hidden(t, i_layer, (int32_t)(count < n ? count : n) - 1, row);
    for (j = 0; j < d; j++)
        mean += (double)row[j] / (double)d;
    for (j = 0; j < d; j++)
        row[j] -= (float)mean;
}

static double product(const mid_trace *a, const mid_trace *b, int i_layer, uint32_t count, size_t d)
{
    float *x = malloc(2 * d * sizeof *x), *y = x + d;
    double sum = 0;
    size_t j;

    row_at(a, i_layer, count, d, x);
    row_at(b, i_layer, count, d, y);
    for (j = 0; j < d; j++)
        sum += (double)x[j] * (double)y[j];
    free(x);
    return sum;
}

TEST(samples, are_the_models_own_answers)
{
    mid_model *m = open_model(2);
    const mid_signals *signals = mid_model_signals(m);
    const mid_source_opts opts = run_opts(MID_SIG_SAMPLES);
    mid_trace *trace[N_PROMPT], *alone[N_PROMPT * N_EACH];
    mid_prompt prompt;
    bool differ = false;
    int p, i, j, l, k;

    run(m, "recorded", &opts, trace);
    run_alone(m, alone);
    for (p = 0; p < N_PROMPT; p++) {
        const float *gram;
        CHECK(mid_trace_signals(trace[p])->have & MID_SIG_SAMPLES);
        CHECK_TEXT(mid_trace_text(trace[p], NULL), "Blue.");
        mid_trace_prompt(trace[p], NULL, &prompt);
        CHECK_INT(prompt.n_sample, N_EACH);
        for (i = 0; i < N_EACH; i++) {
            CHECK_TEXT(prompt.sample[i], mid_trace_text(alone[p * N_EACH + i], NULL));
            differ |= strcmp(prompt.sample[i], prompt.sample[0]) != 0;
        }
        gram = prompt.sample_gram;
        assert_non_null(gram);
        for (k = 0; k < MID_SAMPLE_AT_N; k++)
            for (l = 0; l < signals->n_layer; l++)
                for (i = 0; i < N_EACH; i++)
                    for (j = 0; j < N_EACH; j++) {
                        const double want = product(alone[p * N_EACH + i], alone[p * N_EACH + j], l, 1u << k,
                                                    (size_t)signals->n_embd);
                        CHECK_NEAR(*gram++, want, 1e-4 * fabs(want) + 1e-3);
                    }
    }
    CHECK(differ);
    close_all(trace, N_PROMPT);
    close_all(alone, N_PROMPT * N_EACH);
    mid_model_close(m);
}

/* Asking for samples leaves the answer as it is; another seed gives other samples; and the same run the same bytes. */
TEST(samples, beside_the_answer)
{
    mid_model *m = open_model(-1);
    mid_source_opts opts = run_opts(MID_SIG_SAMPLES), plain = run_opts(0);
    mid_trace *with[N_PROMPT], *again[N_PROMPT], *without[N_PROMPT], *other[N_PROMPT];
    mid_prompt a, b, c;
    size_t k;
    int i, n_same = 0;

    run(m, "llama", &opts, with);
    run(m, "llama", &opts, again);
    run(m, "llama", &plain, without);
    opts.seed = 12;
    run(m, "llama", &opts, other);
    for (i = 0; i < N_PROMPT; i++) {
        CHECK_TEXT(mid_trace_text(with[i], NULL), mid_trace_text(without[i], NULL));
        mid_trace_prompt(with[i], NULL, &a);
        mid_trace_prompt(again[i], NULL, &b);
        mid_trace_prompt(other[i], NULL, &c);
        CHECK(a.sample_gram == NULL);                   /* no layers, no rows */
        for (k = 0; k < N_EACH; k++) {
            CHECK_TEXT(a.sample[k], b.sample[k]);
            n_same += strcmp(a.sample[k], c.sample[k]) == 0;
        }
        mid_trace_prompt(without[i], NULL, &a);
        CHECK_INT(a.n_sample, 0);
    }
    CHECK(n_same < N_PROMPT * N_EACH);
    close_all(with, N_PROMPT);
    close_all(again, N_PROMPT);
    close_all(without, N_PROMPT);
    close_all(other, N_PROMPT);
    mid_model_close(m);
}

/* More samples than sequences: several batches; none asked for by number: five. */
TEST(samples, in_batches)
{
    mid_model *m = open_model(-1);
    mid_source_opts opts = run_opts(MID_SIG_SAMPLES);
    mid_trace *trace[N_PROMPT];
    mid_prompt prompt;

    opts.n_sample = 0;
    opts.max_tok = 3;
    run(m, "llama", &opts, trace);
    mid_trace_prompt(trace[1], NULL, &prompt);
    CHECK_INT(prompt.n_sample, 5);
    CHECK(prompt.sample[4][0] != 0);
    close_all(trace, N_PROMPT);
    mid_model_close(m);
}
