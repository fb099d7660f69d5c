/* Abstract states. A grid's axes run from the 1 % to the 99 % quantile of the points, since a few far rows would otherwise
 * press all others into one cell; what lies beyond belongs to the outer cells. */
#include "monitor/luna_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/gmm.h"
#include "learn/kmeans.h"
#include "learn/pca.h"
#include "midstream/metric.h"
#include "monitor/fitted.h"
#include "monitor/rows.h"

static const double code_limit = 16777216;                      /* 2^24: codes are stored as float32 */
static const double bound_quantile = 0.01;

/* A parameter that is a whole number from least to most. */
static mid_status whole(mid_ctx *ctx, const mid_param *params, const char *name, double least, double most, uint32_t *out)
{
    const double x = mid__param_number(params, name);

    if (!(x >= least && x <= most) || x != floor(x))
        return mid__fail(ctx, MID_EINVAL, "%s %g: a whole number from %g to %g", name, x, least, most);
    *out = (uint32_t)x;
    return MID_OK;
}

mid_status mid__luna_shape_of(mid_ctx *ctx, const mid_param *params, mid__luna_shape *shape)
{
    static const char *const name[] = { "kmeans", "gmm", "grid" };
    const char *map = mid__param_text(params, "map");
    size_t k = 0;
    mid_status status;

    while (k < 3 && strcmp(map, name[k]) != 0)
        k++;
    if (k == 3)
        return mid__fail(ctx, MID_EINVAL, "map '%.40s': kmeans, gmm or grid", map);
    shape->kind = (mid__luna_kind)k;
    status = whole(ctx, params, "dims", 1, MID__LUNA_DIM_MAX, &shape->n_dim);
    if (status == MID_OK)
        status = whole(ctx, params, "states", 2, 1024, &shape->n_state);
    if (status == MID_OK)
        status = whole(ctx, params, "cells", 2, 64, &shape->n_cell);
    if (status == MID_OK)
        status = whole(ctx, params, "history", 0, MID__LUNA_HISTORY_MAX, &shape->n_history);
    if (status == MID_OK && shape->kind == MID__LUNA_GRID &&
        pow(shape->n_cell, (double)shape->n_dim * (shape->n_history + 1)) >= code_limit)
        status = mid__fail(ctx, MID_EINVAL, "a grid of %u cells on %u axes with %u cells of history has too many states: "
                           "cells ^ (dims * (history + 1)) must stay below 2^24", shape->n_cell, shape->n_dim,
                           shape->n_history);
    return status;
}

/* Points of all rows (n, n_dim). */
static float *points_of(const mid__luna_map *m, const float *x, size_t n)
{
    float *point = malloc((n * m->shape.n_dim + 1) * sizeof *point);
    size_t i;

    for (i = 0; point && i < n; i++)
        mid__luna_point(m, x + i * m->d, point + i * m->shape.n_dim);
    return point;
}

static mid_status fit_kmeans(mid_ctx *ctx, const float *point, size_t n, uint64_t seed, mid__luna_map *m)
{
    uint32_t *of = malloc((n + 1) * sizeof *of);
    size_t k = m->shape.n_state;
    mid_status status;

    m->centre = malloc((k * m->shape.n_dim + 1) * sizeof *m->centre);
    status = of && m->centre ? mid__kmeans_fit(ctx, point, n, m->shape.n_dim, &k, seed, m->centre, of, NULL)
                             : mid__oom(ctx, "abstract states");
    m->shape.n_state = (uint32_t)k;
    free(of);
    return status;
}

static mid_status fit_gmm(mid_ctx *ctx, const float *point, size_t n, uint64_t seed, mid__luna_map *m)
{
    const size_t k = m->shape.n_state, p = m->shape.n_dim;
    double *offset = malloc((k + 1) * sizeof *offset);
    mid__gmm g;
    size_t i;
    mid_status status = mid__gmm_fit(ctx, point, n, p, k, seed, &g);

    m->centre = malloc((k * p + 1) * sizeof *m->centre);
    m->precision = malloc((k * p + 1) * sizeof *m->precision);
    m->offset = malloc((k + 1) * sizeof *m->offset);
    if (status == MID_OK && (!offset || !m->centre || !m->precision || !m->offset))
        status = mid__oom(ctx, "abstract states");
    if (status == MID_OK) {
        mid__gmm_offsets(&g, offset);
        m->shape.n_state = (uint32_t)g.k;
        for (i = 0; i < g.k * p; i++) {
            m->centre[i] = (float)g.mean[i];
            m->precision[i] = (float)(1 / g.variance[i]);
        }
        for (i = 0; i < g.k; i++)
            m->offset[i] = (float)offset[i];
    }
    mid__gmm_clear(&g);
    free(offset);
    return status;
}

