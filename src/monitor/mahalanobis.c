/* Mahalanobis distance from the safe answers' hidden rows: W16.
 *   MD^2(h) = (h - mu)^T Sigma^-1 (h - mu)        S_t = (1/t) sum_{j<=t} MD(h_j)
 * mu, Sigma from token rows of safe fit answers, Sigma <- (1 - rho) Sigma + rho (tr Sigma / d) I with rho by Ledoit &
 * Wolf (learn/shrink.h): the tokens of one answer are correlated, so a bare jitter would be too little. Rows are taken
 * after 1, 2, 4, ... 128 tokens of each answer. The layer with the best inner-fold AUROC on the fit answers is kept.
 * Stored: mu and the inverse Cholesky factor W, W^T W = Sigma^-1, so that MD^2 = |W (h - mu)|^2.
 * axes = k > 0 keeps only Sigma's k main axes v_a with their variances l_a; the rest counts as alike in all directions,
 *   MD^2(h) = sum_{a<=k} p_a^2 / l_a + (|h - mu|^2 - sum_{a<=k} p_a^2) / l_rest,        p_a = v_a . (h - mu)
 * l_rest = (tr Sigma - sum l_a) / (d - k), the likeliest: probabilistic PCA. k d products a token instead of d^2 / 2.
 * Source: Lee et al. 2018 (arXiv 1807.03888); Vazhentsev et al. 2023 for language models; Tipping & Bishop 1999. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "learn/pca.h"
#include "learn/shrink.h"
#include "monitor/fitted.h"
#include "monitor/row_method.h"
#include "monitor/running.h"

enum { D_MAX = 8192 };

/* ---- all dimensions --------------------------------------------------------------------------------------------- */

static mid_status learn(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    mid__rows safe;
    mid_status status = mid__rows_pick(ctx, data->rows, data->use, 0, SIZE_MAX, &safe);

    if (status == MID_OK)
        status = mid__gauss_fit(ctx, safe.x, safe.n, safe.d, "safe", model);
    mid__rows_clear(&safe);
    return status;
}

static double distance(const void *model, const float *h, size_t d)
{
    const mid__gauss *g = model;
    float centred[D_MAX];

    return sqrt(mid__gauss_distance2(g->mu, g->whiten, h, centred, d));
}

static void forget(void *model) { mid__gauss_clear(model); }

static mid_status keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    const mid__gauss *g = model;
    mid_status status = mid_weights_set(ctx, out, "mu", g->mu, 1, d);

    return status == MID_OK ? mid_weights_set(ctx, out, "whiten", g->whiten, d, d) : status;
}

static mid_status check_width(mid_ctx *ctx, size_t d)
{
    if (d > D_MAX)
        return mid__fail(ctx, MID_ELIMIT, "mahalanobis: rows of %zu values, the limit is %d", d, D_MAX);
    return MID_OK;
}

static mid_status restore(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model)
{
    mid__gauss *g = model;
    mid_status status = mid__tensor_copy(ctx, weights, "mu", 1, d, &g->mu);

    if (status == MID_OK)
        status = check_width(ctx, d);
    return status == MID_OK ? mid__tensor_copy(ctx, weights, "whiten", d, d, &g->whiten) : status;
}

static const mid__row_method whole = { .model_size = sizeof(mid__gauss), .view = MID__VIEW_TOKEN, .learn = learn,
                                       .score = distance, .keep = keep, .restore = restore, .forget = forget };

/* ---- main axes -------------------------------------------------------------------------------------------------- */

/* mu (d), axis (k, d), precision (k + 1): 1 / l_a, and 1 / l_rest behind them, 0 if there is no rest. */
struct axes { size_t k; float *mu, *axis, *precision; };

static void forget_axes(void *model)
{
    struct axes *m = model;

    free(m->mu);
    free(m->axis);
    free(m->precision);
    *m = (struct axes){ 0 };
}

static mid_status shrinkage(mid_ctx *ctx, const mid__rows *rows, double *rho)
{
    const size_t d = rows->d;
    double *mean = malloc(d * sizeof *mean), *scatter = calloc(d * d, sizeof *scatter);
    bool ok = mean && scatter;

    if (ok) {
        mid__column_stats(rows->x, rows->n, d, mean, NULL);
        ok = mid__scatter(rows->x, rows->n, d, mean, scatter);
    }
    if (ok)
        *rho = mid__ledoit_wolf(rows->x, rows->n, d, mean, scatter);
    free(mean);
    free(scatter);
    return ok ? MID_OK : mid__oom(ctx, "a covariance");
}

/* precision (k + 1) of the shrunk covariance, whose axes are those of the bare one. of_n: from variances over n - 1 to
 * those over n. False: singular. */
static bool precisions(const mid__pca *pca, double of_n, double rho, float *precision)
{
    const double mean = of_n * pca->total / (double)pca->d;
    double rest = mean * (double)pca->d, l = 0;
    size_t a;

    for (a = 0; a < pca->k; a++) {
        l = (1 - rho) * of_n * pca->variance[a] + rho * mean;
        rest -= l;
        precision[a] = (float)(1 / l);
    }
    precision[a] = 0;
    if (a < pca->d) {
        l = rest / (double)(pca->d - a);
        precision[a] = (float)(1 / l);
    }
    return l > 1e-14 * mean;            /* the least of them */
}

