/* What a monitor costs per token. Made-up answers of 128 tokens with SmolLM2's measures (rows of 576 in 4 tapped
 * layers, 49,152 tokens in the vocabulary, 270 heads); every monitor of the registry is fitted on them and then pushed
 * through whole answers.
 *   bench_monitors fit DIR    answers.safetensors, NAME.safetensors (fitted) and scores.safetensors into DIR, for
 *                             bench_monitors.py to run the same monitors on
 *   bench_monitors time DIR   "NAME US" a line: microseconds per token, median over answers of time of answer / 128.
 *                             8 steps at a time are laid out before the clock starts, so that rows are about as warm as
 *                             those that an engine has just written; weights are warm too. What reading the clock takes
 *                             is taken off
 * Beside the registry's there is "mahalanobis_64", which is mahalanobis by 64 main axes. Further lines of time:
 * "(defaults) US", the monitors of plans/demo.yaml and plans/xstest.yaml one after the other at each token;
 * "(defaults,cold) US", the same with 64 MB of other memory read before each token, as a decode reads its weights;
 * "(softmax) US", log-sum-exp, entropy and top 20 of a row of logits. */
#include "midstream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "signal/softmax.h"

enum {
    N_ANSWER = 48, N_TOK = 128, D = 576, N_LAYER = 4, N_HEAD = 270, N_SAMPLE = 5, JUDGED_EVERY = 16, N_VOCAB = 49152,
    N_WORD = 4000, TEXT_MAX = 16, N_LOGIT_ROW = 3, N_COLD_ANSWER = 3, N_COLD_FLOAT = 1 << 24, PATH_BYTES = 4096,
    N_LAID = 8
};

static const mid_signals signals = {
    .have = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_ENTROPY | MID_SIG_TOP | MID_SIG_HIDDEN | MID_SIG_SPREAD |
            MID_SIG_ALONE | MID_SIG_AFFIRM | MID_SIG_SAMPLES | MID_SIG_JUDGE | MID_SIG_ATTENTION | MID_SIG_LENS,
    .n_layer = N_LAYER, .layer = { 7, 14, 21, 29 }, .n_embd = D, .n_vocab = N_VOCAB, .n_top = MID_TOP_MAX,
    .n_head = N_HEAD, .n_head_layer = 9, .observer = "bench"
};

static mid_ctx *ctx;
static mid_trace *trace[N_ANSWER];

static void must(mid_status status)
{
    if (status == MID_OK)
        return;
    fprintf(stderr, "bench_monitors: %s: %s\n", mid_status_name(status), mid_ctx_message(ctx));
    exit(1);
}

static void *room(size_t n, size_t n_bytes)
{
    void *p = calloc(n + 1, n_bytes);

    if (!p)
        must(MID_ENOMEM);
    return p;
}

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static float noise(mid__rng *rng)
{
    return (float)(mid__rng_unit(rng) + mid__rng_unit(rng) + mid__rng_unit(rng) - 1.5);
}

/* Words of two or three syllables, the first numbers more often than the last; an unsafe answer prefers others. Now and
 * then a single syllable, a mark, a word of our lists. */
static void write_token(mid__rng *rng, int label, char *text)
{
    static const char *const syllable[] = { "ba", "co", "den", "fir", "gal", "hum", "jo", "ki", "lor", "men", "nas",
                                            "or", "pel", "qui", "ris", "sto", "tan", "ul", "vex", "wy" };
    static const char *const mark[] = { ".", ",", ".", "\n", "?", " -" };
    static const char *const ours[] = { " weapon", " I cannot help", " explosive", " I'm sorry", " the", " bank" };
    const double kind = mid__rng_unit(rng), u = mid__rng_unit(rng);
    const unsigned word = (unsigned)(N_WORD * u * u) * 2 + (unsigned)(mid__rng_unit(rng) < 0.5 + 0.2 * label);

    if (kind < 0.12)
        strcpy(text, mark[mid__rng_below(rng, sizeof mark / sizeof mark[0])]);
    else if (kind < 0.2)
        strcpy(text, ours[mid__rng_below(rng, sizeof ours / sizeof ours[0])]);
    else if (kind < 0.4)
        strcpy(text, syllable[word % 20]);
    else
        snprintf(text, TEXT_MAX, " %s%s%s", syllable[word % 20], syllable[word / 20 % 20],
                 word / 400 ? syllable[word / 400] : "");
}

