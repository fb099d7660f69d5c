/* Holm 1979: with p_(1) <= ... <= p_(m), the adjusted p_(i) is the largest of (m - j + 1) p_(j), j <= i, at most 1. It
 * controls the chance of any false finding whatever the dependence of the tests, and is never weaker than
 * Bonferroni's correction. */
#include "midstream/metric.h"

#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"

struct place { double p; size_t i; };

static int rising(const void *a, const void *b)
{
    const double x = ((const struct place *)a)->p, y = ((const struct place *)b)->p;

    return (x > y) - (x < y);
}

mid_status mid_holm(mid_ctx *ctx, const double *p, size_t n, double *adjusted)
{
    struct place *place;
    size_t i, m = 0;
    double most = 0;

    for (i = 0; i < n; i++)
        if (p[i] < 0 || p[i] > 1)
            return mid__fail(ctx, MID_EINVAL, "p-value %zu of %zu is %g, want 0 to 1", i, n, p[i]);
    place = malloc((n + 1) * sizeof *place);
    if (!place)
        return mid__oom(ctx, "p-values");
    for (i = 0; i < n; i++) {
        if (!isnan(p[i]))
            place[m++] = (struct place){ p[i], i };
        adjusted[i] = p[i];
    }
    if (m > 1)
        qsort(place, m, sizeof *place, rising);
    for (i = 0; i < m; i++) {
        most = fmax(most, fmin(1, (double)(m - i) * place[i].p));
        adjusted[place[i].i] = most;
    }
    free(place);
    return MID_OK;
}
