/* Semantic entropy probe: W24. Does the model know what it will say? Learned from sampled answers, read off hidden
 * rows, so that nothing has to be sampled when it is used.
 *   fitting   the samples of each answer's prompt give a semantic entropy (sample_words.h); "high" is above the cut,
 *             among 100 even ones, with the least squared deviation from the means below and above it; labels are not
 *             looked at
 *   scoring   S_t = P(high) = 1 / (1 + e^{-(w.h + b)}): at first from the last prompt row h_0 by weights for that
 *             position, from the first sentence's end on from its row h_t by weights for sentence ends; held in between
 * w, b: L2-regularised logistic regression on standardised rows (rows_lr.h), one for each position. Layer and C are
 * those with the best inner-fold AUROC against "high", at sentence ends averaged over the first to the eighth.
 * Source: Semantic Entropy Probes (Kossen et al. 2024, arXiv 2406.15927), fitted before generation and at the last
 * token but one; the latter is known only afterwards, and the end of a sentence takes its place. They cluster by
 * entailment. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "base/wordcut.h"
#include "monitor/rows_lr.h"
#include "monitor/sample_words.h"

enum { N_CUT = 100, N_SENTENCE_MAX = 8, AT_PROMPT = 0, AT_SENTENCE, N_POSITION };

static const char *const layer_name[N_POSITION] = { "layer", "layer_sentence" };
static const char *const c_name[N_POSITION] = { "c", "c_sentence" };
static const char *const auroc_name[N_POSITION] = { "inner_auroc", "inner_auroc_sentence" };

/* ---- what to learn ---------------------------------------------------------------------------------------------- */

/* Sum of squared deviations of x from its mean on either side of the cut. */
static double deviation(const double *x, size_t n, double cut)
{
    double sum[2] = { 0 }, square[2] = { 0 }, all = 0;
    size_t count[2] = { 0 }, i;

    for (i = 0; i < n; i++) {
        const int side = x[i] > cut;
        sum[side] += x[i];
        square[side] += x[i] * x[i];
        count[side]++;
    }
    for (i = 0; i < 2; i++)
        if (count[i])
            all += square[i] - sum[i] * sum[i] / (double)count[i];
    return all;
}

static double best_cut(const double *x, size_t n, double lo, double hi)
{
    double best = lo, least = INFINITY;
    int i;

    for (i = 1; i <= N_CUT; i++) {
        const double cut = lo + (hi - lo) * i / (N_CUT + 1), d = deviation(x, n, cut);
        if (d < least) {
            least = d;
            best = cut;
        }
    }
    return best;
}

/* high (n): is the semantic entropy of an answer's prompt above the cut? */
static mid_status entropies(mid_ctx *ctx, const mid_fit_set *set, uint8_t *high, double *cut)
{
    double *x = malloc((set->n + 1) * sizeof *x), lo = INFINITY, hi = -INFINITY;
    mid__sample_words words;
    mid_prompt prompt;
    size_t i;

    if (!x)
        return mid__oom(ctx, "semantic entropies");
    for (i = 0; i < set->n; i++) {
        mid_trace_prompt(set->answer[i].trace, NULL, &prompt);
        if (prompt.n_sample < 2) {
            free(x);
            return mid__fail(ctx, MID_ESIGNAL, "answer %zu has %zu sampled answers; the probe learns from 2 and more",
                             i, prompt.n_sample);
        }
        mid__sample_words_of(&prompt, &words);
        x[i] = mid__semantic_entropy(&words);
        lo = fmin(lo, x[i]);
        hi = fmax(hi, x[i]);
    }
    *cut = best_cut(x, set->n, lo, hi);
    for (i = 0; i < set->n; i++)
        high[i] = x[i] > *cut;
    free(x);
    if (lo < hi)
        return MID_OK;
    return mid__fail(ctx, MID_EUNDEFINED, "all %zu answers have the semantic entropy %g: nothing to learn", set->n, lo);
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static void sentence_rows(const mid_fit_answer *a, size_t i_answer, int i_layer, mid__rows *out)
{
    const uint32_t n_tok = mid_trace_n_tok(a->trace);
    const size_t first = out->n;
    mid__sentence sentence = { .n_word = 0 };
    mid_step step;
    uint32_t t;

    for (t = 0; t < n_tok && out->n - first < N_SENTENCE_MAX; t++) {
        mid_trace_step(a->trace, t, NULL, &step);
        if (!mid__sentence_put(&sentence, step.text, step.n_text))
            continue;
        mid_trace_hidden(a->trace, i_layer, (int32_t)t, out->x + out->n * out->d);
        mid__rows_add(out, i_answer, a->label, (uint8_t)(out->n - first));
    }
    mid__rows_weigh(out, first);
}

static mid_status all_sentence_rows(mid_ctx *ctx, const mid_fit_set *set, int i_layer, mid__rows *out)
{
    const size_t d = (size_t)mid_trace_signals(set->answer[0].trace)->n_embd;
    size_t i;
    mid_status status = mid__rows_open(ctx, set->n * N_SENTENCE_MAX, d, out);

    for (i = 0; status == MID_OK && i < set->n; i++)
        sentence_rows(&set->answer[i], i, i_layer, out);
    return status;
}

static mid_status rows_at(mid_ctx *ctx, const mid_fit_set *set, int position, int i_layer, const uint8_t *high,
                          mid__rows *out)
{
    mid_status status = position == AT_PROMPT ? mid__rows_of(ctx, set, i_layer, MID__VIEW_PROMPT, 0, 0, out)
                                              : all_sentence_rows(ctx, set, i_layer, out);
    size_t i;

    for (i = 0; status == MID_OK && i < out->n; i++)
        out->label[i] = high[out->answer[i]];
    return status;
}

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

/* One position's probe: w (d) and b; the rest goes into the weights as numbers. MID_EUNDEFINED: too few rows. */
static mid_status fit_position(mid_ctx *ctx, const mid_fit_set *set, int position, double layer_param,
                               const uint8_t *high, float *w, float *b, mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    double best = -1, best_c = 0, auroc, c;
    int first, last, l, best_l = -1;
    mid__rows rows = { 0 }, kept = { 0 };
    mid_status status = mid__layer_range(ctx, signals, layer_param, &first, &last);

    for (l = first; status == MID_OK && l <= last; l++) {
        status = rows_at(ctx, set, position, l, high, &rows);
        if (status == MID_OK)
            status = mid__rows_lr_choose(ctx, set, &rows, &mid__c_grid_rows, &c, &auroc);
        if (status == MID_OK && mid__rows_better(&kept, &best, &rows, auroc)) {
            best_c = c;
            best_l = l;
        }
        mid__rows_clear(&rows);
    }
    if (status == MID_OK)
        status = mid__rows_lr_fit(ctx, set, &kept, best_c, w, b);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, layer_name[position], signals->layer[best_l]);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, c_name[position], best_c);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, auroc_name[position], best);
    mid__rows_clear(&kept);
    return status;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const size_t d = (size_t)mid_trace_signals(set->answer[0].trace)->n_embd;
    const double layer = mid__param_number(params, "layer");
    float *w = calloc(N_POSITION * d + 1, sizeof *w), b[N_POSITION] = { 0 };
    uint8_t *high = malloc(set->n + 1);
    double cut = 0;
    mid_status status = w && high ? entropies(ctx, set, high, &cut) : mid__oom(ctx, "a semantic entropy probe");

    if (status == MID_OK)
        status = fit_position(ctx, set, AT_PROMPT, layer, high, w, &b[AT_PROMPT], out);
    if (status == MID_OK) {
        status = fit_position(ctx, set, AT_SENTENCE, layer, high, w + d, &b[AT_SENTENCE], out);
        if (status == MID_EUNDEFINED)   /* answers of less than a sentence: the prompt's score is all there is */
            status = mid_weights_set_number(ctx, out, layer_name[AT_SENTENCE], -1);
    }
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "w", w, N_POSITION, d);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "b", b, 1, N_POSITION);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "cut_nats", cut);
    free(high);
    free(w);
    return status;
}

