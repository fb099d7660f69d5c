/* AdamW in float32; the two corrections are scalars in double. */
#include "learn/adam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/kernel.h"

static const float keep_m = 0.9f, keep_v = 0.999f, floor_ = 1e-8f;

mid_status mid__adam_open(mid_ctx *ctx, size_t n, mid__adam *adam)
{
    *adam = (mid__adam){ .n = n, .left_m = 1, .left_v = 1 };
    adam->m = calloc(n + 1, sizeof *adam->m);
    adam->v = calloc(n + 1, sizeof *adam->v);
    if (adam->m && adam->v)
        return MID_OK;
    mid__adam_clear(adam);
    return mid__oom(ctx, "AdamW's moments");
}

void mid__adam_clear(mid__adam *adam)
{
    free(adam->m);
    free(adam->v);
    memset(adam, 0, sizeof *adam);
}

MID__CLONES
static void step(float *m, float *v, const float *grad, float *w, size_t n, float rate, float scale_v, float shrink)
{
    size_t i;

    for (i = 0; i < n; i++) {
        m[i] = keep_m * m[i] + (1 - keep_m) * grad[i];
        v[i] = keep_v * v[i] + (1 - keep_v) * (grad[i] * grad[i]);
        w[i] = shrink * w[i] - rate * m[i] / (__builtin_sqrtf(v[i] * scale_v) + floor_);
    }
}

void mid__adam_step(mid__adam *adam, double rate, double decay, const float *grad, float *w)
{
    adam->left_m *= (double)keep_m;
    adam->left_v *= (double)keep_v;
    step(adam->m, adam->v, grad, w, adam->n, (float)(rate / (1 - adam->left_m)), (float)(1 / (1 - adam->left_v)),
         (float)(1 - rate * decay));
}
