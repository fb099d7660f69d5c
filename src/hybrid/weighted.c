/* Weighted means of comparable scores. */
#include "hybrid/weighted.h"

#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"

mid_status mid__weighted_open(mid_ctx *ctx, mid__normal_kind kind, const mid_weights *weights, size_t n, void **plan)
{
    mid__weighted *p = calloc(1, sizeof *p);
    const float *weight;
    size_t i;
    mid_status status = p ? mid_weights_expect(ctx, weights, "weight", 1, n, &weight) : mid__oom(ctx, "a hybrid");

    for (i = 0; status == MID_OK && i < n; i++) {
        p->weight[i] = (double)weight[i];
        if (!(weight[i] >= 0))
            status = mid__fail(ctx, MID_EFORMAT, "weight %zu is %g: none may be below 0", i, (double)weight[i]);
    }
    if (status == MID_OK)
        status = mid__normal_open(ctx, kind, weights, n, &p->normal);
    if (status == MID_OK)
        *plan = p;
    else
        free(p);
    return status;
}

double mid__weighted_mean(const void *plan, void *state, const double *s, uint32_t t)
{
    const mid__weighted *p = plan;
    double sum = 0, weight = 0, plain = 0;
    size_t i, n = 0;

    (void)state;
    for (i = 0; i < p->normal->n; i++)
        if (!isnan(s[i])) {
            const double x = mid__normal_of(p->normal, i, s[i], t);
            sum += p->weight[i] * x;
            weight += p->weight[i];
            plain += x;
            n++;
        }
    return weight > 0 ? sum / weight : plain / (double)n;
}
