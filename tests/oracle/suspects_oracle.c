/* Real answers as a model reads or writes them, and what some monitors make of them, for suspects.py to work out anew.
 *     suspects_oracle MODEL_FILE CACHE_DIR, and on standard input, group after group:
 *     source form n, per answer: label prompt response      texts in hex, - for none (form -: the file's chat template)
 * A group is read by the BF16 copy of the model (kept in the cache) with all signals that the monitors below need, then
 * each monitor is fitted on the group, if it learns, and scores it. Sampled answers are made for source llama only.
 * Answers one JSON object a group on a line; arrays of float32 and texts are hex of their bytes. */
#include "driver.h"

enum { N_MAX = MID_GROUP_N, MAX_TOK = 36 };

/* What the signal AFFIRM is said to put before a prompt. */
static const char message[] = "You are a helpful assistant. Begin every answer with: Sure, here is";

static const char *const suspect[] = {
    "eigen_score", "embedding_drift", "entropy_jump", "first_token_confidence", "hmm_surprisal", "lens_depth",
    "lens_kl", "lexicon", "margin", "repetition", "sample_vr", "sample_vro", "self_check_ngram",
    "semantic_entropy_probe", "token_rank",
};

struct group {
    char *source, *form;
    mid_sample sample[N_MAX];
    const mid_sample *list[N_MAX];
    char id[N_MAX][32];
    mid_fit_answer answer[N_MAX];
    mid_trace *trace[N_MAX], *affirmed[N_MAX];
    size_t n;
    mid_source_opts opts;
};

/* ---- in --------------------------------------------------------------------------------------------------------- */

/* The next word, owned; NULL at the end. */
static char *read_word(void)
{
    char *word = NULL;
    size_t n = 0;
    int c = getchar();

    while (c == ' ' || c == '\n')
        c = getchar();
    for (; c > ' '; c = getchar()) {
        if (n % 1024 == 0 && !(word = realloc(word, n + 1025)))
            exit(2);
        word[n++] = (char)c;
        word[n] = 0;
    }
    return word;
}

/* A text in hex, owned; NULL for -. */
static char *read_hex(void)
{
    char *word = read_word();
    size_t n = 0;
    unsigned byte;

    if (!word || strcmp(word, "-") == 0) {
        free(word);
        return NULL;
    }
    for (; sscanf(word + 2 * n, "%2x", &byte) == 1; n++)
        word[n] = (char)byte;
    word[n] = 0;
    return word;
}

static bool read_group(struct group *g)
{
    size_t i;

    memset(g, 0, sizeof *g);
    g->source = read_word();
    if (!g->source)
        return false;
    g->form = read_hex();
    g->n = count();
    if (g->n > N_MAX)
        exit(2);
    for (i = 0; i < g->n; i++) {
        mid_sample *s = &g->sample[i];
        snprintf(g->id[i], sizeof g->id[i], "answer %zu", i);
        g->answer[i] = (mid_fit_answer){ .label = (int)number(), .group = (uint32_t)i };
        *s = (mid_sample){ .id = g->id[i], .prompt = read_hex(), .label = -1, .onset_byte = -1, .prompt_label = -1 };
        s->response = read_hex();
        g->list[i] = s;
    }
    return true;
}

/* ---- out -------------------------------------------------------------------------------------------------------- */

static void hex(const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    size_t i;

    printf("\"");
    for (i = 0; i < n; i++)
        printf("%02x", at[i]);
    printf("\"");
}

static void floats_out(const char *name, const float *x, size_t n)
{
    printf(",\"%s\":", name);
    hex(x, n * sizeof *x);
}

