/* The few features that differ most between the classes, watched token by token: W17.
 *   delta_j = (mean_u v_j - mean_s v_j) / (sd_u v_j + sd_s v_j)       v_j = (feature j - its mean) / its deviation
 *   c_t = sum_{j in the 32 largest |delta_j|} delta_j v_j(t)          S_t = max_{j<=t} c_j
 * Features of a hidden row: its neurons, or ("components") its first 64 principal components. NExT-Guard takes those of a
 * sparse autoencoder, which are not to be had for our models; they are never negative, so that it takes the largest delta,
 * while a neuron's sign means nothing: |delta|, and delta_j v_j is the same under either sign. Without standardising, a
 * few neurons of huge spread would be the whole sum. Means and deviations come from token rows of the fit answers after 1,
 * 2, 4, ... 128 tokens; the layer with the best inner-fold AUROC is kept. c_t is linear in the row, so what is stored is
 * one direction w and offset b. Source: NExT-Guard, Fang et al. 2026 (arXiv 2603.02219). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "learn/pca.h"
#include "monitor/linear.h"
#include "monitor/running.h"

enum { N_FEATURE = 32, N_COMPONENT = 64, PCA_ROW_MAX = 4096 };

/* Mean and deviation of a feature within each class and over both; the larger class does not rule the latter. */
static mid_status deltas(mid_ctx *ctx, const mid__rows *features, double *delta, double *mean, double *sd)
{
    const size_t m = features->d;
    double *mu[2] = { malloc(m * sizeof **mu), malloc(m * sizeof **mu) };
    double *spread[2] = { malloc(m * sizeof **spread), malloc(m * sizeof **spread) };
    uint8_t *all = malloc(features->n + 1);
    mid_status status = mu[0] && mu[1] && spread[0] && spread[1] && all ? MID_OK : mid__oom(ctx, "features");
    mid__rows one;
    size_t j;
    int k;

    for (k = 0; k < 2 && status == MID_OK; k++) {
        memset(all, 1, features->n);
        status = mid__rows_pick(ctx, features, all, k, SIZE_MAX, &one);
        if (status == MID_OK && one.n < 2)
            status = mid__fail(ctx, MID_EUNDEFINED, "%zu rows of a class: a deviation needs two", one.n);
        if (status == MID_OK)
            mid__column_stats(one.x, one.n, m, mu[k], spread[k]);
        mid__rows_clear(&one);
    }
    for (j = 0; j < m && status == MID_OK; j++) {
        delta[j] = (mu[1][j] - mu[0][j]) / (spread[1][j] + spread[0][j]);
        mean[j] = (mu[1][j] + mu[0][j]) / 2;
        sd[j] = sqrt((spread[1][j] * spread[1][j] + spread[0][j] * spread[0][j]) / 2);
    }
    for (k = 0; k < 2; k++) {
        free(mu[k]);
        free(spread[k]);
    }
    free(all);
    return status;
}

/* The smallest |delta| that counts: the N_FEATURE-th largest. sorted (m) work space. */
static double cut_of(const double *delta, size_t m, double *sorted)
{
    size_t i, j;

    for (i = 0; i < m; i++) {           /* insertion into the N_FEATURE largest, falling */
        const double x = fabs(delta[i]);
        for (j = i < N_FEATURE ? i : N_FEATURE; j > 0 && sorted[j - 1] < x; j--)
            if (j < N_FEATURE)
                sorted[j] = sorted[j - 1];
        if (j < N_FEATURE)
            sorted[j] = x;
    }
    return sorted[(m < N_FEATURE ? m : N_FEATURE) - 1];
}

