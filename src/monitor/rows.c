/* Training rows. Every layer's float16 rows are read once, in order, and the view is carried along. */
#include "monitor/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/kernel.h"
#include "base/linalg.h"
#include "base/rng.h"
#include "midstream/metric.h"

mid_status mid__rows_open(mid_ctx *ctx, size_t n, size_t d, mid__rows *out)
{
    *out = (mid__rows){ .d = d };
    out->x = malloc((n * d + 1) * sizeof *out->x);
    out->answer = malloc((n + 1) * sizeof *out->answer);
    out->label = malloc(n + 1);
    out->weight = malloc((n + 1) * sizeof *out->weight);
    out->horizon = malloc(n + 1);
    return out->x && out->answer && out->label && out->weight && out->horizon ? MID_OK : mid__oom(ctx, "training rows");
}

void mid__rows_clear(mid__rows *rows)
{
    free(rows->x);
    free(rows->answer);
    free(rows->label);
    free(rows->weight);
    free(rows->horizon);
    memset(rows, 0, sizeof *rows);
}

void mid__rows_add(mid__rows *rows, size_t i_answer, int label, uint8_t horizon)
{
    rows->answer[rows->n] = (uint32_t)i_answer;
    rows->label[rows->n] = (uint8_t)label;
    rows->horizon[rows->n++] = horizon;
}

void mid__rows_weigh(mid__rows *rows, size_t first)
{
    size_t i;

    for (i = first; i < rows->n; i++)
        rows->weight[i] = 1.0 / (double)(rows->n - first);
}

bool mid__is_row(uint32_t t, uint32_t n_tok, uint32_t prefix, uint8_t *horizon)
{
    int i;

    *horizon = 0;
    if (prefix)
        return t == (prefix < n_tok ? prefix : n_tok);
    for (i = 0; i < MID__N_HORIZON; i++) {
        *horizon = (uint8_t)i;
        if (t == mid__horizon_tok(i))
            return true;
        if (t < mid__horizon_tok(i))
            return t == n_tok;
    }
    return false;
}

static void see(mid__view view, double beta, uint32_t t, const float *h, double *state, size_t d)
{
    size_t j;

    for (j = 0; j < d; j++)
        switch (view) {
        case MID__VIEW_MEAN: case MID__VIEW_WINDOW: state[j] += (double)h[j]; break;
        case MID__VIEW_EMA: state[j] = t == 1 ? (double)h[j] : beta * state[j] + (1 - beta) * (double)h[j]; break;
        default: state[j] = (double)h[j]; break;
        }
}

/* What a view's sum is divided by after t tokens. */
static double divisor(mid__view view, uint32_t t)
{
    switch (view) {
    case MID__VIEW_MEAN: return t;
    case MID__VIEW_WINDOW: return t < MID__WINDOW_TOK ? t : MID__WINDOW_TOK;
    default: return 1;
    }
}

static void answer_rows(const mid_fit_answer *a, size_t i_answer, int i_layer, mid__view view, double beta,
                        uint32_t prefix, float *h, double *state, mid__rows *out)
{
    const uint32_t n_tok = mid_trace_n_tok(a->trace);
    const size_t first = out->n, d = out->d;
    uint32_t t;
    uint8_t horizon;
    size_t j;

    memset(state, 0, d * sizeof *state);
    for (t = 1; t <= n_tok; t++) {
        const double scale = 1 / divisor(view, t);
        if (view == MID__VIEW_PROMPT && t > 1)
            break;                      /* one row says it all */
        mid_trace_hidden(a->trace, i_layer, view == MID__VIEW_PROMPT ? -1 : (int32_t)(t - 1), h);
        see(view, beta, t, h, state, d);
        if (view == MID__VIEW_WINDOW && t > MID__WINDOW_TOK) {
            mid_trace_hidden(a->trace, i_layer, (int32_t)(t - MID__WINDOW_TOK - 1), h);
            for (j = 0; j < d; j++)
                state[j] -= (double)h[j];       /* exact: sums of float16 values fit a double */
        }
        if (!mid__is_row(t, n_tok, view == MID__VIEW_PROMPT ? 1 : prefix, &horizon))
            continue;
        for (j = 0; j < d; j++)
            out->x[out->n * d + j] = (float)(state[j] * scale);
        mid__rows_add(out, i_answer, a->label, horizon);
    }
    mid__rows_weigh(out, first);
}

mid_status mid__rows_of(mid_ctx *ctx, const mid_fit_set *set, int i_layer, mid__view view, double beta, uint32_t prefix,
                        mid__rows *out)
{
    const size_t d = (size_t)mid_trace_signals(set->answer[0].trace)->n_embd;
    const size_t n = set->n * (prefix || view == MID__VIEW_PROMPT ? 1 : MID__N_HORIZON);
    float *h = malloc(d * sizeof *h);
    double *state = malloc(d * sizeof *state);
    mid_status status = mid__rows_open(ctx, n, d, out);
    size_t i;

    if (status == MID_OK && (!h || !state))
        status = mid__oom(ctx, "training rows");
    for (i = 0; status == MID_OK && i < set->n; i++)
        answer_rows(&set->answer[i], i, i_layer, view, beta, prefix, h, state, out);
    free(h);
    free(state);
    if (status != MID_OK)
        mid__rows_clear(out);
    return status;
}

