/* Distance from the nearest cluster of safe hidden rows: W12.
 *   near(h) = min_c |h - mu_c| / rho_c        S_t = (1/t) sum_{j<=t} near(h_j)
 * mu: k-means centres of token rows of safe fit answers, taken after 1, 2, 4, ... 128 tokens, at most 4,096 of them, evenly
 * spread. rho_c: the 95th percentile of its members' distances, so that 1 is about the cluster's edge; a cluster of fewer
 * than 20 members takes the percentile of all rows. The number of clusters is chosen among 4, 16, 64 together with the
 * layer, by inner folds. Source: the cluster abstraction of safe hidden states in monitors of neural networks (see
 * Henzinger, Lukina & Schilling 2020, arXiv 1911.09032, who put boxes around such clusters). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/kmeans.h"
#include "midstream/metric.h"
#include "monitor/fitted.h"
#include "monitor/row_method.h"
#include "monitor/running.h"

static const size_t k_grid[] = { 4, 16, 64 };
enum { N_K = sizeof k_grid / sizeof k_grid[0], ROW_MAX = 4096, N_ENOUGH = 20 };
static const double edge = 0.95;

struct clusters { size_t k; float *centre, *radius; };          /* (k, d), (k) */

/* Each cluster's radius from its members' distances. r (n) work space. */
static void measure(const mid__rows *safe, const uint32_t *of, double *r, struct clusters *m)
{
    double all, one;
    size_t i, c, n;

    for (i = 0; i < safe->n; i++)
        mid__nearest(m->centre + of[i] * safe->d, 1, safe->d, safe->x + i * safe->d, &r[i]);
    all = sqrt(mid_quantile(r, safe->n, edge));
    all = all > 0 ? all : 1;            /* every row is a centre */
    for (c = 0; c < m->k; c++) {
        for (i = n = 0; i < safe->n; i++)
            if (of[i] == c)
                mid__nearest(m->centre + c * safe->d, 1, safe->d, safe->x + i * safe->d, &r[n++]);
        one = n < N_ENOUGH ? 0 : sqrt(mid_quantile(r, n, edge));
        m->radius[c] = (float)(one > 0 ? one : all);
    }
}

static mid_status learn(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    struct clusters *m = model;
    mid__rows safe;
    uint32_t *of = NULL;
    double *r = NULL;
    mid_status status = mid__rows_pick(ctx, data->rows, data->use, 0, ROW_MAX, &safe);

    m->k = k_grid[data->i_grid];
    m->centre = malloc(m->k * data->rows->d * sizeof *m->centre);
    m->radius = malloc(m->k * sizeof *m->radius);
    of = malloc((safe.n + 1) * sizeof *of);
    r = malloc((safe.n + 1) * sizeof *r);
    if (status == MID_OK && (!m->centre || !m->radius || !of || !r))
        status = mid__oom(ctx, "clusters");
    if (status == MID_OK)
        status = mid__kmeans_fit(ctx, safe.x, safe.n, safe.d, &m->k, data->set->seed, m->centre, of, NULL);
    if (status == MID_OK)
        measure(&safe, of, r, m);
    free(of);
    free(r);
    mid__rows_clear(&safe);
    return status;
}

static double near(const void *model, const float *h, size_t d)
{
    const struct clusters *m = model;
    double best = INFINITY, r;
    size_t c;

    for (c = 0; c < m->k; c++) {
        mid__nearest(m->centre + c * d, 1, d, h, &r);
        best = fmin(best, sqrt(r) / (double)m->radius[c]);
    }
    return best;
}

static mid_status keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    const struct clusters *m = model;
    mid_status status = mid_weights_set(ctx, out, "centre", m->centre, m->k, d);

    return status == MID_OK ? mid_weights_set(ctx, out, "radius", m->radius, 1, m->k) : status;
}

static mid_status restore(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model)
{
    struct clusters *m = model;
    const float *centre;
    size_t n_col, c;
    mid_status status = mid_weights_get(ctx, weights, "centre", &centre, &m->k, &n_col);

    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "centre", m->k, d, &m->centre);
    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "radius", 1, m->k, &m->radius);
    for (c = 0; status == MID_OK && c < m->k; c++)
        if (!(m->radius[c] > 0))
            status = mid__fail(ctx, MID_EFORMAT, "radius %g of cluster %zu: must be > 0", (double)m->radius[c], c);
    return status;
}

static void forget(void *model)
{
    struct clusters *m = model;

    free(m->centre);
    free(m->radius);
    memset(m, 0, sizeof *m);
}

static const mid__row_method method = { .model_size = sizeof(struct clusters), .n_grid = N_K, .view = MID__VIEW_TOKEN,
                                        .keep_auroc = true, .learn = learn, .score = near, .keep = keep,
                                        .restore = restore, .forget = forget };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__row_fit(ctx, set, params, &method, out, NULL);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "cluster_distance", weights, signals, &method, plan);
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_cluster_distance = {
    .name = "cluster_distance", .version = 1,
    .summary = "running mean of the distance to the nearest cluster of safe answers' hidden rows", .unit = "radii",
    .source = "after Henzinger, Lukina & Schilling 2020, arXiv 1911.09032",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};
