/* Choosing a layer for one-class monitors: for each candidate, learn on the safe rows outside an inner fold and score the
 * rows inside it. */
#include "monitor/layer_choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

/* Rows of safe answers, all or those outside a fold. */
static void mark_safe(const mid_fit_set *set, const mid__rows *rows, int fold_out, uint8_t *use)
{
    size_t i;

    for (i = 0; i < rows->n; i++)
        use[i] = !rows->label[i] && (fold_out < 0 || mid__inner_fold(set, rows->answer[i]) != fold_out);
}

/* Scores of the rows in a fold, each the mean over its answer's rows so far. */
static void score_fold(const mid_fit_set *set, const mid__rows *rows, int fold, const mid__one_class *method,
                       const void *model, double *score)
{
    double sum = 0;
    size_t i, n = 0;

    for (i = 0; i < rows->n; i++) {
        if (i == 0 || rows->answer[i] != rows->answer[i - 1])
            sum = n = 0;
        if (mid__inner_fold(set, rows->answer[i]) != fold)
            continue;
        sum += method->score(model, rows->x + i * rows->d, rows->d);
        score[i] = sum / (double)++n;
    }
}

static mid_status inner_auroc(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, const mid__one_class *method,
                              void *model, uint8_t *use, double *auroc)
{
    double *score = calloc(rows->n + 1, sizeof *score);
    mid_status status = score ? MID_OK : mid__oom(ctx, "inner scores");
    int fold;

    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++) {
        mark_safe(set, rows, fold, use);
        memset(model, 0, method->model_size);
        status = method->learn(ctx, rows, use, model);
        if (status == MID_OK)
            score_fold(set, rows, fold, method, model, score);
        method->forget(model);
    }
    if (status == MID_OK)
        *auroc = fmax(0, mid__rows_auroc(set, rows, score));    /* 0 for NaN, too */
    free(score);
    return status;
}

mid_status mid__one_class_fit(mid_ctx *ctx, const mid_fit_set *set, double layer_param, const mid__one_class *method,
                              mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    mid__rows rows = { 0 }, best = { 0 };
    double auroc, best_auroc = -1;
    int first, last, l, best_l = 0;
    uint8_t *use = NULL;
    void *model = calloc(1, method->model_size);
    mid_status status = mid__layer_range(ctx, signals, layer_param, &first, &last);

    if (status == MID_OK && !model)
        status = mid__oom(ctx, "a one-class monitor");
    for (l = first; status == MID_OK && l <= last; l++) {
        status = mid__rows_of(ctx, set, l, MID__VIEW_TOKEN, 0, 0, &rows);
        if (status == MID_OK && !use && !(use = malloc(rows.n + 1)))
            status = mid__oom(ctx, "inner folds");
        auroc = 0;
        if (status == MID_OK && first != last)
            status = inner_auroc(ctx, set, &rows, method, model, use, &auroc);
        if (status == MID_EUNDEFINED)   /* too few answers for a fold: the first layer is as good as any */
            status = MID_OK;
        if (status == MID_OK && auroc > best_auroc) {
            mid__rows swap = best;
            best = rows;
            rows = swap;
            best_auroc = auroc;
            best_l = l;
        }
        mid__rows_clear(&rows);
    }
    if (status == MID_OK) {
        mark_safe(set, &best, -1, use);
        memset(model, 0, method->model_size);
        status = method->learn(ctx, &best, use, model);
        if (status == MID_OK)
            status = method->keep(ctx, model, best.d, out);
        if (status == MID_OK)
            status = mid_weights_set_number(ctx, out, "layer", signals->layer[best_l]);
        method->forget(model);
    }
    mid__rows_clear(&best);
    free(use);
    free(model);
    return status;
}