static mid_status fit_grid(mid_ctx *ctx, const float *point, size_t n, mid__luna_map *m)
{
    const size_t p = m->shape.n_dim;
    double *column = malloc((n + 1) * sizeof *column);
    size_t i, j;

    m->lo = malloc(p * sizeof *m->lo);
    m->hi = malloc(p * sizeof *m->hi);
    if (!column || !m->lo || !m->hi) {
        free(column);
        return mid__oom(ctx, "abstract states");
    }
    for (j = 0; j < p; j++) {
        for (i = 0; i < n; i++)
            column[i] = (double)point[i * p + j];
        m->lo[j] = (float)mid_quantile(column, n, bound_quantile);
        m->hi[j] = (float)mid_quantile(column, n, 1 - bound_quantile);
    }
    free(column);
    return MID_OK;
}

mid_status mid__luna_map_fit(mid_ctx *ctx, const mid__luna_shape *shape, const float *x, size_t n, size_t d, uint64_t seed,
                             mid__luna_map *out)
{
    float *point = NULL;
    mid__pca pca;
    mid_status status = mid__pca_fit(ctx, x, n, d, shape->n_dim, &pca);

    memset(out, 0, sizeof *out);
    out->shape = *shape;
    out->d = d;
    if (status == MID_OK) {
        out->shape.n_dim = (uint32_t)pca.k;
        out->mean = pca.mean;
        out->axis = pca.axis;
        pca.mean = pca.axis = NULL;
        point = points_of(out, x, n);
        if (!point)
            status = mid__oom(ctx, "abstract states");
    }
    mid__pca_clear(&pca);
    if (status == MID_OK && shape->kind == MID__LUNA_KMEANS)
        status = fit_kmeans(ctx, point, n, seed, out);
    if (status == MID_OK && shape->kind == MID__LUNA_GMM)
        status = fit_gmm(ctx, point, n, seed, out);
    if (status == MID_OK && shape->kind == MID__LUNA_GRID)
        status = fit_grid(ctx, point, n, out);
    free(point);
    return status;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

mid_status mid__luna_map_see(mid_ctx *ctx, mid__luna_map *map, const float *code, size_t n)
{
    size_t i, k = 0;

    map->code = malloc((n + 1) * sizeof *map->code);
    if (!map->code)
        return mid__oom(ctx, "abstract states");
    memcpy(map->code, code, n * sizeof *map->code);
    qsort(map->code, n, sizeof *map->code, by_value);
    for (i = 0; i < n; i++)
        if (k == 0 || map->code[i] > map->code[k - 1])
            map->code[k++] = map->code[i];
    if (k > MID__LUNA_STATE_MAX)
        return mid__fail(ctx, MID_ELIMIT, "the grid has %zu states, the limit is %d: fewer dims, cells or history", k,
                         MID__LUNA_STATE_MAX);
    map->shape.n_state = (uint32_t)k;
    return MID_OK;
}

void mid__luna_map_clear(mid__luna_map *map)
{
    free(map->mean);
    free(map->axis);
    free(map->centre);
    free(map->precision);
    free(map->offset);
    free(map->lo);
    free(map->hi);
    free(map->code);
    memset(map, 0, sizeof *map);
}

bool mid__luna_point(const mid__luna_map *map, const float *row, float *point)
{
    float scratch[MID__LUNA_D_MAX];

    mid__pca_project(map->mean, map->axis, map->shape.n_dim, map->d, row, scratch, point);
    return mid__is_finite(row, map->d) && mid__is_finite(point, map->shape.n_dim);
}

/* The cell of a point, its axes' cell numbers as digits. */
static uint32_t cell_of(const mid__luna_map *m, const float *point)
{
    uint32_t cell = 0, j;

    for (j = m->shape.n_dim; j-- > 0; ) {
        const double wide = (double)m->hi[j] - (double)m->lo[j];
        const double at = wide > 0 ? ((double)point[j] - (double)m->lo[j]) / wide * m->shape.n_cell : 0;
        const double digit = fmin(fmax(floor(at), 0), m->shape.n_cell - 1.0);
        cell = cell * m->shape.n_cell + (uint32_t)digit;
    }
    return cell;
}

float mid__luna_code(const mid__luna_map *map, mid__luna_cursor *cursor, const float *point)
{
    const uint32_t own = cell_of(map, point), n_history = map->shape.n_history;
    const double base = pow(map->shape.n_cell, map->shape.n_dim);
    double code = own, weight = base;
    uint32_t k;

    for (k = 0; k < n_history; k++, weight *= base)             /* before the first row it was where it is now */
        code += weight * (k < cursor->n ? cursor->cell[k] : own);
    for (k = MID__LUNA_HISTORY_MAX - 1; k > 0; k--)
        cursor->cell[k] = cursor->cell[k - 1];
    cursor->cell[0] = own;
    cursor->n = cursor->n < MID__LUNA_HISTORY_MAX ? cursor->n + 1 : MID__LUNA_HISTORY_MAX;
    return (float)code;
}

static uint32_t likeliest(const mid__luna_map *m, const float *point)
{
    const size_t p = m->shape.n_dim;
    double best = -INFINITY;
    uint32_t at = 0, c;
    size_t j;

    for (c = 0; c < m->shape.n_state; c++) {
        double lp = (double)m->offset[c];
        for (j = 0; j < p; j++) {
            const double a = (double)point[j] - (double)m->centre[c * p + j];
            lp -= 0.5 * a * a * (double)m->precision[c * p + j];
        }
        if (lp > best) {
            best = lp;
            at = c;
        }
    }
    return at;
}

uint32_t mid__luna_next(const mid__luna_map *map, mid__luna_cursor *cursor, const float *point)
{
    const float *found;
    float code;

    if (map->shape.kind == MID__LUNA_KMEANS)
        return mid__nearest(map->centre, map->shape.n_state, map->shape.n_dim, point, NULL);
    if (map->shape.kind == MID__LUNA_GMM)
        return likeliest(map, point);
    code = mid__luna_code(map, cursor, point);
    found = bsearch(&code, map->code, map->shape.n_state, sizeof code, by_value);
    return found ? (uint32_t)(found - map->code) : map->shape.n_state;
}

mid_status mid__luna_map_keep(mid_ctx *ctx, const mid__luna_map *map, mid_weights *out)
{
    const size_t n = map->shape.n_state, p = map->shape.n_dim;
    mid_status status = mid_weights_set(ctx, out, "mean", map->mean, 1, map->d);

    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "axis", map->axis, p, map->d);
    if (status == MID_OK && map->centre)
        status = mid_weights_set(ctx, out, "centre", map->centre, n, p);
    if (status == MID_OK && map->precision)
        status = mid_weights_set(ctx, out, "precision", map->precision, n, p);
    if (status == MID_OK && map->offset)
        status = mid_weights_set(ctx, out, "offset", map->offset, 1, n);
    if (status == MID_OK && map->lo)
        status = mid_weights_set(ctx, out, "lo", map->lo, 1, p);
    if (status == MID_OK && map->hi)
        status = mid_weights_set(ctx, out, "hi", map->hi, 1, p);
    return status == MID_OK && map->code ? mid_weights_set(ctx, out, "code", map->code, 1, n) : status;
}

