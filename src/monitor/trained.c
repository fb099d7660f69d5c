/* Fitting and opening monitors with heads. Rows are scaled for training and the scaling is folded into the map, so that a
 * stream needs no more than the map. */
#include "monitor/trained.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "monitor/rows_lr.h"

enum { N_BATCH = 32, N_EPOCH_MAX = 100, N_STEP_MAX = 800, N_STEP_PATIENCE = 100 };

/* Epochs of n_step steps that hold so many steps, N_EPOCH_MAX at most. */
static uint32_t epochs(uint32_t n_step_wanted, uint32_t n_step)
{
    const uint32_t n = 1 + n_step_wanted / n_step;

    return n < N_EPOCH_MAX ? n : N_EPOCH_MAX;
}

mid__train mid__train_of(const mid_fit_set *set)
{
    const uint32_t n_fold = (uint32_t)mid__n_inner(set);
    const uint32_t n_step = (uint32_t)(set->n * (n_fold - 1) / n_fold / N_BATCH) + 1;  /* an epoch's without a fold */

    return (mid__train){ .rate = MID__RATES, .decay = 0.1, .clip = 1, .n_batch = N_BATCH, .seed = set->seed,
                         .n_epoch_max = epochs(N_STEP_MAX, n_step), .patience = epochs(N_STEP_PATIENCE, n_step) };
}

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

/* Principal axes of a sample of rows, each to variance 1: those after 1, 2, 4, ... 128 tokens. */
static mid_status axes_of(mid_ctx *ctx, const mid_fit_set *set, int i_layer, size_t n_axis, mid__pca *pca)
{
    mid__rows rows;
    size_t a, j;
    mid_status status = mid__rows_of(ctx, set, i_layer, MID__VIEW_TOKEN, 0, 0, &rows);

    if (status != MID_OK)
        return status;
    status = mid__pca_fit(ctx, rows.x, rows.n, rows.d, n_axis, pca);
    for (a = 0; status == MID_OK && a < pca->k; a++)
        for (j = 0; pca->variance[a] > 0 && j < pca->d; j++)
            pca->axis[a * pca->d + j] = (float)((double)pca->axis[a * pca->d + j] / sqrt(pca->variance[a]));
    mid__rows_clear(&rows);
    return status;
}

static mid_status keep(mid_ctx *ctx, const mid_fit_set *set, const mid__trained_spec *spec, int i_layer, const float *w,
                       size_t d, const mid__found *found, mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    const size_t k = spec->head.n_out;
    float layer[MID_LAYER_MAX];
    int l;
    mid_status status = mid_weights_set(ctx, out, "w", w, k, d);

    for (l = 0; l < signals->n_layer; l++)
        layer[l] = (float)signals->layer[l];
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "b", w + k * d, 1, k);
    if (status == MID_OK && spec->head.n_extra)
        status = mid_weights_set(ctx, out, "more", w + k * (d + 1), 1, spec->head.n_extra);
    if (status == MID_OK && i_layer == MID__ALL_LAYERS)
        status = mid_weights_set(ctx, out, "layers", layer, 1, (size_t)signals->n_layer);
    if (status == MID_OK && i_layer >= 0)
        status = mid_weights_set_number(ctx, out, "layer", signals->layer[i_layer]);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "rate", found->rate);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "n_epoch", found->n_epoch);
    return status;
}

/* Train on seqs, which are scaled on the way, and keep the weights for whole, unscaled rows of width d. */
static mid_status train(mid_ctx *ctx, const mid_fit_set *set, const mid__trained_spec *spec, int i_layer, mid__seqs *seqs,
                        const mid__pca *pca, size_t d, mid_weights *out)
{
    const mid__head *head = &spec->head;
    const size_t k = head->n_out, n_map = k * (seqs->d + 1), n_whole = k * (d + 1);
    const size_t n_weight = mid__head_n_weight(head, seqs->d);
    const size_t k_tok = k - head->n_prompt_out;
    double *mean = malloc((2 * seqs->d + 1) * sizeof *mean), *sd = malloc((2 * seqs->d + 1) * sizeof *sd);
    float *w = malloc((n_weight + 1) * sizeof *w), *inner = malloc((n_weight + 1) * sizeof *inner);
    float *whole = malloc((n_whole + head->n_extra + 1) * sizeof *whole);
    uint8_t *held_out = malloc(set->n + 1);
    mid__found found;
    mid_status status = MID_OK;

    if (!mean || !sd || !w || !inner || !whole || !held_out) {
        status = mid__oom(ctx, "training");
        goto out;
    }
    mid__held_out(set, 0, held_out);
    mid__seqs_scale(seqs, false, mean, sd);
    mid__seqs_scale(seqs, true, mean + seqs->d, sd + seqs->d);      /* none, unless the head reads prompts */
    status = mid__head_fit(ctx, head, &spec->train, seqs, held_out, w, inner, &found);
    if (status == MID_OK && spec->choose)
        status = spec->choose(ctx, set, spec, seqs, held_out, inner, out);
    if (status != MID_OK)
        goto out;
    mid__map_unscale(mean, sd, k_tok, seqs->d, w, w + k * seqs->d);
    mid__map_unscale(mean + seqs->d, sd + seqs->d, head->n_prompt_out, seqs->d, w + k_tok * seqs->d,
                     w + k * seqs->d + k_tok);
    if (pca->k)
        mid__map_expand(pca, spec->rows.n_scalar, k, w, whole);
    else
        memcpy(whole, w, n_map * sizeof *w);
    memcpy(whole + n_whole, w + n_map, head->n_extra * sizeof *w);
    status = keep(ctx, set, spec, i_layer, whole, d, &found, out);
out:
    free(mean);
    free(sd);
    free(w);
    free(inner);
    free(whole);
    free(held_out);
    return status;
}

