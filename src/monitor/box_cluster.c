/* Boxes around clusters of safe hidden rows: W11, the form with several boxes and a distance.
 *   far(h) = min_c (1/d) sum_i max(lo_ci - h_i, h_i - hi_ci, 0) / width_ci        S_t = (1/t) sum_{j<=t} far(h_j)
 * Token rows of safe fit answers (after 1, 2, 4, ... 128 tokens, at most 2,048, evenly spread) are gathered by k-means; lo_c
 * and hi_c are the 1 % and 99 % quantiles of each dimension over the members of cluster c (of few members: nearly their
 * extremes), width = hi - lo, but at least a hundredth of the dimension's deviation over all rows, so that a cluster of one
 * row does not make every other row infinitely far. The number of boxes is chosen among 2, 4, 8, 16 together with the layer,
 * by inner folds. Source: Henzinger, Lukina & Schilling 2020 (arXiv 1911.09032); they ask whether a row is inside one of the
 * boxes, we how far outside of all. Unlike `box` this sees rows between two clusters as outside. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/kernel.h"
#include "base/linalg.h"
#include "learn/kmeans.h"
#include "midstream/metric.h"
#include "monitor/fitted.h"
#include "monitor/row_method.h"
#include "monitor/running.h"

static const size_t k_grid[] = { 2, 4, 8, 16 };
enum { N_K = sizeof k_grid / sizeof k_grid[0], ROW_MAX = 2048 };
static const double quantile = 0.01, least_width = 0.01;

struct boxes { size_t k; float *lo, *hi, *width; };             /* (k, d) each */

/* The box of one cluster. column (n) work space, sd (d). */
static void draw(const mid__rows *safe, const uint32_t *of, size_t c, const double *sd, double *column, struct boxes *m)
{
    size_t i, j, n;

    for (j = 0; j < safe->d; j++) {
        const size_t at = c * safe->d + j;
        for (i = n = 0; i < safe->n; i++)
            if (of[i] == c)
                column[n++] = (double)safe->x[i * safe->d + j];
        m->lo[at] = (float)mid_quantile(column, n, quantile);
        m->hi[at] = (float)mid_quantile(column, n, 1 - quantile);
        m->width[at] = (float)fmax((double)m->hi[at] - (double)m->lo[at], least_width * sd[j]);
    }
}

static mid_status learn(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    struct boxes *m = model;
    const size_t d = data->rows->d, k = k_grid[data->i_grid];
    float *centre = malloc(k * d * sizeof *centre);
    double *mean = malloc(d * sizeof *mean), *sd = malloc(d * sizeof *sd), *column = NULL;
    uint32_t *of = NULL;
    size_t c;
    mid__rows safe;
    mid_status status = mid__rows_pick(ctx, data->rows, data->use, 0, ROW_MAX, &safe);

    m->k = k;
    m->lo = malloc(k * d * sizeof *m->lo);
    m->hi = malloc(k * d * sizeof *m->hi);
    m->width = malloc(k * d * sizeof *m->width);
    of = malloc((safe.n + 1) * sizeof *of);
    column = malloc((safe.n + 1) * sizeof *column);
    if (status == MID_OK && (!centre || !mean || !sd || !column || !of || !m->lo || !m->hi || !m->width))
        status = mid__oom(ctx, "boxes");
    if (status == MID_OK)
        status = mid__kmeans_fit(ctx, safe.x, safe.n, d, &m->k, data->set->seed, centre, of, NULL);
    if (status == MID_OK) {
        mid__column_stats(safe.x, safe.n, d, mean, sd);
        for (c = 0; c < m->k; c++)
            draw(&safe, of, c, sd, column, m);
    }
    free(centre);
    free(mean);
    free(sd);
    free(column);
    free(of);
    mid__rows_clear(&safe);
    return status;
}

/* max(x, 0) in every lane. */
static inline __attribute__((always_inline)) mid__lanes positive(mid__lanes x)
{
    const mid__int_lanes keep = x > 0;

    return (mid__lanes)((mid__int_lanes)x & keep);
}

/* Sum over the dimensions of one box. */
MID__CLONES
static double outside(const float *lo, const float *hi, const float *width, const float *h, size_t d)
{
    mid__lanes sum = { 0 };
    double total = 0;
    size_t j, k;

    for (j = 0; j + MID__N_LANE <= d; j += MID__N_LANE) {
        const mid__lanes x = mid__lanes_at(h + j), below = mid__lanes_at(lo + j) - x, above = x - mid__lanes_at(hi + j);
        sum += (positive(below) + positive(above)) / mid__lanes_at(width + j);          /* at most one of them is */
    }
    for (k = 0; k < MID__N_LANE; k++)
        total += (double)sum[k];
    for (; j < d; j++) {
        const float below = lo[j] - h[j], above = h[j] - hi[j], out = below > above ? below : above;
        total += out > 0 ? (double)(out / width[j]) : 0;
    }
    return total;
}

static double far_out(const void *model, const float *h, size_t d)
{
    const struct boxes *m = model;
    double best = INFINITY;
    size_t c;

    for (c = 0; c < m->k; c++)
        best = fmin(best, outside(m->lo + c * d, m->hi + c * d, m->width + c * d, h, d) / (double)d);
    return best;
}

static mid_status keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    const struct boxes *m = model;
    mid_status status = mid_weights_set(ctx, out, "lo", m->lo, m->k, d);

    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "hi", m->hi, m->k, d);
    return status == MID_OK ? mid_weights_set(ctx, out, "width", m->width, m->k, d) : status;
}

static mid_status restore(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model)
{
    struct boxes *m = model;
    const float *lo;
    size_t n_col, i;
    mid_status status = mid_weights_get(ctx, weights, "lo", &lo, &m->k, &n_col);

    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "lo", m->k, d, &m->lo);
    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "hi", m->k, d, &m->hi);
    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "width", m->k, d, &m->width);
    for (i = 0; status == MID_OK && i < m->k * d; i++)
        if (!(m->width[i] > 0))
            status = mid__fail(ctx, MID_EFORMAT, "width %g of box %zu: must be > 0", (double)m->width[i], i / d);
    return status;
}

static void forget(void *model)
{
    struct boxes *m = model;

    free(m->lo);
    free(m->hi);
    free(m->width);
    memset(m, 0, sizeof *m);
}

/* Comparisons with NaN would count it as inside, hence check_row. */
static const mid__row_method method = { .model_size = sizeof(struct boxes), .n_grid = N_K, .view = MID__VIEW_TOKEN,
                                        .keep_auroc = true, .check_row = true, .learn = learn, .score = far_out,
                                        .keep = keep, .restore = restore, .forget = forget };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__row_fit(ctx, set, params, &method, out, NULL);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "box_cluster", weights, signals, &method, plan);
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_box_cluster = {
    .name = "box_cluster", .version = 1,
    .summary = "running mean of how far a hidden row is outside the nearest of several boxes around safe rows",
    .unit = "box widths", .source = "Henzinger, Lukina & Schilling 2020, arXiv 1911.09032",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};