static mid_status learn_axes(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    const size_t k = (size_t)mid__param_number(data->params, "axes");
    struct axes *m = model;
    mid__pca pca = { 0 };
    mid__rows safe;
    double rho = 0;
    mid_status status = mid__rows_pick(ctx, data->rows, data->use, 0, SIZE_MAX, &safe);

    if (status == MID_OK)
        status = mid__pca_fit(ctx, safe.x, safe.n, safe.d, k, &pca);
    if (status == MID_OK)
        status = shrinkage(ctx, &safe, &rho);
    if (status == MID_OK) {
        m->k = pca.k;
        m->mu = pca.mean;
        m->axis = pca.axis;
        pca.mean = pca.axis = NULL;
        m->precision = malloc((m->k + 1) * sizeof *m->precision);
        if (!m->precision)
            status = mid__oom(ctx, "a covariance");
        else if (!precisions(&pca, (double)(safe.n - 1) / (double)safe.n, rho, m->precision))
            status = mid__fail(ctx, MID_EUNDEFINED, "the safe rows' covariance is singular: they are all alike");
    }
    mid__pca_clear(&pca);
    mid__rows_clear(&safe);
    return status;
}

static double distance_axes(const void *model, const float *h, size_t d)
{
    enum { N_AXIS = 64 };               /* at a time */
    const struct axes *m = model;
    double square = 0, inside = 0, rest;
    float centred[D_MAX];
    size_t a, i, n;

    for (i = 0; i < d; i++)
        centred[i] = h[i] - m->mu[i];
    for (a = 0; a < m->k; a += n) {
        double p[N_AXIS] = { 0 };
        n = m->k - a < N_AXIS ? m->k - a : N_AXIS;
        mid__dot_rows(m->axis + a * d, d, n, centred, d, p);
        for (i = 0; i < n; i++) {
            inside += p[i] * p[i];
            square += p[i] * p[i] * (double)m->precision[a + i];
        }
    }
    rest = mid__dot(centred, centred, d) - inside;
    if (rest > 0)                       /* it may round to less */
        square += rest * (double)m->precision[m->k];
    return sqrt(square);
}

static mid_status keep_axes(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    const struct axes *m = model;
    mid_status status = mid_weights_set(ctx, out, "mu", m->mu, 1, d);

    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "axis", m->axis, m->k, d);
    return status == MID_OK ? mid_weights_set(ctx, out, "precision", m->precision, 1, m->k + 1) : status;
}

/* Fewer rows or dimensions than axes asked for leave fewer, so the file says how many there are. */
static mid_status restore_axes(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model)
{
    struct axes *m = model;
    const float *axis;
    size_t n_col, a;
    mid_status status = mid_weights_get(ctx, weights, "axis", &axis, &m->k, &n_col);

    if (status == MID_OK)
        status = check_width(ctx, d);
    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "axis", m->k, d, &m->axis);
    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "mu", 1, d, &m->mu);
    if (status == MID_OK)
        status = mid__tensor_copy(ctx, weights, "precision", 1, m->k + 1, &m->precision);
    for (a = 0; status == MID_OK && a <= m->k; a++)
        if (!(m->precision[a] >= 0))
            status = mid__fail(ctx, MID_EFORMAT, "precision %g of axis %zu: must be >= 0", (double)m->precision[a], a);
    return status;
}

static const mid__row_method main_axes = { .model_size = sizeof(struct axes), .view = MID__VIEW_TOKEN,
                                           .learn = learn_axes, .score = distance_axes, .keep = keep_axes,
                                           .restore = restore_axes, .forget = forget_axes };

/* ---- the monitor ------------------------------------------------------------------------------------------------ */

static mid_status method_of(mid_ctx *ctx, const mid_param *params, const mid__row_method **method)
{
    const double k = mid__param_number(params, "axes");

    if (!(k >= 0 && k <= D_MAX) || k != floor(k))
        return mid__fail(ctx, MID_EINVAL, "axes %g: a whole number from 0 (all dimensions) to %d", k, D_MAX);
    *method = k > 0 ? &main_axes : &whole;
    return MID_OK;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid__row_method *method;
    mid_status status = method_of(ctx, params, &method);

    if (status == MID_OK)
        status = check_width(ctx, (size_t)mid_trace_signals(set->answer[0].trace)->n_embd);
    return status == MID_OK ? mid__row_fit(ctx, set, params, method, out, NULL) : status;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const mid__row_method *method;
    const mid_status status = method_of(ctx, params, &method);

    return status == MID_OK ? mid__row_open(ctx, "mahalanobis", weights, signals, method, plan) : status;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { "axes", 0, NULL, "main axes to keep, the rest counting as alike in all directions; 0: all dimensions" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_mahalanobis = {
    .name = "mahalanobis", .version = 1,
    .summary = "running mean of the Mahalanobis distance to safe answers' hidden rows", .unit = "distance",
    .source = "Lee et al. 2018, arXiv 1807.03888; shrinkage: Ledoit & Wolf 2004; axes: Tipping & Bishop 1999",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};
