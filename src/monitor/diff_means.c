/* Difference in means: W2, also called mass-mean probing.
 *   S_t = (1/t) sum_{j<=t} z_j,   z_j = w . h_j + b,   w = mu_u - mu_s,   b = -w . (mu_u + mu_s) / 2
 * mu_u, mu_s are the means of unsafe and safe answers' running means of rows, after 1, 2, 4, ... 128 tokens, an answer
 * weighing 1 in all. With whiten = 1 the difference is multiplied by Sigma^-1, Sigma the covariance of these rows around
 * their class's mean, shrunk (learn/shrink.h): Fisher's linear discriminant. Nothing is minimised, so nothing overfits but
 * the means. The layer is the one with the best inner-fold AUROC.
 * Source: Marks & Tegmark 2023 (arXiv 2310.06824). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "learn/shrink.h"
#include "monitor/rows.h"
#include "monitor/running.h"

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

/* Weighted class means over the rows outside a fold (-1: all); mean (2, d). False if a class is missing. */
static bool class_means(const mid_fit_set *set, const mid__rows *rows, int fold_out, double *mean)
{
    const size_t d = rows->d;
    double n[2] = { 0, 0 };
    size_t i, j;

    memset(mean, 0, 2 * d * sizeof *mean);
    for (i = 0; i < rows->n; i++) {
        const int label = rows->label[i];
        if (fold_out >= 0 && mid__inner_fold(set, rows->answer[i]) == fold_out)
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

/* Multiply w by Sigma^-1 of the rows outside a fold, each around its class's mean. */
static mid_status multiply(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, int fold_out, const double *mean,
                           double *w)
{
    const size_t d = rows->d;
    float *x = malloc((rows->n + 1) * d * sizeof *x);
    double *scratch = malloc(d * sizeof *scratch);
    mid__gauss gauss = { 0 };
    size_t i, j, n = 0;
    mid_status status = x && scratch ? MID_OK : mid__oom(ctx, "a covariance");

    for (i = 0; status == MID_OK && i < rows->n; i++) {
        if (fold_out >= 0 && mid__inner_fold(set, rows->answer[i]) == fold_out)
            continue;
        for (j = 0; j < d; j++)
            x[n * d + j] = (float)((double)rows->x[i * d + j] - mean[rows->label[i] * d + j]);
        n++;
    }
    if (status == MID_OK)
        status = mid__gauss_fit(ctx, x, n, d, "centred", &gauss);
    if (status == MID_OK)
        whiten(&gauss, w, scratch);
    mid__gauss_clear(&gauss);
    free(x);
    free(scratch);
    return status;
}

/* The probe from the rows outside a fold. MID_EUNDEFINED if they cannot give one. */
static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, int fold_out, bool whitened,
                        float *w, float *b)
{
    const size_t d = rows->d;
    double *mean = malloc(2 * d * sizeof *mean), *wide = malloc(d * sizeof *wide), middle = 0;
    size_t j;
    mid_status status = mean && wide ? MID_OK : mid__oom(ctx, "class means");

    if (status == MID_OK && !class_means(set, rows, fold_out, mean))
        status = mid__fail(ctx, MID_EUNDEFINED, "no rows of one class: the answers without tokens do not count");
    for (j = 0; status == MID_OK && j < d; j++)
        wide[j] = mean[d + j] - mean[j];
    if (status == MID_OK && whitened)
        status = multiply(ctx, set, rows, fold_out, mean, wide);
    for (j = 0; status == MID_OK && j < d; j++) {
        w[j] = (float)wide[j];
        middle += wide[j] * (mean[d + j] + mean[j]) / 2;
    }
    *b = (float)-middle;
    free(mean);
    free(wide);
    return status;
}

/* AUROC of the rows in each inner fold under the probe from the others; 0 where a fold cannot give one. */
static mid_status inner_auroc(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, bool whitened, double *auroc)
{
    float *w = malloc(rows->d * sizeof *w), b;
    double *score = calloc(rows->n + 1, sizeof *score);
    size_t i;
    int fold;
    mid_status status = w && score ? MID_OK : mid__oom(ctx, "inner scores");

    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++) {
        status = learn(ctx, set, rows, fold, whitened, w, &b);
        for (i = 0; status == MID_OK && i < rows->n; i++)
            if (mid__inner_fold(set, rows->answer[i]) == fold)
                score[i] = mid__dot(w, rows->x + i * rows->d, rows->d) + (double)b;
    }
    *auroc = status == MID_OK ? fmax(0, mid__rows_auroc(set, rows, score)) : 0;     /* 0 for NaN, too */
    free(w);
    free(score);
    return status == MID_EUNDEFINED ? MID_OK : status;
}

static mid_status keep(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, bool whitened, int layer,
                       mid_weights *out)
{
    float *w = malloc(rows->d * sizeof *w), b;
    mid_status status = w ? learn(ctx, set, rows, -1, whitened, w, &b) : mid__oom(ctx, "class means");

    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "w", w, 1, rows->d);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "b", &b, 1, 1);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", layer);
    free(w);
    return status;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    const double whitened = mid__param_number(params, "whiten");
    mid__rows best = { 0 }, rows = { 0 };
    double auroc, best_auroc = -1;
    int first, last, l, best_l = 0;
    mid_status status = mid__layer_range(ctx, signals, mid__param_number(params, "layer"), &first, &last);

    if (status == MID_OK && whitened != 0 && whitened != 1)
        status = mid__fail(ctx, MID_EINVAL, "whiten %g: must be 0 or 1", whitened);
    for (l = first; status == MID_OK && l <= last; l++) {
        status = mid__rows_of(ctx, set, l, MID__VIEW_MEAN, 0, 0, &rows);
        auroc = 0;
        if (status == MID_OK && first != last)
            status = inner_auroc(ctx, set, &rows, whitened == 1, &auroc);
        if (status == MID_OK && auroc > best_auroc) {
            mid__rows swap = best;
            best = rows;
            rows = swap;
            best_auroc = auroc;
            best_l = l;
        }
        mid__rows_clear(&rows);
    }
    if (status == MID_OK)
        status = keep(ctx, set, &best, whitened == 1, signals->layer[best_l], out);
    mid__rows_clear(&best);
    return status;
}

/* ---- scoring ---------------------------------------------------------------------------------------------------- */

struct plan { size_t d, at; double b; float w[]; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const size_t d = (size_t)signals->n_embd;
    const int i_layer = mid__layer_index(signals, mid_weights_number(weights, "layer"));
    const float *w, *b;
    struct plan *p;
    mid_status status = mid_weights_expect(ctx, weights, "w", 1, d, &w);

    (void)params;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "b", 1, 1, &b);
    if (status != MID_OK)
        return status;
    if (i_layer < 0)
        return mid__fail(ctx, MID_ESIGNAL, "the probe reads layer %g, which this source does not tap",
                         mid_weights_number(weights, "layer"));
    p = malloc(sizeof *p + d * sizeof *w);
    if (!p)
        return mid__oom(ctx, "a probe");
    *p = (struct plan){ .d = d, .at = (size_t)i_layer * d, .b = *b };
    memcpy(p->w, w, d * sizeof *w);
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    const double z = mid__dot(p->w, step->hidden + p->at, p->d) + p->b;

    if (!isfinite(z))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, z);
    return MID_OK;
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
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(mid__running), .push = push,
};