static void prompt_out(const mid_trace *trace)
{
    const mid_signals *s = mid_trace_signals(trace);
    const size_t n_row = (size_t)s->n_layer * (size_t)s->n_embd;
    float *scratch = room(mid_trace_scratch(trace), sizeof *scratch);
    mid_prompt prompt;
    size_t i;

    mid_trace_prompt(trace, scratch, &prompt);
    printf("\"affirm\":%.9g", (double)prompt.affirm);
    floats_out("prompt_row", prompt.hidden, n_row);
    printf(",\"sample\":[");
    for (i = 0; i < prompt.n_sample; i++) {
        printf("%s", i ? "," : "");
        hex(prompt.sample[i], strlen(prompt.sample[i]));
    }
    printf("]");
    if (prompt.sample_gram)
        floats_out("gram", prompt.sample_gram,
                   (size_t)MID_SAMPLE_AT_N * (size_t)s->n_layer * prompt.n_sample * prompt.n_sample);
    free(scratch);
}

static void step_out(const mid_signals *s, const mid_step *step)
{
    const float figure[] = { step->lp, step->entropy_nats, step->top_lp[0], step->top_lp[1],
                             step->spread[MID_SPREAD_LN_RANK] };

    printf("{\"token\":%d,\"text\":", step->token);
    hex(step->text, step->n_text);
    floats_out("figure", figure, sizeof figure / sizeof figure[0]);
    floats_out("lens", step->lens, (size_t)s->n_layer * MID_LENS_N);
    floats_out("row", step->hidden, (size_t)s->n_layer * (size_t)s->n_embd);
    printf("}");
}

static void answer_out(const struct group *g, size_t i)
{
    const mid_trace *trace = g->trace[i];
    const mid_signals *s = mid_trace_signals(trace);
    float *scratch = room(mid_trace_scratch(trace), sizeof *scratch);
    float *row = room((size_t)s->n_embd, sizeof *row);
    mid_step step;
    uint32_t t;

    printf("%s{\"label\":%d,", i ? "," : "", g->answer[i].label);
    prompt_out(trace);
    mid_trace_hidden(g->affirmed[i], s->n_layer - 1, -1, row);
    floats_out("affirmed_row", row, (size_t)s->n_embd);
    printf(",\"step\":[");
    for (t = 0; t < mid_trace_n_tok(trace); t++) {
        mid_trace_step(trace, t, scratch, &step);
        printf("%s", t ? "," : "");
        step_out(s, &step);
    }
    printf("]}");
    free(row);
    free(scratch);
}

/* ---- between ---------------------------------------------------------------------------------------------------- */

/* Each prompt once more behind the message: only its row is wanted. */
static void read_affirmed(mid_ctx *ctx, mid_model *model, struct group *g)
{
    mid_source_opts opts = g->opts;
    mid_sample sample[N_MAX];
    const mid_sample *list[N_MAX];
    char form[1000];
    size_t i;

    opts.want = 0;
    opts.max_tok = 1;
    opts.system = g->form ? NULL : message;
    snprintf(form, sizeof form, "%s\n%s", message, g->form ? g->form : "");
    opts.format = g->form ? form : NULL;
    for (i = 0; i < g->n; i++) {
        sample[i] = g->sample[i];
        sample[i].response = "Sure";
        list[i] = &sample[i];
    }
    ok(ctx, mid_source_trace(ctx, model, "recorded", list, g->n, &opts, g->affirmed));
}

