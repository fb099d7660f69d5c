/* Difference in means: W2, also called mass-mean probing.
 *   S_t = (1/t) sum_{j<=t} z_j,   z_j = w . h_j + b,   w = mu_u - mu_s,   b = -w . (mu_u + mu_s) / 2
 * mu_u, mu_s are the means of unsafe and safe answers' running means of rows, after 1, 2, 4, ... 128 tokens, an answer
 * weighing 1 in all. With whiten = 1 the difference is multiplied by Sigma^-1, Sigma the covariance of these rows around
 * their class's mean, shrunk (learn/shrink.h): Fisher's linear discriminant. Nothing is minimised, so nothing overfits but
 * the means. The layer is the one with the best inner-fold AUROC.
 * Source: Marks & Tegmark 2023 (arXiv 2310.06824). */
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "learn/shrink.h"
#include "monitor/linear.h"
#include "monitor/running.h"

/* Weighted class means of the rows in use; mean (2, d). False if a class is missing. */
static bool class_means(const mid__row_data *data, double *mean)
{
    const mid__rows *rows = data->rows;
    const size_t d = rows->d;
    double n[2] = { 0, 0 };
    size_t i, j;

    memset(mean, 0, 2 * d * sizeof *mean);
    for (i = 0; i < rows->n; i++) {
        const int label = rows->label[i];
        if (!data->use[i])
            continue;
        mid__axpy_wide(rows->weight[i], rows->x + i * d, mean + (size_t)label * d, d);
        n[label] += rows->weight[i];
    }
    for (j = 0; j < 2 * d; j++)
        mean[j] /= n[j / d];
    return n[0] > 0 && n[1] > 0;
}

/* w <- W^T W w. */
static void whiten(const mid__gauss *g, double *w, double *scratch)
{
    const size_t d = g->d;
    size_t i, j;

    for (i = 0; i < d; i++)
        scratch[i] = mid__dot_wide(g->whiten + i * d, w, i + 1);
    for (j = 0; j < d; j++)
        w[j] = 0;
    for (i = 0; i < d; i++)
        mid__axpy_wide(scratch[i], g->whiten + i * d, w, i + 1);
}

/* Multiply w by Sigma^-1 of the rows in use, each around its class's mean. */
static mid_status multiply(mid_ctx *ctx, const mid__row_data *data, const double *mean, double *w)
{
    const size_t d = data->rows->d;
    double *scratch = malloc(d * sizeof *scratch);
    mid__gauss gauss = { 0 };
    mid__rows centred;
    size_t i, j;
    mid_status status = mid__rows_pick(ctx, data->rows, data->use, -1, SIZE_MAX, &centred);

    if (status == MID_OK && !scratch)
        status = mid__oom(ctx, "a covariance");
    for (i = 0; status == MID_OK && i < centred.n; i++)
        for (j = 0; j < d; j++)
            centred.x[i * d + j] = (float)((double)centred.x[i * d + j] - mean[centred.label[i] * d + j]);
    if (status == MID_OK)
        status = mid__gauss_fit(ctx, centred.x, centred.n, d, "centred", &gauss);
    if (status == MID_OK)
        whiten(&gauss, w, scratch);
    mid__gauss_clear(&gauss);
    mid__rows_clear(&centred);
    free(scratch);
    return status;
}

static mid_status learn(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    mid__linear *m = model;
    const size_t d = data->rows->d;
    double *mean = malloc(2 * d * sizeof *mean), *wide = malloc(d * sizeof *wide), middle = 0;
    size_t j;
    mid_status status;

    m->w = malloc(d * sizeof *m->w);
    status = mean && wide && m->w ? MID_OK : mid__oom(ctx, "class means");
    if (status == MID_OK && !class_means(data, mean))
        status = mid__fail(ctx, MID_EUNDEFINED, "no rows of one class: the answers without tokens do not count");
    for (j = 0; status == MID_OK && j < d; j++)
        wide[j] = mean[d + j] - mean[j];
    if (status == MID_OK && mid__param_number(data->params, "whiten") == 1)
        status = multiply(ctx, data, mean, wide);
    for (j = 0; status == MID_OK && j < d; j++) {
        m->w[j] = (float)wide[j];
        middle += wide[j] * (mean[d + j] + mean[j]) / 2;
    }
    m->b = (double)(float)-middle;      /* as a file keeps it */
    free(mean);
    free(wide);
    return status;
}

static const mid__row_method method = { .model_size = sizeof(mid__linear), .view = MID__VIEW_MEAN, .learn = learn,
                                        .score = mid__linear_score, .keep = mid__linear_keep,
                                        .restore = mid__linear_restore, .forget = mid__linear_forget };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const double whitened = mid__param_number(params, "whiten");

    if (whitened != 0 && whitened != 1)
        return mid__fail(ctx, MID_EINVAL, "whiten %g: must be 0 or 1", whitened);
    return mid__row_fit(ctx, set, params, &method, out, NULL);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "diff_means", weights, signals, &method, plan);
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { "whiten", 0, NULL, "1: multiply the difference by the inverse of the shrunk covariance within classes; 0: do not" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_diff_means = {
    .name = "diff_means", .version = 1,
    .summary = "projection of one layer's mean row on the difference of unsafe and safe means", .unit = "projection",
    .source = "Marks & Tegmark 2023, arXiv 2310.06824",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};