static void write_top(mid__rng *rng, float entropy_nats, mid_step *step, int32_t *token, float *lp)
{
    double left = 1;
    int k;

    for (k = 0; k < MID_TOP_MAX; k++) {
        const double p = left * (0.2 + 0.7 / (1 + (double)entropy_nats));
        token[k] = (int32_t)mid__rng_below(rng, N_VOCAB);
        lp[k] = (float)log(p);
        left -= p;
    }
    step->n_top = MID_TOP_MAX;
    step->top_token = token;
    step->top_lp = lp;
}

/* hidden keeps half of what it was at the token before. */
static void write_step(mid__rng *rng, int label, float *hidden, mid_trace *t)
{
    const float entropy_nats = (float)(3 * mid__rng_unit(rng) + 0.5 * label);
    float top_lp[MID_TOP_MAX], spread[MID_SPREAD_N], attention[N_HEAD * MID_ATTENTION_N], lens[N_LAYER * MID_LENS_N];
    int32_t top_token[MID_TOP_MAX];
    char text[TEXT_MAX];
    mid_step step = { .have = signals.have & ~MID_SIG_SPARSE, .i_tok = mid_trace_n_tok(t), .text = text,
                      .lp = -entropy_nats * (float)mid__rng_unit(rng) * 2, .entropy_nats = entropy_nats,
                      .hidden = hidden, .spread = spread, .attention = attention, .lens = lens };
    size_t n, i;

    write_token(rng, label, text);
    write_top(rng, entropy_nats, &step, top_token, top_lp);
    step.token = top_token[0];
    step.n_text = (uint32_t)strlen(text);
    mid_trace_text(t, &n);
    step.at_byte = (uint32_t)n;
    step.lp_alone = step.lp - (float)mid__rng_unit(rng);
    for (i = 0; i < N_LAYER * D; i++)
        hidden[i] = hidden[i] / 2 + noise(rng) + 0.2f * (float)(label * (i % 8 == 0));
    for (i = 0; i < MID_SPREAD_N; i++)
        spread[i] = (float)mid__rng_unit(rng);
    for (i = 0; i < N_HEAD * MID_ATTENTION_N; i++)
        attention[i] = 0.3f * (float)mid__rng_unit(rng) + 0.03f;
    for (i = 0; i < N_LAYER * MID_LENS_N; i++)
        lens[i] = i % MID_LENS_N == MID_LENS_SAME_TOP ? (float)(mid__rng_unit(rng) < 0.5) : (float)mid__rng_unit(rng);
    if (step.i_tok % JUDGED_EVERY == 0) {
        step.have |= MID_SIG_JUDGE;
        step.judge = (float)mid__rng_unit(rng);
    }
    must(mid_trace_append(t, &step));
}

/* Inner products of random rows, so that they can be. */
static void write_gram(mid__rng *rng, float *gram)
{
    float z[N_SAMPLE][D];
    size_t g, i, j, k;

    for (g = 0; g < MID_SAMPLE_AT_N * N_LAYER; g++) {
        for (i = 0; i < N_SAMPLE; i++)
            for (k = 0; k < D; k++)
                z[i][k] = noise(rng);
        for (i = 0; i < N_SAMPLE; i++)
            for (j = 0; j < N_SAMPLE; j++, gram++)
                for (*gram = 0, k = 0; k < D; k++)
                    *gram += z[i][k] * z[j][k];
    }
}

static mid_trace *write_answer(uint64_t i_answer, int label)
{
    static float gram[MID_SAMPLE_AT_N * N_LAYER * N_SAMPLE * N_SAMPLE];
    char sample[N_SAMPLE][64 * TEXT_MAX];
    const char *each[N_SAMPLE];
    float hidden[N_LAYER * D];
    mid_prompt prompt = { .text = "Tell me about it", .hidden = hidden, .n_tok = 24, .sample = each,
                          .n_sample = N_SAMPLE, .sample_gram = gram };
    mid_trace *t;
    mid__rng rng;
    size_t i, k;

    mid__rng_init(&rng, 20241124, i_answer);
    for (i = 0; i < N_LAYER * D; i++)
        hidden[i] = noise(&rng);
    for (i = 0; i < N_SAMPLE; i++) {
        char *to = sample[i];
        for (k = 0; k < 60; k++, to += strlen(to))
            write_token(&rng, label, to);
        each[i] = sample[i_answer % 4 < 2 ? i : 0];     /* of half the prompts all samples are alike */
    }
    write_gram(&rng, gram);
    prompt.affirm = 0.1f + 0.9f * (float)mid__rng_unit(&rng);
    must(mid_trace_open(ctx, &signals, &prompt, &t));
    for (i = 0; i < N_TOK; i++)
        write_step(&rng, label, hidden, t);
    return t;
}

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

