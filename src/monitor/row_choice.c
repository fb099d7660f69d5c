/* For each candidate, learn on the rows outside an inner fold and score those inside it. */
#include "monitor/row_choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

static void mark_outside(const mid_fit_set *set, const mid__rows *rows, int fold, uint8_t *use)
{
    size_t i;

    for (i = 0; i < rows->n; i++)
        use[i] = mid__inner_fold(set, rows->answer[i]) != fold;
}

/* Scores of the rows in a fold, each made of the row values of its answer so far. */
static void score_inside(const mid__rows *rows, const uint8_t *outside, const mid__row_method *method, const void *model,
                         double *score)
{
    double run = 0, x;
    size_t i, n = 0;

    for (i = 0; i < rows->n; i++) {
        if (i == 0 || rows->answer[i] != rows->answer[i - 1])
            n = 0;
        if (outside[i])
            continue;
        x = method->score(model, rows->x + i * rows->d, rows->d);
        if (n++ == 0 || method->run == MID__RUN_LAST)
            run = x;
        else
            run = method->run == MID__RUN_MAX ? fmax(run, x) : run + (x - run) / (double)n;
        score[i] = run;
    }
}

/* Mean AUROC of one grid point over held-out rows. */
static mid_status held_out(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, const mid__row_method *method,
                           int i_grid, double *auroc)
{
    double *score = calloc(rows->n + 1, sizeof *score);
    uint8_t *use = malloc(rows->n + 1);
    void *model = malloc(method->model_size);
    mid_status status = score && use && model ? MID_OK : mid__oom(ctx, "inner folds");
    int fold;

    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++) {
        mark_outside(set, rows, fold, use);
        memset(model, 0, method->model_size);
        status = method->learn(ctx, method->user, rows, use, i_grid, model);
        if (status == MID_OK)
            score_inside(rows, use, method, model, score);
        method->forget(model);
    }
    *auroc = status == MID_OK ? fmax(0, mid__rows_auroc(set, rows, score)) : 0;     /* 0 for NaN, too */
    free(score);
    free(use);
    free(model);
    return status == MID_EUNDEFINED ? MID_OK : status;
}

mid_status mid__row_choose(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, const mid__row_method *method,
                           int *i_grid, double *auroc)
{
    double a;
    int k;
    mid_status status = MID_OK;

    *i_grid = 0;
    *auroc = 0;
    for (k = 0; status == MID_OK && k < (method->n_grid ? method->n_grid : 1); k++) {
        status = held_out(ctx, set, rows, method, k, &a);
        if (status == MID_OK && a > *auroc) {
            *auroc = a;
            *i_grid = k;
        }
    }
    return status;
}

mid_status mid__row_learn(mid_ctx *ctx, const mid__rows *rows, const mid__row_method *method, int i_grid, mid_weights *out)
{
    uint8_t *use = malloc(rows->n + 1);
    void *model = calloc(1, method->model_size);
    mid_status status = use && model ? MID_OK : mid__oom(ctx, "a monitor's weights");

    if (status == MID_OK) {
        memset(use, 1, rows->n);
        status = method->learn(ctx, method->user, rows, use, i_grid, model);
        if (status == MID_OK)
            status = method->keep(ctx, model, rows->d, out);
        method->forget(model);
    }
    free(use);
    free(model);
    return status;
}

mid_status mid__row_fit(mid_ctx *ctx, const mid_fit_set *set, double layer_param, const mid__row_method *method,
                        mid_weights *out, int *i_grid)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    mid__rows rows = { 0 }, best = { 0 };
    double auroc, best_auroc = -1;
    int first, last, l, grid, best_l = 0, best_grid = 0;
    mid_status status = mid__layer_range(ctx, signals, layer_param, &first, &last);

    for (l = first; status == MID_OK && l <= last; l++) {
        status = mid__rows_of(ctx, set, l, method->view, 0, 0, &rows);
        auroc = grid = 0;
        if (status == MID_OK && (first != last || method->n_grid > 1))
            status = mid__row_choose(ctx, set, &rows, method, &grid, &auroc);
        if (status == MID_OK && auroc > best_auroc) {
            mid__rows swap = best;
            best = rows;
            rows = swap;
            best_auroc = auroc;
            best_l = l;
            best_grid = grid;
        }
        mid__rows_clear(&rows);
    }
    if (status == MID_OK)
        status = mid__row_learn(ctx, &best, method, best_grid, out);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", signals->layer[best_l]);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "inner_auroc", best_auroc);
    if (i_grid)
        *i_grid = best_grid;
    mid__rows_clear(&best);
    return status;
}

mid_status mid__rows_pick(mid_ctx *ctx, const mid__rows *rows, const uint8_t *use, int label, size_t n_max, mid__rows *out)
{
    size_t i, n = 0, seen = 0;

    memset(out, 0, sizeof *out);
    for (i = 0; i < rows->n; i++)
        n += use[i] && (label < 0 || rows->label[i] == label);
    n_max = n < n_max ? n : n_max;
    out->d = rows->d;
    out->x = malloc((n_max + 1) * rows->d * sizeof *out->x);
    out->answer = malloc((n_max + 1) * sizeof *out->answer);
    out->label = malloc(n_max + 1);
    out->weight = malloc((n_max + 1) * sizeof *out->weight);
    out->horizon = malloc(n_max + 1);
    if (!out->x || !out->answer || !out->label || !out->weight || !out->horizon)
        return mid__oom(ctx, "training rows");
    for (i = 0; i < rows->n; i++) {
        if (!use[i] || (label >= 0 && rows->label[i] != label))
            continue;
        if (seen++ * n_max / n < out->n)        /* the next one wanted is further on */
            continue;
        memcpy(out->x + out->n * rows->d, rows->x + i * rows->d, rows->d * sizeof *out->x);
        out->answer[out->n] = rows->answer[i];
        out->label[out->n] = rows->label[i];
        out->weight[out->n] = rows->weight[i];
        out->horizon[out->n++] = rows->horizon[i];
    }
    return MID_OK;
}

mid_status mid__layer_at(mid_ctx *ctx, const char *monitor, const mid_weights *weights, const mid_signals *signals,
                         size_t *at)
{
    const int i_layer = mid__layer_index(signals, mid_weights_number(weights, "layer"));

    if (i_layer < 0)
        return mid__fail(ctx, MID_ESIGNAL, "%s reads layer %g, which this source does not tap", monitor,
                         mid_weights_number(weights, "layer"));
    *at = (size_t)i_layer * (size_t)signals->n_embd;
    return MID_OK;
}

bool mid__is_finite(const float *x, size_t n)
{
    size_t i;
    int n_bad = 0;

    for (i = 0; i < n; i++)
        n_bad |= !(fabsf(x[i]) <= 3.4e38f);
    return n_bad == 0;
}

float *mid__floats_copy(const float *x, size_t n)
{
    float *copy = malloc((n + 1) * sizeof *copy);

    return copy ? memcpy(copy, x, n * sizeof *copy) : NULL;
}