mid_status mid__trained_fit(mid_ctx *ctx, const mid_fit_set *set, double layer_param, const mid__trained_spec *spec,
                            mid_weights *out)
{
    mid__token_choice choice = spec->rows;
    mid__seqs seqs = { 0 };
    mid__pca pca = { 0 };
    size_t d = 0;
    mid_status status = MID_OK;

    if (choice.i_layer >= 0)
        status = mid__linear_layer(ctx, set, layer_param, MID__VIEW_MEAN, &choice.i_layer);
    if (status == MID_OK)
        status = mid__token_seqs(ctx, set, &choice, &seqs);
    d = seqs.d;
    if (status == MID_OK && spec->n_axis)
        status = axes_of(ctx, set, choice.i_layer, spec->n_axis, &pca);
    if (status == MID_OK && pca.k)
        status = mid__seqs_reduce(ctx, &seqs, &pca);
    if (status == MID_OK)
        status = train(ctx, set, spec, choice.i_layer, &seqs, &pca, d, out);
    mid__seqs_clear(&seqs);
    mid__pca_clear(&pca);
    return status;
}

/* ---- pushing ---------------------------------------------------------------------------------------------------- */

/* Where the rows of the layers that the weights name begin in this source's. */
static mid_status find_layers(mid_ctx *ctx, const mid_weights *weights, const mid_signals *signals, int which,
                              mid__trained *p)
{
    const float one = (float)mid_weights_number(weights, "layer"), *layer = &one;
    size_t n_row, n_col = 1, l;
    mid_status status = MID_OK;

    if (which == MID__ALL_LAYERS)
        status = mid_weights_get(ctx, weights, "layers", &layer, &n_row, &n_col);
    if (status != MID_OK)
        return status;
    if (n_col > MID_LAYER_MAX)
        return mid__fail(ctx, MID_EFORMAT, "'layers' names %zu layers, the limit is %d", n_col, MID_LAYER_MAX);
    for (l = 0; l < n_col; l++) {
        const int i_layer = mid__layer_index(signals, (double)layer[l]);
        if (i_layer < 0)
            return mid__fail(ctx, MID_ESIGNAL, "the monitor reads layer %g, which this source does not tap",
                             (double)layer[l]);
        p->at[l] = (size_t)i_layer * (size_t)signals->n_embd;
    }
    p->n_layer = (int)n_col;
    return MID_OK;
}

mid_status mid__trained_open(mid_ctx *ctx, const mid_weights *weights, const mid_signals *signals, const mid__head *head,
                             int which, size_t n_scalar, mid__trained **out)
{
    enum { LINE = 64, N_LINE = LINE / sizeof(float) };      /* a cache line: where each row begins, to be read fast */
    const size_t at = (sizeof(mid__trained) + LINE - 1) / LINE * LINE;
    mid__trained found = { .head = *head, .d_layer = (size_t)signals->n_embd, .n_scalar = n_scalar }, *p;
    const float *w, *b, *more = NULL;
    size_t d, n, i;
    float *to;
    mid_status status = MID_OK;

    /* without any entry at all these are no weights; a wrong layer is another matter */
    status = mid_weights_get(ctx, weights, "w", &w, &d, &d);
    if (status == MID_OK && which != MID__NO_LAYER)
        status = find_layers(ctx, weights, signals, which, &found);
    d = (size_t)found.n_layer * found.d_layer + n_scalar;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "w", head->n_out, d, &w);
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "b", 1, head->n_out, &b);
    if (status == MID_OK && head->n_extra)
        status = mid_weights_expect(ctx, weights, "more", 1, head->n_extra, &more);
    if (status != MID_OK)
        return status;
    found.apart = (d + N_LINE - 1) / N_LINE * N_LINE;
    n = at + (head->n_out * (found.apart + 1) + head->n_extra) * sizeof *to;
    p = aligned_alloc(LINE, (n + LINE - 1) / LINE * LINE);
    if (!p)
        return mid__oom(ctx, "a monitor");
    *p = found;
    p->w = to = (float *)(void *)((char *)p + at);
    for (i = 0; i < head->n_out; i++, to += found.apart)
        memcpy(to, w + i * d, d * sizeof *to);
    p->bias = memcpy(to, b, head->n_out * sizeof *to);
    p->more = to + head->n_out;
    if (head->n_extra)
        memcpy(to + head->n_out, more, head->n_extra * sizeof *to);
    *out = p;
    return MID_OK;
}

bool mid__trained_map(const mid__trained *plan, const float *hidden, const float *scalar, float *a)
{
    enum { N_ROW = 64 };                /* at a time */
    const size_t k = plan->head.n_out;
    bool finite = true;
    size_t i, j, r;
    int l;

    for (i = 0; i < k; i += N_ROW) {
        const size_t n = k - i < N_ROW ? k - i : N_ROW;
        const float *w = plan->w + i * plan->apart;
        double sum[N_ROW] = { 0 };
        for (l = 0; l < plan->n_layer; l++, w += plan->d_layer)
            mid__dot_rows(w, plan->apart, n, hidden + plan->at[l], plan->d_layer, sum);
        for (r = 0; r < n; r++) {
            for (j = 0; j < plan->n_scalar; j++)
                sum[r] += (double)w[r * plan->apart + j] * (double)scalar[j];
            a[i + r] = (float)(sum[r] + (double)plan->bias[i + r]);
            finite = finite && isfinite(a[i + r]);
        }
    }
    return finite;
}
