/* Token sequences by hand: which tokens are kept and how many each stands for, windows, missing values, prompts; and that
 * scaling and reducing, folded back into a map, give what the map gave. */
#include "traces.h"

#include "base/rng.h"
#include "learn/head.h"
#include "monitor/token_seqs.h"

static const uint64_t seed = 20260127;

/* Row of token t in layer l: (t + 100 l, -t). */
static void fill(answers *a, const mid_signals *signals, const int *n_tok, int n)
{
    static const float prompt_row[4] = { 7, 8, 107, 108 };
    int i, t;

    for (i = 0; i < n; i++) {
        mid_trace *trace = trace_open(signals, "p", prompt_row);
        for (t = 1; t <= n_tok[i]; t++) {
            const float h[4] = { (float)t, (float)-t, (float)(t + 100), (float)-t };
            trace_put(trace, "x", (float)-t, 1, h);
        }
        answers_put(a, trace, i & 1);
    }
}

static mid__seqs seqs_of(const answers *a, const mid__token_choice *choice)
{
    const mid_fit_set set = set_of(a);
    mid__seqs s;

    CHECK_OK(mid__token_seqs(test_ctx(), &set, choice, &s));
    return s;
}

/* dense 2: 1 2 3 4, then every 2nd to 8, every 4th to 16, ..., and an answer's last. */
TEST(token_seqs, keeps_fewer_later)
{
    static const int n_tok[] = { 3, 21, 300 };
    static const uint32_t want[] = { 1, 2, 3, 1, 2, 3, 4, 6, 8, 12, 16, 21,
                                     1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128 };
    static const float count[] = { 1, 1, 1, 1, 1, 1, 1, 2, 2, 4, 4, 5, 1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32 };
    const mid__token_choice choice = { .dense = 2 };
    const mid_signals signals = signals_of(2, 2);
    answers a = { .n = 0 };
    mid__seqs s;
    size_t r;

    fill(&a, &signals, n_tok, 3);
    s = seqs_of(&a, &choice);
    CHECK(s.n == 3 && s.d == 2 && s.at[1] == 3 && s.at[2] == 12 && s.at[3] == 26);
    for (r = 0; r < 26; r++) {
        CHECK_INT(s.t[r], want[r]);
        CHECK_NEAR(s.count[r], count[r], 0);
        CHECK_NEAR(s.x[2 * r], want[r], 0);
        CHECK_NEAR(s.x[2 * r + 1], -(double)want[r], 0);
    }
    CHECK(s.label[0] == 0 && s.label[1] == 1 && s.label[2] == 0);
    mid__seqs_clear(&s);
    answers_clear(&a);
}

/* Both layers and the prompt in front; windows of three: means of 1; 1 2; 1 2 3; 2 3 4; 3 4 5. */
TEST(token_seqs, layers_prompt_window)
{
    static const int n_tok[] = { 5 };
    static const double mean[] = { 1, 1.5, 2, 3, 4 };
    const mid__token_choice choice = { .i_layer = MID__ALL_LAYERS, .dense = MID__TOKEN_MAX, .window = 3, .prompt = true };
    const mid_signals signals = signals_of(2, 2);
    answers a = { .n = 0 };
    mid__seqs s;
    size_t t;

    fill(&a, &signals, n_tok, 1);
    s = seqs_of(&a, &choice);
    CHECK(s.d == 4 && s.at[1] == 6 && s.t[0] == 0 && s.count[0] == 0);
    CHECK(s.x[0] == 7 && s.x[1] == 8 && s.x[2] == 107 && s.x[3] == 108);
    for (t = 1; t <= 5; t++) {
        CHECK_NEAR(s.x[4 * t], mean[t - 1], 1e-6);
        CHECK_NEAR(s.x[4 * t + 1], -mean[t - 1], 1e-6);
        CHECK_NEAR(s.x[4 * t + 2], mean[t - 1] + 100, 1e-5);
    }
    mid__seqs_clear(&s);
    answers_clear(&a);
}

static bool surprisal(const mid_step *step, float *x)
{
    x[0] = -step->lp;
    return isfinite(x[0]);
}

