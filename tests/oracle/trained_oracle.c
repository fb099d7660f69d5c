/* Fits every trained monitor on made-up answers, for trained.py to score an answer by its weights and compare.
 *     trained_oracle DIR
 * writes DIR/<monitor>.safetensors, and to standard output: the answers that were fitted on as "fit" label n_tok rows ...
 * (layer by layer of each token); the answer to score as "prompt" rows ... and lines "token" lp entropy lp_1 lp_2 rows
 * ...; and "score" monitor scores ... for each monitor. */
#include "driver.h"

#include "base/rng.h"

enum { N_LAYER = 2, D = 6, N_ROW = N_LAYER * D, N_FIT = 60, N_TOK = 100 };

static const uint64_t seed = 20260129;
static const char *const name[] = {
    "attention_probe", "diff_means", "dual_head", "gru_probe", "kelp", "logprob_gru", "logprob_lr", "mlp_probe",
    "polynomial_probe", "probe_streaming", "two_head_guard"
};
enum { N_MONITOR = sizeof name / sizeof name[0] };

static float noise(mid__rng *rng) { return (float)(mid__rng_unit(rng) + mid__rng_unit(rng) - 1) * 2; }

static void row_of(mid__rng *rng, int label, float *h)
{
    int j;

    for (j = 0; j < N_ROW; j++)
        h[j] = noise(rng) + (float)label * (j % 3 == 0);
}

static mid_trace *make(mid_ctx *ctx, mid__rng *rng, int label, uint32_t n_tok)
{
    static const int32_t top_token[] = { 1, 2 };
    mid_signals signals = { .have = MID_SIG_LOGPROB | MID_SIG_ENTROPY | MID_SIG_TOP | MID_SIG_HIDDEN, .n_layer = N_LAYER,
                            .layer = { 3, 8 }, .n_embd = D, .n_vocab = 100, .n_top = 2, .observer = "oracle" };
    float h[N_ROW], top_lp[2];
    mid_prompt prompt = { .text = "p", .hidden = h };
    mid_trace *t;
    uint32_t i;

    row_of(rng, label, h);
    ok(ctx, mid_trace_open(ctx, &signals, &prompt, &t));
    for (i = 0; i < n_tok; i++) {
        const float entropy = 3 * (float)mid__rng_unit(rng);
        const mid_step step = { .have = signals.have, .i_tok = i, .lp = -4 * (float)mid__rng_unit(rng) - (float)label,
                                .entropy_nats = entropy, .hidden = h, .n_top = 2, .top_token = top_token,
                                .top_lp = top_lp };
        row_of(rng, label, h);
        top_lp[0] = -(float)mid__rng_unit(rng);
        top_lp[1] = top_lp[0] - 3 * (float)mid__rng_unit(rng);
        ok(ctx, mid_trace_append(t, &step));
    }
    return t;
}

static void put_row(const float *x, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        printf(" %.9g", (double)x[i]);
}

static void print_trace(const mid_trace *t)
{
    float h[N_ROW];
    mid_prompt prompt;
    mid_step step;
    uint32_t i;

    mid_trace_prompt(t, h, &prompt);
    printf("prompt");
    put_row(h, N_ROW);
    for (i = 0; i < mid_trace_n_tok(t); i++) {
        mid_trace_step(t, i, h, &step);
        printf("\ntoken %.9g %.9g %.9g %.9g", (double)step.lp, (double)step.entropy_nats, (double)step.top_lp[0],
               (double)step.top_lp[1]);
        put_row(h, N_ROW);
    }
    printf("\n");
}

static void print_fit(const mid_trace *t, int label)
{
    float h[N_ROW];
    mid_step step;
    uint32_t i;

    printf("fit %d %u", label, mid_trace_n_tok(t));
    for (i = 0; i < mid_trace_n_tok(t); i++) {
        mid_trace_step(t, i, h, &step);
        put_row(h, N_ROW);
    }
    printf("\n");
}

static void score(mid_ctx *ctx, const mid_fit_set *set, const char *dir, const char *monitor, const mid_param *params,
                  const char *as, const mid_trace *t)
{
    const mid_monitor_ops *ops = mid_monitor_find(monitor);
    double out[N_TOK];
    char path[4096];
    mid_weights *w;
    mid_monitor *m;
    mid_stream *s;
    uint32_t i;

    snprintf(path, sizeof path, "%s/%s.safetensors", dir, as);
    ok(ctx, mid_monitor_fit(ctx, ops, params, set, &w));
    ok(ctx, mid_weights_save(ctx, w, path));
    ok(ctx, mid_monitor_open(ctx, ops, params, w, mid_trace_signals(t), &m));
    ok(ctx, mid_stream_open(ctx, m, &s));
    ok(ctx, mid_stream_score(ctx, s, t, out, NULL));
    printf("score %s", as);
    for (i = 0; i < N_TOK; i++)
        printf(" %.17g", out[i]);
    printf("\n");
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_weights_close(w);
}

int main(int argc, char **argv)
{
    static const mid_param whiten[] = { { "whiten", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    static const mid_param margin[] = { { "margin", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_fit_answer answer[N_FIT];
    const mid_fit_set set = { .answer = answer, .n = N_FIT, .seed = seed, .n_fold = 3 };
    mid_trace *t;
    mid_ctx *ctx;
    mid__rng rng;
    size_t i;

    if (argc != 2)
        return 2;
    ok(NULL, mid_ctx_open(&ctx));
    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < N_FIT; i++) {
        const int label = i % 3 == 0;
        answer[i] = (mid_fit_answer){ make(ctx, &rng, label, 1 + mid__rng_below(&rng, 40)), label, (uint32_t)i };
        print_fit(answer[i].trace, label);
    }
    t = make(ctx, &rng, 1, N_TOK);
    print_trace(t);
    for (i = 0; i < N_MONITOR; i++)
        score(ctx, &set, argv[1], name[i], NULL, name[i], t);
    score(ctx, &set, argv[1], "diff_means", whiten, "diff_means_whiten", t);
    score(ctx, &set, argv[1], "polynomial_probe", margin, "polynomial_probe_margin", t);
    mid_trace_close(t);
    for (i = 0; i < N_FIT; i++)
        mid_trace_close((mid_trace *)(uintptr_t)answer[i].trace);
    mid_ctx_close(ctx);
    return 0;
}
