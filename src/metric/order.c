/* Order: sorted figures, their quantiles, dense group numbers. The quantile is type 7 of Hyndman & Fan 1996, which is
 * what R and NumPy give unasked: at place h = (n - 1) p of the sorted values, interpolated linearly. */
#include "metric/order.h"

#include "base/ctx.h"
#include "midstream/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_double(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

void mid__sort_double(double *value, size_t n)
{
    if (n > 1)
        qsort(value, n, sizeof *value, by_double);
}

double mid_quantile(double *value, size_t n, double p)
{
    double at, low, high;

    if (n == 0 || !(p >= 0 && p <= 1))
        return NAN;
    mid__sort_double(value, n);
    at = (double)(n - 1) * p;
    low = value[(size_t)floor(at)];
    high = value[(size_t)ceil(at)];
    return low == high ? low : low + (at - floor(at)) * (high - low);   /* equal infinities have no difference */
}

mid_status mid__group_number(mid_ctx *ctx, uint32_t *group, size_t n, size_t *n_group)
{
    uint32_t *known, *found;
    size_t i, n_known = 0;

    if (n > INT32_MAX)
        return mid__fail(ctx, MID_ELIMIT, "%zu answers, at most %d at once: measure them in parts", n, INT32_MAX);
    known = malloc((n + 1) * sizeof *known);
    if (!known)
        return mid__oom(ctx, "prompt groups");
    if (n > 0) {
        memcpy(known, group, n * sizeof *known);
        qsort(known, n, sizeof *known, by_number);
    }
    for (i = 0; i < n; i++)
        if (i == 0 || known[i] != known[n_known - 1])
            known[n_known++] = known[i];
    for (i = 0; i < n; i++) {
        found = bsearch(&group[i], known, n_known, sizeof *known, by_number);
        group[i] = (uint32_t)(found - known);
    }
    free(known);
    *n_group = n_known;
    return MID_OK;
}
