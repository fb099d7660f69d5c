/* Linear scores of rows. */
#include "monitor/linear.h"

#include <stdlib.h>
#include <string.h>

#include "base/linalg.h"
#include "monitor/fitted.h"

double mid__linear_score(const void *model, const float *row, size_t d)
{
    const mid__linear *m = model;

    return mid__dot(m->w, row, d) + m->b;
}

mid_status mid__linear_keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    const mid__linear *m = model;
    const float b = (float)m->b;
    mid_status status = mid_weights_set(ctx, out, "w", m->w, 1, d);

    return status == MID_OK ? mid_weights_set(ctx, out, "b", &b, 1, 1) : status;
}

mid_status mid__linear_restore(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model)
{
    mid__linear *m = model;
    const float *b;
    mid_status status = mid__tensor_copy(ctx, weights, "w", 1, d, &m->w);

    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "b", 1, 1, &b);
    if (status == MID_OK)
        m->b = (double)*b;
    return status;
}

void mid__linear_forget(void *model)
{
    mid__linear *m = model;

    free(m->w);
    memset(m, 0, sizeof *m);
}

const mid__row_method mid__linear_method = { .model_size = sizeof(mid__linear), .score = mid__linear_score,
                                             .keep = mid__linear_keep, .restore = mid__linear_restore,
                                             .forget = mid__linear_forget };