static const char *path_of(const char *dir, const char *name)
{
    static char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/%s.safetensors", dir, name);
    return path;
}

/* One value a column for each token of all answers, through a function of the step. */
static void put_column(mid_weights *w, const char *name, size_t n_col, const float *(*of)(const mid_step *step))
{
    float *x = room(N_ANSWER * N_TOK * n_col, sizeof *x), *scratch = room(mid_trace_scratch(trace[0]), sizeof *scratch);
    mid_step step;
    size_t i;

    for (i = 0; i < N_ANSWER * N_TOK; i++) {
        mid_trace_step(trace[i / N_TOK], (uint32_t)(i % N_TOK), scratch, &step);
        memcpy(x + i * n_col, of(&step), n_col * sizeof *x);
    }
    must(mid_weights_set(ctx, w, name, x, N_ANSWER * N_TOK, n_col));
    free(x);
    free(scratch);
}

static const float *lp_of(const mid_step *step) { return &step->lp; }
static const float *entropy_of(const mid_step *step) { return &step->entropy_nats; }
static const float *alone_of(const mid_step *step) { return &step->lp_alone; }
static const float *top_of(const mid_step *step) { return step->top_lp; }
static const float *hidden_of(const mid_step *step) { return step->hidden; }
static const float *spread_of(const mid_step *step) { return step->spread; }
static const float *attention_of(const mid_step *step) { return step->attention; }
static const float *lens_of(const mid_step *step) { return step->lens; }

static const float *size_of(const mid_step *step)
{
    static float n_text;

    n_text = (float)step->n_text;
    return &n_text;
}

static void save_answers(const char *dir)
{
    float *prompt_hidden = room(N_ANSWER * N_LAYER * D, sizeof *prompt_hidden);
    char key[32];
    mid_weights *w;
    size_t i;
    int l;

    must(mid_weights_open(ctx, &w));
    put_column(w, "lp", 1, lp_of);
    put_column(w, "entropy", 1, entropy_of);
    put_column(w, "lp_alone", 1, alone_of);
    put_column(w, "n_text", 1, size_of);
    put_column(w, "top_lp", MID_TOP_MAX, top_of);
    put_column(w, "hidden", N_LAYER * D, hidden_of);
    put_column(w, "spread", MID_SPREAD_N, spread_of);
    put_column(w, "attention", N_HEAD * MID_ATTENTION_N, attention_of);
    put_column(w, "lens", N_LAYER * MID_LENS_N, lens_of);
    for (i = 0; i < N_ANSWER; i++) {
        for (l = 0; l < N_LAYER; l++)
            mid_trace_hidden(trace[i], l, -1, prompt_hidden + (i * N_LAYER + (size_t)l) * D);
        snprintf(key, sizeof key, "text.%zu", i);
        must(mid_weights_set_text(ctx, w, key, mid_trace_text(trace[i], NULL)));
    }
    must(mid_weights_set(ctx, w, "prompt_hidden", prompt_hidden, N_ANSWER, N_LAYER * D));
    must(mid_weights_save(ctx, w, path_of(dir, "answers")));
    mid_weights_close(w);
    free(prompt_hidden);
}

/* mahalanobis on main axes alone, under a name of its own. */
static const char *const axes_name = "mahalanobis_64";
static const mid_param axes_params[] = { { "axes", 64, NULL, NULL }, { NULL, 0, NULL, NULL } };

static mid_stream *stream_of(const char *dir, const char *name, const mid_monitor_ops *ops, mid_monitor **m)
{
    mid_stream *s;

    if (ops->fit)
        must(mid_monitor_load(ctx, path_of(dir, name), &signals, m));
    else
        must(mid_monitor_open(ctx, ops, NULL, NULL, &signals, m));
    must(mid_stream_open(ctx, *m, &s));
    return s;
}

