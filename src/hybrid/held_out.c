/* The members' scores are out of fold already. What makes them comparable is learned from them, so it is learned once
 * more without each inner fold before a setting is judged on that fold. */
#include "hybrid/held_out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/rows.h"

static mid_status one_fold(mid_ctx *ctx, mid__normal_kind kind, const mid_fit_set *set, const mid__member_rows *rows,
                           int fold, double *out)
{
    const size_t m = rows->n_member;
    mid__member_rows rest;
    mid__normal *normal = NULL;
    mid_weights *w = NULL;
    mid_status status = mid__member_rows_outside(ctx, set, rows, fold, &rest);
    size_t k, i;

    if (status == MID_OK)
        status = mid_weights_open(ctx, &w);
    if (status == MID_OK)
        status = mid__normal_learn(ctx, kind, set, &rest, w);
    if (status == MID_OK)
        status = mid__normal_open(ctx, kind, w, m, &normal);
    for (k = 0; status == MID_OK && k < rows->n; k++)
        for (i = 0; i < m && mid__inner_fold(set, rows->answer[k]) == fold; i++)
            out[k * m + i] = mid__normal_of(normal, i, rows->score[k * m + i], rows->t[k]);
    free(normal);
    mid_weights_close(w);
    mid__member_rows_clear(&rest);
    return status;
}

mid_status mid__normal_held_out(mid_ctx *ctx, mid__normal_kind kind, const mid_fit_set *set,
                                const mid__member_rows *rows, double *out)
{
    mid_status status = MID_OK;
    int fold;

    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++)
        status = one_fold(ctx, kind, set, rows, fold, out);
    return status;
}

static bool is_silent(const double *s, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!isnan(s[i]))
            return false;
    return true;
}

/* A fold's rows through an open fusion, answer by answer. */
static void fuse_fold(const mid__fusion *fusion, const void *plan, void *state, const mid_fit_set *set,
                      const mid__member_rows *rows, int fold, double *fused)
{
    size_t k;

    for (k = 0; k < rows->n; k++) {
        const double *s = rows->score + k * rows->n_member;
        if (k == 0 || rows->answer[k] != rows->answer[k - 1])
            memset(state, 0, fusion->state_size);
        if (mid__inner_fold(set, rows->answer[k]) != fold)
            continue;
        fused[k] = is_silent(s, rows->n_member) ? NAN : fusion->fuse(plan, state, s, rows->t[k]);
        if (!isfinite(fused[k]))
            fused[k] = NAN;
    }
}

static mid_status fused_fold(mid_ctx *ctx, const mid__fusion *fusion, const mid_param *params, const mid_fit_set *set,
                             const mid__member_rows *rows, int fold, double *fused)
{
    mid__member_rows rest = { 0 };
    mid_weights *w = NULL;
    void *plan = NULL, *state = malloc(fusion->state_size + 1);
    mid_status status = state ? mid__member_rows_outside(ctx, set, rows, fold, &rest) : mid__oom(ctx, "a hybrid");

    if (status == MID_OK)
        status = mid_weights_open(ctx, &w);
    if (status == MID_OK)
        status = fusion->learn(ctx, set, &rest, params, w);
    if (status == MID_OK)
        status = fusion->open(ctx, w, params, rows->n_member, &plan);
    if (status == MID_OK) {
        fuse_fold(fusion, plan, state, set, rows, fold, fused);
        mid__fusion_close(fusion, plan);
    }
    free(state);
    mid_weights_close(w);
    mid__member_rows_clear(&rest);
    return status;
}

mid_status mid__fused_held_out(mid_ctx *ctx, const mid__fusion *fusion, const mid_param *params, const mid_fit_set *set,
                               const mid__member_rows *rows, double *fused)
{
    mid_status status = MID_OK;
    int fold;

    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++)
        status = fused_fold(ctx, fusion, params, set, rows, fold, fused);
    return status;
}

/* AUROC of scores (n) on one inner fold's rows; NaN where it is undefined. room: a copy of rows, to be overwritten. */
static mid_status auroc_within(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, int fold,
                               const double *score, mid__member_rows *room, double *auroc)
{
    size_t k;

    room->n = 0;
    for (k = 0; k < rows->n; k++) {
        if (mid__inner_fold(set, rows->answer[k]) != fold)
            continue;
        room->score[room->n] = score[k];
        room->answer[room->n] = rows->answer[k];
        room->label[room->n] = rows->label[k];
        room->horizon[room->n] = rows->horizon[k];
        room->weight[room->n++] = rows->weight[k];
    }
    return mid__member_rows_auroc(ctx, set, room, room->score, auroc);
}

mid_status mid__gain_in_errors(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const double *a,
                               const double *b, double *gain)
{
    mid__member_rows room = { 0 };
    double sum = 0, square = 0, auroc_a, auroc_b, mean, error;
    mid_status status = mid__member_rows_outside(ctx, set, rows, -1, &room);     /* outside no fold: all */
    int fold, n = 0;

    *gain = NAN;
    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++) {
        status = auroc_within(ctx, set, rows, fold, a, &room, &auroc_a);
        if (status == MID_OK)
            status = auroc_within(ctx, set, rows, fold, b, &room, &auroc_b);
        if (status != MID_OK || isnan(auroc_a - auroc_b))
            continue;
        sum += auroc_a - auroc_b;
        square += (auroc_a - auroc_b) * (auroc_a - auroc_b);
        n++;
    }
    mid__member_rows_clear(&room);
    if (status != MID_OK || n < 2)
        return status;
    mean = sum / n;
    error = sqrt(fmax(0, square / n - mean * mean) / (n - 1));
    *gain = error > 1e-12 ? mean / error : mean == 0 ? 0 : copysign(INFINITY, mean);
    return MID_OK;
}
