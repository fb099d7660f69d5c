/* k-means. Sums run in double and in the rows' order, so a seed gives the same centres everywhere. */
#include "learn/kmeans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "base/rng.h"

enum { LLOYD_MAX = 100 };

uint32_t mid__nearest(const float *centre, size_t k, size_t d, const float *row, double *dist2)
{
    double best = INFINITY;
    uint32_t at = 0;
    size_t c;

    for (c = 0; c < k; c++) {
        const double r = mid__dist2(centre + c * d, row, d);
        if (r < best) {
            best = r;
            at = (uint32_t)c;
        }
    }
    if (dist2)
        *dist2 = best;
    return at;
}

/* Each next centre is a row drawn in proportion to its squared distance from the centres so far. */
static size_t seed_centres(const float *x, size_t n, size_t d, size_t k, uint64_t seed, double *far, float *centre)
{
    mid__rng rng;
    size_t i, c, at;

    mid__rng_init(&rng, seed, 0);
    at = mid__rng_below(&rng, (uint32_t)n);
    for (i = 0; i < n; i++)
        far[i] = INFINITY;
    for (c = 0; c < k; c++) {
        double total = 0, draw;
        memcpy(centre + c * d, x + at * d, d * sizeof *x);
        for (i = 0; i < n; i++) {
            far[i] = fmin(far[i], mid__dist2(x + i * d, centre + c * d, d));
            total += far[i];
        }
        if (!(total > 0))
            return c + 1;               /* every row is a centre already */
        draw = mid__rng_unit(&rng) * total;
        for (i = at = 0; i < n; i++) {
            if (far[i] > 0)
                at = i;
            draw -= far[i];
            if (draw < 0)
                break;
        }
    }
    return k;
}

/* Means of the rows of each centre. */
static void move_centres(const float *x, size_t n, size_t d, size_t k, const uint32_t *of, double *sum, size_t *count,
                         float *centre)
{
    size_t i, c, j;

    memset(sum, 0, k * d * sizeof *sum);
    memset(count, 0, k * sizeof *count);
    for (i = 0; i < n; i++) {
        mid__axpy_wide(1, x + i * d, sum + of[i] * d, d);
        count[of[i]]++;
    }
    for (c = 0; c < k; c++)
        for (j = 0; count[c] && j < d; j++)
            centre[c * d + j] = (float)(sum[c * d + j] / (double)count[c]);
}

mid_status mid__kmeans_lloyd(mid_ctx *ctx, const float *x, size_t n, size_t d, size_t k, float *centre, uint32_t *of,
                             double *inertia)
{
    double *sum = malloc((k * d + 1) * sizeof *sum), total = 0, r;
    size_t *count = malloc((k + 1) * sizeof *count), i;
    mid_status status = sum && count ? MID_OK : mid__oom(ctx, "k-means");
    bool moved = true;
    int step;

    for (step = 0; status == MID_OK && moved; step++) {
        moved = false;
        total = 0;
        for (i = 0; i < n; i++) {
            const uint32_t at = mid__nearest(centre, k, d, x + i * d, &r);
            moved |= step == 0 || at != of[i];
            of[i] = at;
            total += r;
        }
        if (!isfinite(total))
            status = mid__fail(ctx, MID_ENUMERIC, "k-means: a row is not a number");
        if (status == MID_OK && moved && step < LLOYD_MAX)
            move_centres(x, n, d, k, of, sum, count, centre);
        moved &= step < LLOYD_MAX;
    }
    if (status == MID_OK && inertia)
        *inertia = total;
    free(sum);
    free(count);
    return status;
}

mid_status mid__kmeans_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, size_t *k, uint64_t seed, float *centre,
                           uint32_t *of, double *inertia)
{
    double *far = malloc((n + 1) * sizeof *far);
    mid_status status = MID_OK;

    if (!far)
        return mid__oom(ctx, "k-means");
    if (n == 0 || *k == 0)
        status = mid__fail(ctx, MID_EUNDEFINED, "k-means: %zu centres among %zu rows", *k, n);
    if (status == MID_OK) {
        *k = seed_centres(x, n, d, *k < n ? *k : n, seed, far, centre);
        status = mid__kmeans_lloyd(ctx, x, n, d, *k, centre, of, inertia);
    }
    free(far);
    return status;
}
