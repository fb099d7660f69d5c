/* The members' scores are out of fold already. What makes them comparable is learned from them, so it is learned once
 * more without each inner fold before a setting is judged on that fold. */
#include "hybrid/held_out.h"

#include <math.h>
#include <stdlib.h>

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
        status = mid__normal_learn(ctx, kind, &rest, w);
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

double mid__fused_auroc(const mid_fit_set *set, const mid__member_rows *rows, const double *fused)
{
    const mid__rows as_rows = { .n = rows->n, .answer = rows->answer, .label = rows->label, .weight = rows->weight,
                                .horizon = rows->horizon };
    double *said = malloc((rows->n + 1) * sizeof *said), auroc = NAN;
    size_t k;

    for (k = 0; said && k < rows->n; k++)
        said[k] = isnan(fused[k]) ? -INFINITY : fused[k];
    if (said)
        auroc = mid__rows_auroc(set, &as_rows, said);
    free(said);
    return auroc;
}
