/* Inner folds for C and for the layer. A fold's rows are scored by weights that were fitted without them. */
#include "monitor/rows_lr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "base/logistic.h"

static const double c_rows[] = { 0.001, 0.003, 0.01, 0.03, 0.1 };
const mid__c_grid mid__c_grid_rows = { c_rows, sizeof c_rows / sizeof c_rows[0], 0.01 };

/* Standardised rows and where they came from. */
struct scaled { mid__rows rows; double *mean, *sd; };

/* Rows outside an inner fold (-1: all), standardised by their own mean and deviation. */
static mid_status scale_rows(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *all, int fold_out, struct scaled *out)
{
    mid_status status = mid__rows_outside(ctx, set, all, fold_out, &out->rows);

    out->mean = malloc(all->d * sizeof *out->mean);
    out->sd = malloc(all->d * sizeof *out->sd);
    if (status == MID_OK && (!out->mean || !out->sd))
        status = mid__oom(ctx, "training rows");
    if (status == MID_OK)
        mid__rows_standardise(&out->rows, out->mean, out->sd);
    return status;
}

static void scaled_clear(struct scaled *s)
{
    mid__rows_clear(&s->rows);
    free(s->mean);
    free(s->sd);
}

/* Weights for raw rows from weights for standardised ones: w_j / sd_j, and b - sum w_j mean_j / sd_j. */
static void unscale(const struct scaled *s, const double *w, double b, float *w_raw, double *b_raw)
{
    size_t j;

    *b_raw = b;
    for (j = 0; j < s->rows.d; j++) {
        w_raw[j] = (float)(w[j] / s->sd[j]);
        *b_raw -= w[j] / s->sd[j] * s->mean[j];
    }
}

/* Scores of the inner fold's rows under every C; scores (grid->n, rows->n). Each C starts from the last one's w. */
static mid_status score_fold(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, int fold, const mid__c_grid *grid,
                             double *scores, bool *defined)
{
    double *w = calloc(rows->d, sizeof *w), b = 0, b_raw;
    float *w_raw = malloc(rows->d * sizeof *w_raw);
    struct scaled s;
    size_t i;
    int k;
    mid_status status = scale_rows(ctx, set, rows, fold, &s);

    if (status == MID_OK && (!w || !w_raw))
        status = mid__oom(ctx, "a probe");
    for (k = 0; status == MID_OK && k < grid->n; k++) {
        status = mid__logistic_fit(ctx, s.rows.x, s.rows.n, rows->d, s.rows.label, s.rows.weight, grid->c[k], w, &b);
        if (status != MID_OK)
            break;
        unscale(&s, w, b, w_raw, &b_raw);
        for (i = 0; i < rows->n; i++)
            if (mid__inner_fold(set, rows->answer[i]) == fold)
                scores[(size_t)k * rows->n + i] = mid__dot(w_raw, rows->x + i * rows->d, rows->d) + b_raw;
    }
    *defined = status == MID_OK;
    if (status == MID_EUNDEFINED)       /* too few answers for this fold: the choice rests on the others */
        status = MID_OK;
    scaled_clear(&s);
    free(w);
    free(w_raw);
    return status;
}

mid_status mid__rows_lr_choose(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, const mid__c_grid *grid,
                               double *c, double *auroc)
{
    double *scores = calloc((size_t)grid->n * rows->n + 1, sizeof *scores), a;
    bool defined = false, all_defined = true;
    mid_status status = scores ? MID_OK : mid__oom(ctx, "inner scores");
    int fold, k;

    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++) {
        status = score_fold(ctx, set, rows, fold, grid, scores, &defined);
        all_defined &= defined;
    }
    *c = grid->fallback;
    *auroc = 0;
    for (k = 0; status == MID_OK && all_defined && k < grid->n; k++) {
        status = mid__rows_auroc(ctx, set, rows, scores + (size_t)k * rows->n, &a);
        if (status == MID_OK && a > *auroc) {               /* ties stay with the smaller C */
            *auroc = a;
            *c = grid->c[k];
        }
    }
    free(scores);
    return status;
}

mid_status mid__rows_lr_fit(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, double c, float *w, float *b)
{
    double *w_scaled = calloc(rows->d, sizeof *w_scaled), b_scaled = 0, b_raw;
    struct scaled s;
    mid_status status = scale_rows(ctx, set, rows, -1, &s);

    if (status == MID_OK && !w_scaled)
        status = mid__oom(ctx, "a probe");
    if (status == MID_OK)
        status = mid__logistic_fit(ctx, s.rows.x, s.rows.n, rows->d, s.rows.label, s.rows.weight, c, w_scaled, &b_scaled);
    if (status == MID_OK) {
        unscale(&s, w_scaled, b_scaled, w, &b_raw);
        *b = (float)b_raw;
    }
    scaled_clear(&s);
    free(w_scaled);
    return status;
}

mid_status mid__linear_layer(mid_ctx *ctx, const mid_fit_set *set, double layer_param, mid__view view, int *i_layer)
{
    static const double c_one = 0.01;
    static const mid__c_grid one = { &c_one, 1, 0.01 };
    double best = -1, auroc, c;
    int first, last, l;
    mid__rows rows;
    mid_status status = mid__layer_range(ctx, mid_trace_signals(set->answer[0].trace), layer_param, &first, &last);

    *i_layer = first;
    for (l = first; status == MID_OK && first != last && l <= last; l++) {
        status = mid__rows_of(ctx, set, l, view, 0, 0, &rows);
        if (status != MID_OK)
            break;
        status = mid__rows_lr_choose(ctx, set, &rows, &one, &c, &auroc);
        if (status == MID_OK && auroc > best) {
            best = auroc;
            *i_layer = l;
        }
        mid__rows_clear(&rows);
    }
    return status;
}
