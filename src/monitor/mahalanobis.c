/* Mahalanobis distance from the safe answers' hidden rows: W16.
 *   MD^2(h) = (h - mu)^T Sigma^-1 (h - mu)        S_t = (1/t) sum_{j<=t} MD(h_j)
 * mu, Sigma from token rows of safe fit answers, Sigma <- (1 - rho) Sigma + rho (tr Sigma / d) I with rho by Ledoit & Wolf
 * (learn/shrink.h): the tokens of one answer are correlated, so a bare jitter would be too little. Rows are taken after 1,
 * 2, 4, ... 128 tokens of each answer. The layer with the best inner-fold AUROC on the fit answers is kept. Stored: mu and
 * the inverse Cholesky factor W, W^T W = Sigma^-1, so that MD^2 = |W (h - mu)|^2.
 * Source: Lee et al. 2018 (arXiv 1807.03888); Vazhentsev et al. 2023 for language models. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/shrink.h"
#include "monitor/layer_choice.h"
#include "monitor/running.h"

enum { D_MAX = 8192 };

/* Mean and whitening of the rows marked in use. */
static mid_status learn(mid_ctx *ctx, const mid__rows *rows, const uint8_t *use, void *model)
{
    const size_t d = rows->d;
    float *x = malloc((rows->n + 1) * d * sizeof *x);
    size_t i, n = 0;
    mid_status status;

    if (!x)
        return mid__oom(ctx, "a covariance");
    for (i = 0; i < rows->n; i++)
        if (use[i])
            memcpy(x + n++ * d, rows->x + i * d, d * sizeof *x);
    status = mid__gauss_fit(ctx, x, n, d, "safe", model);
    free(x);
    return status;
}

static double score_row(const void *model, const float *h, size_t d)
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

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    static const mid__one_class method = { sizeof(mid__gauss), learn, score_row, keep, forget };

    if (mid_trace_signals(set->answer[0].trace)->n_embd > D_MAX)
        return mid__fail(ctx, MID_ELIMIT, "mahalanobis: rows of %d values, the limit is %d",
                         mid_trace_signals(set->answer[0].trace)->n_embd, D_MAX);
    return mid__one_class_fit(ctx, set, mid__param_number(params, "layer"), &method, out);
}

struct plan { size_t d, at; float *mu, *whiten; };

static void close_plan(void *plan)
{
    struct plan *p = plan;

    if (p) {
        free(p->mu);
        free(p->whiten);
        free(p);
    }
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const size_t d = (size_t)signals->n_embd;
    const int i_layer = mid__layer_index(signals, mid_weights_number(weights, "layer"));
    const float *mu, *whiten;
    struct plan *p;
    mid_status status = mid_weights_expect(ctx, weights, "mu", 1, d, &mu);

    (void)params;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "whiten", d, d, &whiten);
    if (status != MID_OK)
        return status;
    if (i_layer < 0 || d > D_MAX)
        return mid__fail(ctx, MID_ESIGNAL, "mahalanobis reads layer %g, which this source does not tap",
                         mid_weights_number(weights, "layer"));
    p = calloc(1, sizeof *p);
    if (!p)
        return mid__oom(ctx, "mahalanobis");
    p->d = d;
    p->at = (size_t)i_layer * d;
    p->mu = malloc(d * sizeof *mu);
    p->whiten = malloc(d * d * sizeof *whiten);
    if (!p->mu || !p->whiten) {
        close_plan(p);
        return mid__oom(ctx, "mahalanobis");
    }
    memcpy(p->mu, mu, d * sizeof *mu);
    memcpy(p->whiten, whiten, d * d * sizeof *whiten);
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    float centred[D_MAX];
    const double md = sqrt(mid__gauss_distance2(p->mu, p->whiten, step->hidden + p->at, centred, p->d));

    if (!isfinite(md))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, md);
    return MID_OK;
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
    .fit = fit, .open = open_plan, .close = close_plan,
    .state_size = sizeof(mid__running), .push = push,
};