/* A monitor's weights as a file's bytes, and a list of scores per answer; null where the fit has nothing to go on. */
static void monitor_out(mid_ctx *ctx, const struct group *g, const mid_signals *signals, const char *name)
{
    const mid_monitor_ops *ops = mid_monitor_find(name);
    const mid_fit_set set = { .answer = g->answer, .n = g->n, .seed = 1, .n_fold = 3 };
    mid_weights *w = NULL;
    mid_monitor *m;
    mid_stream *s;
    void *bytes = NULL;
    size_t n = 0, i;
    mid_status status = mid_monitor_fit(ctx, ops, NULL, &set, &w);

    if (status == MID_EUNDEFINED) {
        printf("\"%s\":null", name);
        return;
    }
    ok(ctx, status);
    if (w)
        ok(ctx, mid_weights_pack(ctx, w, &bytes, &n));
    ok(ctx, mid_monitor_open(ctx, ops, NULL, w, signals, &m));
    ok(ctx, mid_stream_open(ctx, m, &s));
    printf("\"%s\":{\"weights\":", name);
    hex(bytes, n);
    printf(",\"score\":[");
    for (i = 0; i < g->n; i++) {
        const uint32_t n_tok = mid_trace_n_tok(g->trace[i]);
        double *score = room(n_tok, sizeof *score);
        uint32_t t;
        ok(ctx, mid_stream_score(ctx, s, g->trace[i], score, NULL));
        printf("%s[", i ? "," : "");
        for (t = 0; t < n_tok; t++)
            printf("%s%.17g", t ? "," : "", score[t]);
        printf("]");
        free(score);
    }
    printf("]}");
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_free(bytes);
    mid_weights_close(w);
}

static void run(mid_ctx *ctx, mid_model *model, struct group *g)
{
    const bool generates = strcmp(g->source, "llama") == 0;
    const char *between = "";
    mid_signals signals;
    size_t i;

    g->opts = mid_source_opts_default();
    g->opts.format = g->form;
    g->opts.max_tok = MAX_TOK;
    g->opts.temperature = 1;
    g->opts.seed = 1;
    g->opts.want = MID_SIG_SPREAD | MID_SIG_LENS | MID_SIG_AFFIRM | (generates ? MID_SIG_SAMPLES : 0);
    g->opts.n_sample = 3;
    g->opts.sample_temperature = 0.2f;      /* so that some samples are alike */
    ok(ctx, mid_source_signals(ctx, model, &g->opts, &signals));
    ok(ctx, mid_source_trace(ctx, model, g->source, g->list, g->n, &g->opts, g->trace));
    read_affirmed(ctx, model, g);
    for (i = 0; i < g->n; i++)
        g->answer[i].trace = g->trace[i];
    printf("{\"layer\":[");
    for (i = 0; i < (size_t)signals.n_layer; i++)
        printf("%s%d", i ? "," : "", signals.layer[i]);
    printf("],\"answer\":[");
    for (i = 0; i < g->n; i++)
        answer_out(g, i);
    printf("],\"monitor\":{");
    for (i = 0; i < sizeof suspect / sizeof suspect[0]; i++) {
        const mid_monitor_ops *ops = mid_monitor_find(suspect[i]);
        if ((ops->needs | ops->fit_needs) & ~signals.have)
            continue;
        printf("%s", between);
        monitor_out(ctx, g, &signals, suspect[i]);
        between = ",";
    }
    printf("}}\n");
}

static void clear(struct group *g)
{
    size_t i;

    for (i = 0; i < g->n; i++) {
        mid_trace_close(g->trace[i]);
        mid_trace_close(g->affirmed[i]);
        free((char *)(uintptr_t)g->sample[i].prompt);
        free((char *)(uintptr_t)g->sample[i].response);
    }
    free(g->form);
    free(g->source);
}

int main(int argc, char **argv)
{
    static const int layer[] = { 7, 14, 21, 29 };
    mid_model_opts opts = mid_model_opts_default();
    static struct group g;
    mid_model *model;
    mid_ctx *ctx;

    if (argc != 3) {
        fprintf(stderr, "usage: suspects_oracle MODEL_FILE CACHE_DIR\n");
        return 2;
    }
    ok(NULL, mid_ctx_open(&ctx));
    opts.quantise = "bf16";
    opts.cache_dir = argv[2];
    opts.n_ctx_seq = 512;
    opts.n_layer = sizeof layer / sizeof layer[0];
    memcpy(opts.layer, layer, sizeof layer);
    ok(ctx, mid_model_open(ctx, argv[1], &opts, &model));
    while (read_group(&g)) {
        run(ctx, model, &g);
        clear(&g);
    }
    mid_model_close(model);
    mid_ctx_close(ctx);
    return 0;
}