static void fit_one(const char *dir, const char *name, const mid_monitor_ops *ops, const mid_param *params,
                    const mid_fit_set *set, mid_weights *scores)
{
    float *kept = room(N_ANSWER * N_TOK, sizeof *kept);
    const double start = now_us();
    double score[N_TOK];
    mid_weights *w;
    mid_monitor *m;
    mid_stream *s;
    size_t i, t;

    if (ops->fit) {
        must(mid_monitor_fit(ctx, ops, params, set, &w));
        must(mid_weights_save(ctx, w, path_of(dir, name)));
        mid_weights_close(w);
    }
    fprintf(stderr, "%-24s %6.2f s\n", name, (now_us() - start) * 1e-6);
    s = stream_of(dir, name, ops, &m);
    for (i = 0; i < N_ANSWER; i++) {
        must(mid_stream_score(ctx, s, trace[i], score, NULL));
        for (t = 0; t < N_TOK; t++)
            kept[i * N_TOK + t] = (float)score[t];
    }
    must(mid_weights_set(ctx, scores, name, kept, N_ANSWER, N_TOK));
    mid_stream_close(s);
    mid_monitor_close(m);
    free(kept);
}

static void fit_all(const char *dir)
{
    const mid_monitor_ops *const *ops;
    mid_fit_answer answer[N_ANSWER];
    const mid_fit_set set = { .answer = answer, .n = N_ANSWER, .seed = 1 };
    mid_weights *scores;
    size_t i;

    for (i = 0; i < N_ANSWER; i++)
        answer[i] = (mid_fit_answer){ trace[i], (int)(i % 2), (uint32_t)i };
    must(mid_weights_open(ctx, &scores));
    for (ops = mid_monitor_list(); *ops; ops++)
        fit_one(dir, (*ops)->name, *ops, NULL, &set, scores);
    fit_one(dir, axes_name, mid_monitor_find("mahalanobis"), axes_params, &set, scores);
    must(mid_weights_save(ctx, scores, path_of(dir, "scores")));
    mid_weights_close(scores);
}

/* ---- timing ----------------------------------------------------------------------------------------------------- */

/* Some steps of one answer side by side, each with its rows. */
struct laid_out { size_t n_scratch; float *scratch; mid_step step[N_LAID]; };

static void lay_out(const mid_trace *t, size_t from, struct laid_out *a)
{
    size_t i;

    for (i = 0; i < N_LAID; i++)
        mid_trace_step(t, (uint32_t)(from + i), a->scratch + i * a->n_scratch, &a->step[i]);
}

static void begin(mid_stream *s, const mid_trace *t)
{
    float hidden[N_LAYER * D + N_HEAD * MID_ATTENTION_N];
    mid_prompt prompt;

    mid_trace_prompt(t, hidden, &prompt);
    must(mid_stream_start(s, &prompt));
}

static double median(double *x, size_t n) { return mid_quantile(x, n, 0.5); }

/* What reading the clock adds to a time. */
static double clock_us(void)
{
    double us[1001], start;
    size_t i;

    for (i = 0; i < 1001; i++) {
        start = now_us();
        us[i] = now_us() - start;
    }
    return median(us, 1001);
}

/* One pass over the answers, the first of them twice: it warms up. */
static double time_of(mid_stream *s, struct laid_out *a)
{
    const double clock = clock_us();
    double us[N_ANSWER], score;
    size_t i, t, k;

    for (i = 0; i <= N_ANSWER; i++) {
        double sum = 0, start;
        begin(s, trace[i % N_ANSWER]);
        for (t = 0; t < N_TOK; t += N_LAID) {
            lay_out(trace[i % N_ANSWER], t, a);
            start = now_us();
            for (k = 0; k < N_LAID; k++)
                must(mid_stream_push(s, &a->step[k], &score));
            sum += now_us() - start - clock;
        }
        us[i % N_ANSWER] = sum / N_TOK;
    }
    return median(us, N_ANSWER);
}

/* All default monitors at each token. cold: memory to read before each token, or NULL. */
static double defaults(mid_stream *const *s, size_t n, struct laid_out *a, const float *cold)
{
    const size_t n_answer = cold ? N_COLD_ANSWER : N_ANSWER;
    double us[N_ANSWER * N_TOK], score, start;
    volatile float seen = 0;
    size_t i, t, k, j;

    for (i = 0; i < n_answer; i++) {
        for (k = 0; k < n; k++)
            begin(s[k], trace[i]);
        for (t = 0; t < N_TOK; t++) {
            if (t % N_LAID == 0)
                lay_out(trace[i], t, a);
            for (j = 0; cold && j < N_COLD_FLOAT; j += 16)
                seen += cold[j];
            start = now_us();
            for (k = 0; k < n; k++)
                must(mid_stream_push(s[k], &a->step[t % N_LAID], &score));
            us[i * N_TOK + t] = now_us() - start;
        }
    }
    return median(us, n_answer * N_TOK);
}

