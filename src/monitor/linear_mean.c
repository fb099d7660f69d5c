/* The running mean of a linear score. */
#include "monitor/linear_mean.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "monitor/row_choice.h"
#include "monitor/running.h"

struct plan { size_t d, at; double b; float w[]; };

mid_status mid__linear_mean_keep(mid_ctx *ctx, const float *w, double b, size_t d, mid_weights *out)
{
    const float b_float = (float)b;
    mid_status status = mid_weights_set(ctx, out, "w", w, 1, d);

    return status == MID_OK ? mid_weights_set(ctx, out, "b", &b_float, 1, 1) : status;
}

mid_status mid__linear_mean_open(mid_ctx *ctx, const char *monitor, const mid_weights *weights, const mid_signals *signals,
                                 void **plan)
{
    const size_t d = (size_t)signals->n_embd;
    const float *w, *b;
    struct plan *p;
    size_t at = 0;
    mid_status status = mid_weights_expect(ctx, weights, "w", 1, d, &w);

    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "b", 1, 1, &b);
    if (status == MID_OK)
        status = mid__layer_at(ctx, monitor, weights, signals, &at);
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p + d * sizeof *w);
    if (!p)
        return mid__oom(ctx, monitor);
    p->d = d;
    p->at = at;
    p->b = *b;
    memcpy(p->w, w, d * sizeof *w);
    *plan = p;
    return MID_OK;
}

mid_status mid__linear_mean_push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    const double z = mid__dot(p->w, step->hidden + p->at, p->d) + p->b;

    if (!isfinite(z))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, z);
    return MID_OK;
}
