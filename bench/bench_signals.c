/* What each signal on request costs: microseconds of this thread's processor time per token, beyond a capture without it.
 * One thread; in each round once without and once with each, and the median difference counts. "generate" makes 16 answers in one
 * context, "read" reads them one by one. What is of the prompt alone (affirm, samples) is spread over the answer's tokens.
 * usage: bench_signals MODEL.gguf [ROUNDS] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "midstream.h"

enum { N = 16, N_TOK = 32, ROUND_MAX = 32 };

static const char *const question[N] = {
    "Describe a walk in a forest.", "Explain how bread is made.", "Write about a city by night.", "How does rain form?",
    "Tell a story about a lost key.", "Explain what a computer does.", "Describe your favourite meal.", "What is music?",
    "Write about winter in the mountains.", "How do birds fly?", "Tell me about the history of trains.",
    "Describe a day at school.", "Explain why the sky is blue.", "Write about the sea.", "How do plants grow?",
    "Tell me about a famous bridge.",
};

static const struct { const char *name; uint32_t bit; } signal_[] = {
    { "spread", MID_SIG_SPREAD }, { "attention", MID_SIG_ATTENTION }, { "lens", MID_SIG_LENS }, { "alone", MID_SIG_ALONE },
    { "affirm", MID_SIG_AFFIRM }, { "samples", MID_SIG_SAMPLES },
};
enum { N_SIGNAL = sizeof signal_ / sizeof signal_[0] };

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(mid_ctx *ctx, mid_status status)
{
    if (status == MID_OK)
        return;
    fprintf(stderr, "%s: %s\n", mid_status_name(status), mid_ctx_message(ctx));
    exit(1);
}

static mid_model *open_model(mid_ctx *ctx, const char *path, bool attention)
{
    mid_model_opts o = mid_model_opts_default();
    mid_model *m;

    o.n_threads = 1;
    o.n_seq = N;
    o.n_ctx_seq = 512;
    o.attention = attention;
    must(ctx, mid_model_open(ctx, path, &o, &m));
    return m;
}

/* Microseconds per token of one capture; the traces stay in `trace` if it is given. */
static double us_of(mid_ctx *ctx, mid_model *m, const char *source, const mid_sample *const *list, uint32_t want,
                    mid_trace **trace)
{
    mid_source_opts o = mid_source_opts_default();
    mid_trace *made[N];
    double s, n = 0;
    size_t i;

    o.max_tok = N_TOK;
    o.want = want;
    o.sample_temperature = 1;
    s = cpu_s();
    must(ctx, mid_source_trace(ctx, m, source, list, N, &o, made));
    s = cpu_s() - s;
    for (i = 0; i < N; i++) {
        n += mid_trace_n_tok(made[i]);
        if (trace)
            trace[i] = made[i];
        else
            mid_trace_close(made[i]);
    }
    return s * 1e6 / n;
}

static int by_value(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

int main(int argc, char **argv)
{
    static const char *const source[] = { "llama", "recorded" };
    const int n_round = argc > 2 ? atoi(argv[2]) : 5;
    double base[ROUND_MAX], more[N_SIGNAL][ROUND_MAX], cost[N_SIGNAL][2], plain[2];
    mid_sample sample[N];
    const mid_sample *list[N];
    mid_trace *trace[N];
    mid_model *m, *open;
    mid_ctx *ctx;
    int i, k, r;

    if (argc < 2 || n_round < 1 || n_round > ROUND_MAX || mid_ctx_open(&ctx) != MID_OK) {
        fprintf(stderr, "usage: bench_signals MODEL.gguf [ROUNDS]\n");
        return 2;
    }
    for (i = 0; i < N; i++) {
        sample[i] = (mid_sample){ .id = question[i], .task = "chat", .prompt = question[i], .label = -1 };
        list[i] = &sample[i];
    }
    m = open_model(ctx, argv[1], false);
    open = open_model(ctx, argv[1], true);
    us_of(ctx, m, "llama", list, 0, trace);
    for (i = 0; i < N; i++)
        sample[i].response = mid_trace_text(trace[i], NULL);
    for (k = 0; k < 2; k++) {
        for (r = 0; r < n_round; r++) {
            base[r] = us_of(ctx, m, source[k], list, 0, NULL);
            for (i = 0; i < N_SIGNAL; i++) {
                mid_model *with = signal_[i].bit == MID_SIG_ATTENTION ? open : m;
                more[i][r] = us_of(ctx, with, source[k], list, signal_[i].bit, NULL) - base[r];
            }
        }
        plain[k] = median(base, n_round);
        for (i = 0; i < N_SIGNAL; i++)
            cost[i][k] = median(more[i], n_round);
    }
    printf("%-10s %16s %16s   microseconds per token, n %d\n", "signal", "generate", "read", n_round);
    printf("%-10s %16.1f %16.1f\n", "(none)", plain[0], plain[1]);
    for (i = 0; i < N_SIGNAL; i++)
        printf("%-10s %+16.1f %+16.1f\n", signal_[i].name, cost[i][0], cost[i][1]);
    for (i = 0; i < N; i++)
        mid_trace_close(trace[i]);
    mid_model_close(open);
    mid_model_close(m);
    mid_ctx_close(ctx);
    return 0;
}
