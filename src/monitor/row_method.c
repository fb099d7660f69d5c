/* For each candidate, learn on the rows outside an inner fold and score those inside it. */
#include "monitor/row_method.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/fitted.h"
#include "monitor/running.h"

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

/* Scores of the rows in a fold, each made of the values of its answer's rows so far. */
static void score_held_out(const mid__row_data *data, const mid__row_method *method, const void *model, double *score)
{
    const mid__rows *rows = data->rows;
    mid__running run = { 0 };
    size_t i;

    for (i = 0; i < rows->n; i++) {
        double x;
        if (i == 0 || rows->answer[i] != rows->answer[i - 1])
            run = (mid__running){ 0 };
        if (data->use[i])
            continue;
        x = method->score(model, rows->x + i * rows->d, rows->d);
        score[i] = method->largest ? mid__running_max(&run, x) : method->view == MID__VIEW_MEAN ? x
                                                               : mid__running_mean(&run, x);
    }
}

/* Mean AUROC of one grid point over held-out rows. */
static mid_status held_out(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, const mid__rows *rows,
                           const mid__row_method *method, int i_grid, double *auroc)
{
    double *score = calloc(rows->n + 1, sizeof *score);
    uint8_t *use = malloc(rows->n + 1);
    void *model = malloc(method->model_size);
    const mid__row_data data = { set, params, rows, use, i_grid };
    mid_status status = score && use && model ? MID_OK : mid__oom(ctx, "inner folds");
    size_t i;
    int fold;

    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++) {
        for (i = 0; i < rows->n; i++)
            use[i] = mid__inner_fold(set, rows->answer[i]) != fold;
        memset(model, 0, method->model_size);
        status = method->learn(ctx, &data, model);
        if (status == MID_OK)
            score_held_out(&data, method, model, score);
        method->forget(model);
    }
    if (status == MID_OK)
        status = mid__rows_auroc(ctx, set, rows, score, auroc);
    *auroc = status == MID_OK ? fmax(0, *auroc) : 0;        /* 0 for NaN, too */
    free(score);
    free(use);
    free(model);
    return status == MID_EUNDEFINED ? MID_OK : status;
}

/* The best grid point, and its AUROC. */
static mid_status choose(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, const mid__rows *rows,
                         const mid__row_method *method, int *i_grid, double *auroc)
{
    double a;
    int k;
    mid_status status = MID_OK;

    for (k = 0; status == MID_OK && k < (method->n_grid ? method->n_grid : 1); k++) {
        status = held_out(ctx, set, params, rows, method, k, &a);
        if (status == MID_OK && a > *auroc) {
            *auroc = a;
            *i_grid = k;
        }
    }
    return status;
}

/* Learn on all rows and store the model. */
static mid_status finish(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, const mid__rows *rows,
                         const mid__row_method *method, int i_grid, mid_weights *out)
{
    uint8_t *use = malloc(rows->n + 1);
    void *model = calloc(1, method->model_size);
    const mid__row_data data = { set, params, rows, use, i_grid };
    mid_status status = use && model ? MID_OK : mid__oom(ctx, "a monitor's weights");

    if (status == MID_OK) {
        memset(use, 1, rows->n);
        status = method->learn(ctx, &data, model);
        if (status == MID_OK)
            status = method->keep(ctx, model, rows->d, out);
        method->forget(model);
    }
    free(use);
    free(model);
    return status;
}

mid_status mid__row_fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, const mid__row_method *method,
                        mid_weights *out, int *i_grid)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    mid__rows rows = { 0 }, best = { 0 };
    double auroc, best_auroc = -1;
    int first, last, l, grid, best_l = 0, best_grid = 0;
    mid_status status = mid__layer_range(ctx, signals, mid__param_number(params, "layer"), &first, &last);

    for (l = first; status == MID_OK && l <= last; l++) {
        status = mid__rows_of(ctx, set, l, method->view, 0, 0, &rows);
        auroc = grid = 0;
        if (status == MID_OK && (first != last || method->n_grid > 1))
            status = choose(ctx, set, params, &rows, method, &grid, &auroc);
        if (status == MID_OK && mid__rows_better(&best, &best_auroc, &rows, auroc)) {
            best_l = l;
            best_grid = grid;
        }
        mid__rows_clear(&rows);
    }
    if (status == MID_OK)
        status = finish(ctx, set, params, &best, method, best_grid, out);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", signals->layer[best_l]);
    if (status == MID_OK && method->keep_auroc)
        status = mid_weights_set_number(ctx, out, "inner_auroc", best_auroc);
    if (i_grid)
        *i_grid = best_grid;
    mid__rows_clear(&best);
    return status;
}

/* ---- scoring ---------------------------------------------------------------------------------------------------- */

struct plan { const mid__row_method *method; size_t d, at; double model[]; };       /* at: of the row in a step's */

void mid__row_close(void *plan)
{
    struct plan *p = plan;

    if (p)
        p->method->forget(p->model);
    free(p);
}

mid_status mid__row_open(mid_ctx *ctx, const char *monitor, const mid_weights *weights, const mid_signals *signals,
                         const mid__row_method *method, void **plan)
{
    struct plan *p = calloc(1, sizeof *p + method->model_size);
    mid_status status;

    if (!p)
        return mid__oom(ctx, monitor);
    p->method = method;
    p->d = (size_t)signals->n_embd;
    status = method->restore(ctx, weights, p->d, p->model);
    if (status == MID_OK)
        status = mid__layer_at(ctx, monitor, weights, signals, p->d, &p->at);
    if (status == MID_OK)
        *plan = p;
    else
        mid__row_close(p);
    return status;
}

bool mid__row_value(const void *plan, const float *hidden, double *value)
{
    const struct plan *p = plan;
    const float *row = hidden + p->at;

    if (p->method->check_row && !mid__is_finite(row, p->d))
        return false;
    *value = p->method->score(p->model, row, p->d);
    return isfinite(*value);
}

mid_status mid__row_push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    double value;

    if (!mid__row_value(p, step->hidden, &value))
        return MID_ENUMERIC;
    *score = p->method->largest ? mid__running_max(self, value) : mid__running_mean(self, value);
    return MID_OK;
}