mid_status mid__rows_pick(mid_ctx *ctx, const mid__rows *rows, const uint8_t *use, int label, size_t n_max,
                          mid__rows *out)
{
    size_t i, n = 0, seen = 0;
    mid_status status;

    for (i = 0; i < rows->n; i++)
        n += use[i] && (label < 0 || rows->label[i] == label);
    n_max = n < n_max ? n : n_max;
    status = mid__rows_open(ctx, n_max, rows->d, out);
    for (i = 0; status == MID_OK && i < rows->n; i++) {
        if (!use[i] || (label >= 0 && rows->label[i] != label))
            continue;
        if (seen++ * n_max / n < out->n)        /* the next one wanted is further on */
            continue;
        memcpy(out->x + out->n * rows->d, rows->x + i * rows->d, rows->d * sizeof *out->x);
        out->weight[out->n] = rows->weight[i];
        mid__rows_add(out, rows->answer[i], rows->label[i], rows->horizon[i]);
    }
    return status;
}

bool mid__rows_better(mid__rows *best, double *best_auroc, mid__rows *rows, double auroc)
{
    const mid__rows last = *best;

    if (!(auroc > *best_auroc))
        return false;
    *best_auroc = auroc;
    *best = *rows;
    *rows = last;
    return true;
}

void mid__rows_standardise(mid__rows *rows, double *mean, double *sd)
{
    size_t i, j;

    mid__column_stats(rows->x, rows->n, rows->d, mean, sd);
    for (i = 0; i < rows->n; i++)
        for (j = 0; j < rows->d; j++)
            rows->x[i * rows->d + j] = (float)(((double)rows->x[i * rows->d + j] - mean[j]) / sd[j]);
}

int mid__n_inner(const mid_fit_set *set) { return set->n_fold > 1 ? set->n_fold : 3; }

int mid__inner_fold(const mid_fit_set *set, size_t i_answer)
{
    uint64_t x = set->seed ^ (uint64_t)set->answer[i_answer].group << 20;

    return (int)(mid__splitmix(&x) % (uint64_t)mid__n_inner(set));
}

mid_status mid__rows_outside(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, int fold, mid__rows *out)
{
    uint8_t *use = malloc(rows->n + 1);
    size_t i;
    mid_status status;

    memset(out, 0, sizeof *out);
    if (!use)
        return mid__oom(ctx, "training rows");
    for (i = 0; i < rows->n; i++)
        use[i] = mid__inner_fold(set, rows->answer[i]) != fold;
    status = mid__rows_pick(ctx, rows, use, -1, SIZE_MAX, out);
    free(use);
    return status;
}

mid_status mid__rows_auroc(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, const double *score,
                           double *auroc)
{
    double *kept = malloc((set->n + 1) * sizeof *kept), sum = 0, a;
    uint8_t *label = malloc(set->n + 1);
    mid_status status = kept && label ? MID_OK : MID_ENOMEM;
    int n_sum = 0, i_horizon;
    size_t i;

    for (i_horizon = 0; status != MID_ENOMEM && i_horizon < MID__N_HORIZON; i_horizon++) {
        size_t n = 0;
        bool changed = i_horizon == 0;
        for (i = 0; i < rows->n; i++) {
            if (rows->horizon[i] > i_horizon)
                continue;
            changed |= rows->horizon[i] == i_horizon;
            if (n && rows->answer[i] == rows->answer[i - 1])
                n--;                    /* an answer's rows come in order: the later one takes the place */
            kept[n] = score[i];
            label[n++] = rows->label[i];
        }
        if (!changed)
            continue;
        status = mid_auroc(NULL, kept, label, n, &a);       /* undefined with one class, which is nothing to tell */
        if (status == MID_OK) {
            sum += a;
            n_sum++;
        }
    }
    free(kept);
    free(label);
    *auroc = n_sum ? sum / n_sum : NAN;
    return status == MID_ENOMEM ? mid__oom(ctx, "inner scores") : MID_OK;
}

int mid__layer_index(const mid_signals *signals, double layer)
{
    int i;

    for (i = 0; i < signals->n_layer; i++)
        if (signals->layer[i] == layer)
            return i;
    return -1;
}

mid_status mid__layer_range(mid_ctx *ctx, const mid_signals *signals, double layer_param, int *first, int *last)
{
    *first = 0;
    *last = signals->n_layer - 1;
    if (layer_param < 0)
        return MID_OK;
    *first = *last = mid__layer_index(signals, layer_param);
    if (*first < 0)
        return mid__fail(ctx, MID_EINVAL, "layer %g is not tapped; the plan's model must list it under layers", layer_param);
    return MID_OK;
}

/* 0 times a number is 0, 0 times anything else is no number. */
MID__CLONES
bool mid__is_finite(const float *x, size_t n)
{
    mid__lanes zero = { 0 };
    float rest = 0;
    size_t i, k;

    for (i = 0; i + MID__N_LANE <= n; i += MID__N_LANE)
        zero += mid__lanes_at(x + i) * 0;
    for (; i < n; i++)
        rest += x[i] * 0;
    for (k = 0; k < MID__N_LANE; k++)
        rest += zero[k];
    return rest == 0;
}