/* How many states the tensor that has one entry or row per state says there are. */
static mid_status count_states(mid_ctx *ctx, const mid_weights *w, mid__luna_map *m)
{
    const bool grid = m->shape.kind == MID__LUNA_GRID;
    const float *data;
    size_t n_row, n_col, i;
    mid_status status = mid_weights_get(ctx, w, grid ? "code" : "centre", &data, &n_row, &n_col);

    if (status != MID_OK)
        return status;
    m->shape.n_state = (uint32_t)(grid ? n_col : n_row);
    if ((grid ? n_col : n_row) > MID__LUNA_STATE_MAX)
        return mid__fail(ctx, MID_EFORMAT, "%zu abstract states, the limit is %d", grid ? n_col : n_row,
                         MID__LUNA_STATE_MAX);
    for (i = 1; grid && i < n_col; i++)
        if (!(data[i] > data[i - 1]))
            return mid__fail(ctx, MID_EFORMAT, "code %zu does not ascend", i);
    return MID_OK;
}

mid_status mid__luna_map_open(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t d,
                              mid__luna_map *out)
{
    const float *axis;
    size_t p, n_col, n, i;
    mid_status status;

    memset(out, 0, sizeof *out);
    out->d = d;
    status = mid__luna_shape_of(ctx, params, &out->shape);
    if (status == MID_OK && d > MID__LUNA_D_MAX)
        status = mid__fail(ctx, MID_ELIMIT, "rows of %zu values, the limit is %d", d, MID__LUNA_D_MAX);
    if (status == MID_OK)
        status = mid_weights_get(ctx, weights, "axis", &axis, &p, &n_col);
    if (status != MID_OK)
        return status;
    if (p > out->shape.n_dim)
        return mid__fail(ctx, MID_EFORMAT, "%zu axes, the parameter dims says %u", p, out->shape.n_dim);
    out->shape.n_dim = (uint32_t)p;
    status = count_states(ctx, weights, out);
    n = out->shape.n_state;
    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "axis", p, d, &out->axis);
    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "mean", 1, d, &out->mean);
    if (status == MID_OK && out->shape.kind != MID__LUNA_GRID)
        status = mid__tensor_copy(ctx, weights, "centre", n, p, &out->centre);
    if (status == MID_OK && out->shape.kind == MID__LUNA_GMM)
        status = mid__tensor_copy(ctx, weights, "precision", n, p, &out->precision);
    if (status == MID_OK && out->shape.kind == MID__LUNA_GMM)
        status = mid__tensor_copy(ctx, weights, "offset", 1, n, &out->offset);
    for (i = 0; status == MID_OK && out->precision && i < n * p; i++)
        if (!(out->precision[i] > 0))
            status = mid__fail(ctx, MID_EFORMAT, "precision %g of state %zu: must be > 0", (double)out->precision[i], i / p);
    if (status != MID_OK || out->shape.kind != MID__LUNA_GRID)
        return status;
    status = mid__tensor_copy(ctx, weights, "lo", 1, p, &out->lo);
    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "hi", 1, p, &out->hi);
    return status == MID_OK ? mid__tensor_copy(ctx, weights, "code", 1, n, &out->code) : status;
}