/* The third of four tokens has no number: it is left out, and the fourth does not stand for it. */
TEST(token_seqs, leaves_out_missing)
{
    const mid__token_choice choice = { .i_layer = MID__NO_LAYER, .dense = 1, .n_scalar = 1, .scalars = surprisal };
    const mid__token_choice prompt = { .dense = 1, .prompt = true };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid_trace *trace = trace_open(&signals, "p", NULL);
    mid_fit_set set;
    mid__seqs s;
    int t;

    for (t = 1; t <= 4; t++) {
        const float h = 1;
        trace_put(trace, "x", t == 3 ? NAN : (float)-t, 1, &h);
    }
    answers_put(&a, trace, 0);
    answers_put(&a, trace_open(&signals, "p", NULL), 1);        /* an answer without tokens */
    s = seqs_of(&a, &choice);
    CHECK(s.d == 1 && s.at[1] == 3 && s.at[2] == 3);
    CHECK(s.t[2] == 4 && s.x[2] == 4 && s.count[2] == 1);
    mid__seqs_clear(&s);
    set = set_of(&a);
    CHECK_FAILS(mid__token_seqs(test_ctx(), &set, &prompt, &s), MID_ESIGNAL);
    CHECK_SAYS("answer 0 has no row of its prompt");
    mid__seqs_clear(&s);
    answers_clear(&a);
}

/* Random rows with prompts; a map of scaled (and reduced) rows equals the folded map of rows as they were. */
TEST(token_seqs, folding)
{
    enum { D = 6, N_ROW = 30, N_AXIS = 4, K = 3, D_WHOLE = D + 1, D_FEW = N_AXIS + 1 };
    float w[K * (D_FEW + 1)], whole[K * (D_WHOLE + 1)], a[K], b[K], raw[N_ROW * D_WHOLE], layers[N_ROW * D];
    double mean[2][D_FEW], sd[2][D_FEW], sum = 0, square = 0;
    mid__pca pca = { 0 };
    mid__seqs s;
    mid__rng rng;
    size_t i, j;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    CHECK_OK(mid__seqs_open(test_ctx(), 2, N_ROW, D_WHOLE, &s));
    s.at[1] = 10;
    s.at[2] = N_ROW;
    for (i = 0; i < N_ROW; i++) {
        s.t[i] = i == 0 || i == 10 ? 0 : 1;
        for (j = 0; j < D_WHOLE; j++)
            s.x[i * D_WHOLE + j] = (float)((double)(j + 1) * (mid__rng_unit(&rng) + (s.t[i] ? 1 : 9)));
        memcpy(layers + i * D, s.x + i * D_WHOLE, D * sizeof *layers);
    }
    memcpy(raw, s.x, sizeof raw);
    CHECK_OK(mid__pca_fit(test_ctx(), layers, N_ROW, D, N_AXIS, &pca));
    CHECK_OK(mid__seqs_reduce(test_ctx(), &s, &pca));
    CHECK_INT(s.d, D_FEW);
    mid__seqs_scale(&s, false, mean[0], sd[0]);
    mid__seqs_scale(&s, true, mean[1], sd[1]);
    for (i = 0; i < N_ROW; i++) {
        sum += s.t[i] ? (double)s.x[i * D_FEW + 2] : 0;
        square += s.t[i] ? (double)s.x[i * D_FEW + 2] * (double)s.x[i * D_FEW + 2] : 0;
    }
    CHECK_NEAR(sum, 0, 1e-4);
    CHECK_NEAR(square, N_ROW - 2, 1e-4);
    for (i = 0; i < K * (D_FEW + 1); i++)
        w[i] = (float)(2 * mid__rng_unit(&rng) - 1);
    for (i = 0; i < N_ROW; i++) {
        float folded[K * (D_FEW + 1)];
        const int prompt = s.t[i] == 0;
        mid__head_map(w, K, D_FEW, s.x + i * D_FEW, a);
        memcpy(folded, w, sizeof w);
        mid__map_unscale(mean[prompt], sd[prompt], K, D_FEW, folded, folded + K * D_FEW);
        mid__map_expand(&pca, 1, K, folded, whole);
        mid__head_map(whole, K, D_WHOLE, raw + i * D_WHOLE, b);
        for (j = 0; j < K; j++)
            CHECK_NEAR(a[j], b[j], 2e-4);
    }
    mid__pca_clear(&pca);
    mid__seqs_clear(&s);
}