/* The 14 that both plans list, and the 7 reference probes of plans/xstest.yaml, which cost what a linear probe does. */
static void time_defaults(const char *dir, struct laid_out *a)
{
    static const char *const name[] = {
        "random", "length", "prompt_only", "refusal_cue", "lexicon", "ngram_lr", "entropy_mean", "entropy_max",
        "surprisal_mean", "surprisal_max", "probe_linear", "probe_ema", "box", "mahalanobis",
        "probe_linear", "probe_linear", "probe_linear", "probe_linear", "probe_linear", "probe_linear", "probe_linear"
    };
    enum { N = sizeof name / sizeof name[0] };
    float *cold = room(N_COLD_FLOAT, sizeof *cold);
    mid_monitor *m[N];
    mid_stream *s[N];
    size_t i;

    memset(cold, 1, N_COLD_FLOAT * sizeof *cold);
    for (i = 0; i < N; i++)
        s[i] = stream_of(dir, name[i], mid_monitor_find(name[i]), &m[i]);
    printf("(defaults) %.4f\n", defaults(s, N, a, NULL));
    printf("(defaults,cold) %.4f\n", defaults(s, N, a, cold));
    for (i = 0; i < N; i++) {
        mid_stream_close(s[i]);
        mid_monitor_close(m[i]);
    }
    free(cold);
}

/* Rows of logits as spread as a model's, in turn: few, since an engine has just written the one that counts. */
static void time_softmax(void)
{
    enum { N_TURN = 200 };
    float *logit = room((size_t)N_LOGIT_ROW * N_VOCAB, sizeof *logit);
    double us[N_TURN];
    mid__softmax found;
    mid__rng rng;
    size_t i;

    mid__rng_init(&rng, 1, 0);
    for (i = 0; i < (size_t)N_LOGIT_ROW * N_VOCAB; i++)
        logit[i] = 6 * noise(&rng);
    for (i = 0; i < N_TURN; i++) {
        const double start = now_us();
        if (!mid__softmax_of(logit + i % N_LOGIT_ROW * N_VOCAB, N_VOCAB, &found))
            must(MID_ENUMERIC);
        us[i] = now_us() - start;
    }
    printf("(softmax) %.4f\n", median(us, N_TURN));
    free(logit);
}

static void time_one(const char *dir, const char *name, const mid_monitor_ops *ops, struct laid_out *a)
{
    mid_monitor *m;
    mid_stream *s = stream_of(dir, name, ops, &m);

    printf("%s %.4f\n", name, time_of(s, a));
    mid_stream_close(s);
    mid_monitor_close(m);
}

static void time_all(const char *dir)
{
    struct laid_out *a = room(1, sizeof *a);
    const mid_monitor_ops *const *ops;

    a->n_scratch = mid_trace_scratch(trace[0]);
    a->scratch = room(N_LAID * a->n_scratch, sizeof *a->scratch);
    for (ops = mid_monitor_list(); *ops; ops++)
        time_one(dir, (*ops)->name, *ops, a);
    time_one(dir, axes_name, mid_monitor_find("mahalanobis"), a);
    time_defaults(dir, a);
    time_softmax();
    free(a->scratch);
    free(a);
}

int main(int argc, char **argv)
{
    size_t i;

    if (argc != 3 || (strcmp(argv[1], "fit") != 0 && strcmp(argv[1], "time") != 0)) {
        fprintf(stderr, "usage: bench_monitors fit|time DIR\n");
        return 2;
    }
    must(mid_ctx_open(&ctx));
    for (i = 0; i < N_ANSWER; i++)
        trace[i] = write_answer(i, (int)(i % 2));
    if (strcmp(argv[1], "fit") == 0) {
        save_answers(argv[2]);
        fit_all(argv[2]);
    } else {
        time_all(argv[2]);
    }
    for (i = 0; i < N_ANSWER; i++)
        mid_trace_close(trace[i]);
    mid_ctx_close(ctx);
    return 0;
}