/* ---- scoring ---------------------------------------------------------------------------------------------------- */

struct plan {
    size_t d, at[N_POSITION];           /* offset of the layer's row among the hidden rows */
    bool has_sentence;
    float b[N_POSITION];
    float w[];                          /* (N_POSITION, d) */
};
struct state { mid__sentence sentence; double score; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const size_t d = (size_t)signals->n_embd;
    const double sentence = mid_weights_number(weights, layer_name[AT_SENTENCE]);
    const int i_prompt = mid__layer_index(signals, mid_weights_number(weights, layer_name[AT_PROMPT]));
    const int i_sentence = sentence == -1 ? i_prompt : mid__layer_index(signals, sentence);
    const float *w, *b;
    struct plan *p;
    mid_status status = mid_weights_expect(ctx, weights, "w", N_POSITION, d, &w);

    (void)params;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "b", 1, N_POSITION, &b);
    if (status != MID_OK)
        return status;
    if (i_prompt < 0 || i_sentence < 0)
        return mid__fail(ctx, MID_ESIGNAL, "the probe reads layers %g and %g, which this source does not both tap",
                         mid_weights_number(weights, layer_name[AT_PROMPT]), sentence);
    p = malloc(sizeof *p + N_POSITION * d * sizeof *w);
    if (!p)
        return mid__oom(ctx, "a probe");
    *p = (struct plan){ .d = d, .at = { (size_t)i_prompt * d, (size_t)i_sentence * d },
                        .has_sentence = sentence != -1 };
    memcpy(p->b, b, sizeof p->b);
    memcpy(p->w, w, N_POSITION * d * sizeof *w);
    *plan = p;
    return MID_OK;
}

static bool probability(const struct plan *p, int position, const float *hidden, double *out)
{
    const double z = mid__dot(p->w + (size_t)position * p->d, hidden + p->at[position], p->d) + (double)p->b[position];

    *out = 1 / (1 + exp(-z));
    return isfinite(z);
}

static mid_status start(const void *plan, void *self, const mid_prompt *prompt)
{
    struct state *s = self;

    if (!prompt->hidden)
        return MID_ESIGNAL;
    return probability(plan, AT_PROMPT, prompt->hidden, &s->score) ? MID_OK : MID_ENUMERIC;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    double now;

    if (!probability(p, AT_SENTENCE, step->hidden, &now))
        return MID_ENUMERIC;
    if (mid__sentence_put(&s->sentence, step->text, step->n_text) && p->has_sentence)
        s->score = now;
    *score = s->score;
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_semantic_entropy_probe = {
    .name = "semantic_entropy_probe", .version = 1,
    .summary = "probability, from hidden rows, that sampled answers would disagree", .unit = "probability",
    .source = "Semantic Entropy Probes, Kossen et al. 2024, arXiv 2406.15927",
    .box = MID_BOX_WHITE, .needs = MID_SIG_TEXT | MID_SIG_HIDDEN, .fit_needs = MID_SIG_SAMPLES, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .start = start, .push = push,
};
