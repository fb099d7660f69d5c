/* k-means. Sums run in double and in the rows' order, so a seed gives the same centres everywhere. Lloyd's steps first
 * look at |c|^2 / 2 - x.c in float, for all centres at once as a product of matrices; those that rounding may have kept
 * from being the nearest are then measured in double, so that every row goes where it would without the short cut. */
#include "learn/kmeans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/kernel.h"
#include "base/linalg.h"
#include "base/rng.h"
#include "learn/dense.h"

enum { LLOYD_MAX = 100, N_BLOCK = 64, N_LANE = MID__N_LANE };

uint32_t mid__nearest(const float *centre, size_t k, size_t d, const float *row, double *dist2)
{
    double least;
    const size_t at = mid__nearest_row(centre, k, d, row, &least);

    if (dist2)
        *dist2 = least;
    return (uint32_t)at;
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

/* Centres as Lloyd's steps look at them: lying down, with more of them, infinitely far, to fill the last vector. */
struct field {
    size_t k, d, n_column;
    const float *centre;                /* (k, d) */
    float *lying;                       /* (d, n_column) the centres' negatives */
    float *half;                        /* (n_column) |c|^2 / 2 */
    float *rough;                       /* (N_BLOCK, n_column) |c|^2 / 2 - x.c, for some rows */
    double longest;                     /* |c| */
};

static bool field_open(struct field *f, const float *centre, size_t k, size_t d)
{
    *f = (struct field){ .k = k, .d = d, .n_column = (k + N_LANE - 1) / N_LANE * N_LANE, .centre = centre };
    f->lying = calloc(d * f->n_column + 1, sizeof *f->lying);
    f->half = malloc((f->n_column + 1) * sizeof *f->half);
    f->rough = malloc((N_BLOCK * f->n_column + 1) * sizeof *f->rough);
    return f->lying && f->half && f->rough;
}

static void field_clear(struct field *f)
{
    free(f->lying);
    free(f->half);
    free(f->rough);
}

static void look(struct field *f)
{
    size_t c, j;

    for (f->longest = 0, c = 0; c < f->n_column; c++) {
        const double square = c < f->k ? mid__dot(f->centre + c * f->d, f->centre + c * f->d, f->d) : INFINITY;
        f->half[c] = (float)(square / 2);
        f->longest = c < f->k ? fmax(f->longest, sqrt(square)) : f->longest;
        for (j = 0; c < f->k && j < f->d; j++)
            f->lying[j * f->n_column + c] = -f->centre[c * f->d + j];
    }
}

/* Per lane the least of the rough figures. */
MID__CLONES
static void least_of(const float *rough, size_t n_column, float *least)
{
    mid__lanes low = mid__lanes_at(rough);
    size_t c;

    for (c = N_LANE; c < n_column; c += N_LANE) {
        const mid__lanes now = mid__lanes_at(rough + c);
        const mid__int_lanes less = now < low;
        low = (mid__lanes)((less & (mid__int_lanes)now) | (~less & (mid__int_lanes)low));
    }
    memcpy(least, &low, sizeof low);
}

/* A sum of d + 1 floats in any order is off by at most (d + 1) 2^-24 of the sum of their sizes, here |c|^2/2 + |x||c|;
 * two of them are compared, and 4 instead of 2 leaves room for rounding the bound itself. */
static uint32_t nearest_of(const struct field *f, const float *row, const float *rough, double *dist2)
{
    const double size = f->longest * (f->longest / 2 + sqrt(mid__dot(row, row, f->d)));
    const double slack = 4 * (double)(f->d + 1) * 0x1p-24 * size;
    float least[N_LANE], limit = INFINITY;
    double best = INFINITY, r;
    uint32_t at = 0;
    size_t l, c;

    least_of(rough, f->n_column, least);
    for (l = 0; l < N_LANE; l++)
        limit = least[l] < limit ? least[l] : limit;
    limit = (float)((double)limit + slack);
    for (l = 0; l < N_LANE; l++)
        for (c = l; least[l] <= limit && c < f->k; c += N_LANE) {
            if (!(rough[c] <= limit))
                continue;
            r = mid__dist2(f->centre + c * f->d, row, f->d);
            if (r < best || (r == best && c < at)) {
                best = r;
                at = (uint32_t)c;
            }
        }
    if (!(best < INFINITY))             /* too large for float, or not a number */
        return mid__nearest(f->centre, f->k, f->d, row, dist2);
    *dist2 = best;
    return at;
}

/* Send every row to its nearest centre; gives the sum of squared distances. */
static double assign(struct field *f, const float *x, size_t n, uint32_t *of, bool *moved)
{
    double total = 0, r;
    size_t i, k, n_row;

    look(f);
    for (i = 0; i < n; i += n_row) {
        n_row = n - i < N_BLOCK ? n - i : N_BLOCK;
        mid__fill_rows(f->half, n_row, f->n_column, f->rough);
        mid__gemm(n_row, f->n_column, f->d, x + i * f->d, f->d, 1, f->lying, f->rough);
        for (k = 0; k < n_row; k++) {
            const uint32_t at = nearest_of(f, x + (i + k) * f->d, f->rough + k * f->n_column, &r);
            *moved |= at != of[i + k];
            of[i + k] = at;
            total += r;
        }
    }
    return total;
}

mid_status mid__kmeans_lloyd(mid_ctx *ctx, const float *x, size_t n, size_t d, size_t k, float *centre, uint32_t *of,
                             double *inertia)
{
    double *sum = malloc((k * d + 1) * sizeof *sum), total = 0;
    size_t *count = malloc((k + 1) * sizeof *count);
    struct field f;
    mid_status status = field_open(&f, centre, k, d) && sum && count ? MID_OK : mid__oom(ctx, "k-means");
    bool moved = true;
    int step;

    memset(of, 0, n * sizeof *of);
    for (step = 0; status == MID_OK && moved; step++) {
        moved = step == 0;
        total = assign(&f, x, n, of, &moved);
        if (!isfinite(total))
            status = mid__fail(ctx, MID_ENUMERIC, "k-means: a row is not a number");
        if (status == MID_OK && moved && step < LLOYD_MAX)
            move_centres(x, n, d, k, of, sum, count, centre);
        moved &= step < LLOYD_MAX;
    }
    if (status == MID_OK && inertia)
        *inertia = total;
    field_clear(&f);
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
