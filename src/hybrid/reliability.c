/* Looked at token by token and then averaged: pooled over positions, a score that only grows with the answer would look
 * reliable where unsafe answers are the longer ones. */
#include "hybrid/reliability.h"

#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"

mid_status mid__reliability(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, float *r)
{
    double *column = malloc((rows->n + 1) * sizeof *column);
    size_t i;

    if (!column)
        return mid__oom(ctx, "a hybrid");
    for (i = 0; i < rows->n_member; i++) {
        double auroc;
        mid__member_column(rows, i, column);
        auroc = mid__member_rows_auroc(set, rows, column);
        r[i] = auroc > 0.5 ? (float)(2 * auroc - 1) : 0;
    }
    free(column);
    return MID_OK;
}
