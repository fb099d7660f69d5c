/* Mahalanobis distance from the safe answers' hidden rows: W16.
 *   MD^2(h) = (h - mu)^T Sigma^-1 (h - mu)        S_t = (1/t) sum_{j<=t} MD(h_j)
 * mu, Sigma from token rows of safe fit answers, Sigma <- (1 - rho) Sigma + rho (tr Sigma / d) I with rho by Ledoit & Wolf
 * (learn/shrink.h): the tokens of one answer are correlated, so a bare jitter would be too little. Rows are taken after 1,
 * 2, 4, ... 128 tokens of each answer. The layer with the best inner-fold AUROC on the fit answers is kept. Stored: mu and
 * the inverse Cholesky factor W, W^T W = Sigma^-1, so that MD^2 = |W (h - mu)|^2.
 * Source: Lee et al. 2018 (arXiv 1807.03888); Vazhentsev et al. 2023 for language models. */
#include <math.h>

#include "base/ctx.h"
#include "learn/shrink.h"
#include "monitor/fitted.h"
#include "monitor/row_method.h"
#include "monitor/running.h"

enum { D_MAX = 8192 };

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

static mid_status restore(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model)
{
    mid__gauss *g = model;
    mid_status status = mid__tensor_copy(ctx, weights, "mu", 1, d, &g->mu);

    if (status == MID_OK && d > D_MAX)
        status = mid__fail(ctx, MID_ELIMIT, "mahalanobis: rows of %zu values, the limit is %d", d, D_MAX);
    return status == MID_OK ? mid__tensor_copy(ctx, weights, "whiten", d, d, &g->whiten) : status;
}

static const mid__row_method method = { .model_size = sizeof(mid__gauss), .view = MID__VIEW_TOKEN, .learn = learn,
                                        .score = distance, .keep = keep, .restore = restore, .forget = forget };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    if (mid_trace_signals(set->answer[0].trace)->n_embd > D_MAX)
        return mid__fail(ctx, MID_ELIMIT, "mahalanobis: rows of %d values, the limit is %d",
                         mid_trace_signals(set->answer[0].trace)->n_embd, D_MAX);
    return mid__row_fit(ctx, set, params, &method, out, NULL);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "mahalanobis", weights, signals, &method, plan);
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_mahalanobis = {
    .name = "mahalanobis", .version = 1,
    .summary = "running mean of the Mahalanobis distance to safe answers' hidden rows", .unit = "distance",
    .source = "Lee et al. 2018, arXiv 1807.03888; shrinkage: Ledoit & Wolf 2004",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};
