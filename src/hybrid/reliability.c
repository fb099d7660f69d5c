/* Looked at token by token and then averaged: pooled over positions, a score that only grows with the answer would look
 * reliable where unsafe answers are the longer ones. */
#include "hybrid/reliability.h"

#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"

mid_status mid__reliability(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, float *r)
{
    double *column = malloc((rows->n + 1) * sizeof *column);
    mid_status status = column ? MID_OK : mid__oom(ctx, "a hybrid");
    size_t i;

    for (i = 0; status == MID_OK && i < rows->n_member; i++) {
        double auroc = NAN;
        mid__member_column(rows, i, column);
        status = mid__member_rows_auroc(ctx, set, rows, column, &auroc);
        r[i] = auroc > 0.5 ? (float)(2 * auroc - 1) : 0;
    }
    free(column);
    return status;
}