/* w and b of sum delta_j (feature_j - mean_j) / sd_j over the features that count; pca NULL: they are neurons. */
static mid_status combine(mid_ctx *ctx, const mid__rows *features, const mid__pca *pca, size_t d, mid__linear *m)
{
    const size_t n = features->d;
    double *delta = malloc(n * sizeof *delta), *mean = malloc(n * sizeof *mean), *sd = malloc(n * sizeof *sd);
    double *w = calloc(d, sizeof *w), *sorted = malloc(n * sizeof *sorted), cut;
    size_t i, j, taken = 0;
    mid_status status = delta && mean && sd && w && sorted ? MID_OK : mid__oom(ctx, "features");

    if (status == MID_OK)
        status = deltas(ctx, features, delta, mean, sd);
    if (status == MID_OK) {
        cut = cut_of(delta, n, sorted);
        for (i = 0; i < n && taken < N_FEATURE; i++) {
            const double a = delta[i] / sd[i];
            if (fabs(delta[i]) < cut)
                continue;
            taken++;
            m->b -= a * mean[i];
            for (j = 0; pca && j < d; j++) {
                w[j] += a * (double)pca->axis[i * d + j];
                m->b -= a * (double)pca->axis[i * d + j] * (double)pca->mean[j];
            }
            if (!pca)
                w[i] += a;
        }
        for (j = 0; j < d; j++)
            m->w[j] = (float)w[j];
    }
    free(delta);
    free(mean);
    free(sd);
    free(w);
    free(sorted);
    return status;
}

/* Rows of principal components in place of rows of neurons. */
static mid_status components_of(mid_ctx *ctx, const mid__rows *rows, mid__pca *pca, mid__rows *out)
{
    uint8_t *all = malloc(rows->n + 1);
    float *scratch = malloc(rows->d * sizeof *scratch);
    mid__rows some = { 0 };
    size_t i;
    mid_status status = all && scratch ? MID_OK : mid__oom(ctx, "components");

    memset(out, 0, sizeof *out);
    memset(pca, 0, sizeof *pca);
    if (status == MID_OK) {
        memset(all, 1, rows->n);
        status = mid__rows_pick(ctx, rows, all, -1, PCA_ROW_MAX, &some);
    }
    if (status == MID_OK)
        status = mid__pca_fit(ctx, some.x, some.n, some.d, N_COMPONENT, pca);
    if (status == MID_OK)
        status = mid__rows_pick(ctx, rows, all, -1, SIZE_MAX, out);
    if (status == MID_OK) {
        out->d = pca->k;
        for (i = 0; i < rows->n; i++)
            mid__pca_project(pca->mean, pca->axis, pca->k, rows->d, rows->x + i * rows->d, scratch, out->x + i * pca->k);
    }
    mid__rows_clear(&some);
    free(all);
    free(scratch);
    return status;
}

static mid_status learn(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    mid__linear *m = model;
    const bool components = strcmp(mid__param_text(data->params, "features"), "components") == 0;
    mid__rows own = { 0 }, features = { 0 };
    mid__pca pca = { 0 };
    mid_status status = mid__rows_pick(ctx, data->rows, data->use, -1, SIZE_MAX, &own);

    m->w = malloc(own.d * sizeof *m->w);
    if (status == MID_OK && !m->w)
        status = mid__oom(ctx, "an indicator");
    if (status == MID_OK && components)
        status = components_of(ctx, &own, &pca, &features);
    if (status == MID_OK)
        status = combine(ctx, components ? &features : &own, components ? &pca : NULL, own.d, m);
    mid__rows_clear(&own);
    mid__rows_clear(&features);
    mid__pca_clear(&pca);
    return status;
}

static const mid__row_method method = { .model_size = sizeof(mid__linear), .view = MID__VIEW_TOKEN, .largest = true,
                                        .keep_auroc = true, .learn = learn, .score = mid__linear_score,
                                        .keep = mid__linear_keep, .restore = mid__linear_restore,
                                        .forget = mid__linear_forget };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const char *on = mid__param_text(params, "features");

    if (strcmp(on, "components") != 0 && strcmp(on, "neurons") != 0)
        return mid__fail(ctx, MID_EINVAL, "features '%.40s': neurons or components", on);
    return mid__row_fit(ctx, set, params, &method, out, NULL);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "neuron_indicator", weights, signals, &method, plan);
}

static const mid_param params_[] = {
    { "layer",    -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { "features",  0, "neurons", "neurons of the row, or its first 64 principal components: \"components\"" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_neuron_indicator = {
    .name = "neuron_indicator", .version = 1,
    .summary = "largest sum so far of the 32 hidden features that differ most between the classes", .unit = "indicator",
    .source = "after NExT-Guard, Fang et al. 2026, arXiv 2603.02219",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};
