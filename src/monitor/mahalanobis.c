/* Mahalanobis distance from the safe answers' hidden rows: W16.
 *   MD^2(h) = (h - mu)^T Sigma^-1 (h - mu)        S_t = (1/t) sum_{j<=t} MD(h_j)
 * mu, Sigma from token rows of safe fit answers, Sigma <- (1 - rho) Sigma + rho (tr Sigma / d) I with rho by Ledoit & Wolf
 * (2004, "A well-conditioned estimator for large-dimensional covariance matrices"): the tokens of one answer are
 * correlated, so a bare jitter would be too little. Rows are taken after 1, 2, 4, ... 128 tokens of each answer. The layer
 * with the best inner-fold AUROC on the fit answers is kept. Stored: mu and the inverse Cholesky factor W, W^T W =
 * Sigma^-1, so that MD^2 = |W (h - mu)|^2.
 * Source: Lee et al. 2018 (arXiv 1807.03888); Vazhentsev et al. 2023 for language models. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "monitor/layer_choice.h"
#include "monitor/running.h"

struct gauss { float *mu, *whiten; };   /* (d), (d, d) lower triangle */

/* Ledoit-Wolf: rho = min(1, beta / delta), with S the covariance over n rows x_i (centred), m = tr S / d,
 *   delta = |S - m I|_F^2 / d,   beta = (1 / (n d)) (mean_i |x_i|^4 - |S|_F^2). scatter (d, d) lower triangle = n S. */
static double ledoit_wolf(const float *x, const uint8_t *use, size_t n_row, size_t d, const double *mean,
                          const double *scatter, size_t n)
{
    double trace = 0, square = 0, fourth = 0, delta, beta;
    size_t i, j;

    for (i = 0; i < d; i++) {
        for (j = 0; j < i; j++)
            square += 2 * scatter[i * d + j] * scatter[i * d + j];
        square += scatter[i * d + i] * scatter[i * d + i];
        trace += scatter[i * d + i];
    }
    square /= (double)n * (double)n;
    trace /= (double)n;
    for (i = 0; i < n_row; i++) {
        double norm = 0;
        for (j = 0; use[i] && j < d; j++)
            norm += ((double)x[i * d + j] - mean[j]) * ((double)x[i * d + j] - mean[j]);
        fourth += norm * norm;
    }
    delta = (square - trace * trace / (double)d) / (double)d;
    beta = (fourth / (double)n - square) / ((double)n * (double)d);
    return delta > 0 ? fmin(fmax(beta, 0), delta) / delta : 1;
}

/* Mean and whitening of the rows marked in use. */
static mid_status learn(mid_ctx *ctx, const mid__rows *rows, const uint8_t *use, void *model)
{
    struct gauss *g = model;
    const size_t d = rows->d;
    double *mean = malloc(d * sizeof *mean), *c = calloc(d * d, sizeof *c), rho, trace = 0;
    float *x = malloc((rows->n + 1) * d * sizeof *x);
    size_t i, j, n = 0;
    mid_status status = MID_OK;

    g->mu = malloc(d * sizeof *g->mu);
    g->whiten = calloc(d * d, sizeof *g->whiten);
    if (!mean || !c || !x || !g->mu || !g->whiten) {
        status = mid__oom(ctx, "a covariance");
        goto out;
    }
    for (i = 0; i < rows->n; i++)
        if (use[i])
            memcpy(x + n++ * d, rows->x + i * d, d * sizeof *x);
    if (n < 2) {
        status = mid__fail(ctx, MID_EUNDEFINED, "%zu safe rows: a covariance needs two", n);
        goto out;
    }
    mid__column_stats(x, n, d, mean, NULL);
    if (!mid__scatter(x, n, d, mean, c)) {
        status = mid__oom(ctx, "a covariance");
        goto out;
    }
    rho = ledoit_wolf(rows->x, use, rows->n, d, mean, c, n);
    for (i = 0; i < d; i++)
        trace += c[i * d + i] / (double)n;
    for (i = 0; i < d; i++) {
        for (j = 0; j <= i; j++)
            c[i * d + j] *= (1 - rho) / (double)n;
        c[i * d + i] += rho * trace / (double)d;
    }
    if (!mid__cholesky(c, d)) {
        status = mid__fail(ctx, MID_EUNDEFINED, "the safe rows' covariance is singular: they are all alike");
        goto out;
    }
    if (!mid__invert_lower(c, d)) {
        status = mid__oom(ctx, "a covariance");
        goto out;
    }
    for (i = 0; i < d; i++) {
        g->mu[i] = (float)mean[i];
        for (j = 0; j <= i; j++)
            g->whiten[i * d + j] = (float)c[i * d + j];
    }
out:
    free(mean);
    free(c);
    free(x);
    return status;
}

static double distance(const float *mu, const float *whiten, const float *h, float *centred, size_t d)
{
    double square = 0;
    size_t i;

    for (i = 0; i < d; i++)
        centred[i] = h[i] - mu[i];
    for (i = 0; i < d; i++) {
        const double y = mid__dot(whiten + i * d, centred, i + 1);
        square += y * y;
    }
    return sqrt(square);
}

enum { D_MAX = 8192 };

static double score_row(const void *model, const float *h, size_t d)
{
    const struct gauss *g = model;
    float centred[D_MAX];

    return distance(g->mu, g->whiten, h, centred, d);
}

static void forget(void *model)
{
    struct gauss *g = model;

    free(g->mu);
    free(g->whiten);
    memset(g, 0, sizeof *g);
}

static mid_status keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    const struct gauss *g = model;
    mid_status status = mid_weights_set(ctx, out, "mu", g->mu, 1, d);

    return status == MID_OK ? mid_weights_set(ctx, out, "whiten", g->whiten, d, d) : status;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    static const mid__one_class method = { sizeof(struct gauss), learn, score_row, keep, forget };

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
    const double md = distance(p->mu, p->whiten, step->hidden + p->at, centred, p->d);

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
