/* A classifier trained on labels it guessed itself from the shape of the cloud of rows: W25.
 *   zeta(f) = (1/k) sum_{j<=k} s_j <f, v_j>^2         S_t = w . mean_{j<=t} h_j + b
 * f: mean of an answer's rows after 1, 2, 4, ... 128 tokens, less the mean of all answers' at that count; v_j, s_j: the
 * first k right singular vectors of all f and their singular values. A quarter of the answers at each count, those with the
 * largest zeta, is taken as one class and the quarter with the smallest as the other; logistic regression (C = .01, on
 * standardised rows) learns to tell the two apart. The fit answers' labels serve only to choose k among 1, 4, 16 and the
 * layer, by inner folds, and which of the two classes is called unsafe (AUROC after 16 tokens).
 * We differ from HaloScope (Du, Xiao & Li 2024, arXiv 2409.17504): all rows at one count are centred and ranked among
 * themselves, since means of few tokens scatter more and would all be extreme; extremes instead of one cut; a linear
 * classifier instead of a net of two layers; prefixes instead of finished answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "learn/pca.h"
#include "midstream/metric.h"
#include "monitor/linear.h"
#include "monitor/rows_lr.h"
#include "monitor/running.h"

static const size_t k_grid[] = { 1, 4, 16 };
enum { N_K = sizeof k_grid / sizeof k_grid[0], PCA_ROW_MAX = 4096, SIGN_HORIZON = 4 };
static const double extreme = 0.25, c_fixed = 0.01;

struct halo { mid__linear linear; int sign; };

/* Each horizon's rows less their mean. mean (d) work space. */
static void centre(mid__rows *r, double *mean)
{
    size_t i, j, n;
    int h;

    for (h = 0; h < MID__N_HORIZON; h++) {
        memset(mean, 0, r->d * sizeof *mean);
        for (i = n = 0; i < r->n; i++)
            if (r->horizon[i] == h) {
                mid__axpy_wide(1, r->x + i * r->d, mean, r->d);
                n++;
            }
        for (i = 0; n && i < r->n; i++)
            for (j = 0; r->horizon[i] == h && j < r->d; j++)
                r->x[i * r->d + j] -= (float)(mean[j] / (double)n);
    }
}

/* zeta of every centred row. */
static mid_status memberships(mid_ctx *ctx, const mid__rows *centred, size_t k, double *zeta)
{
    uint8_t *all = malloc(centred->n + 1);
    mid__rows some = { 0 };
    mid__pca pca = { 0 };
    size_t i, j;
    mid_status status = all ? MID_OK : mid__oom(ctx, "memberships");

    if (status == MID_OK) {
        memset(all, 1, centred->n);
        status = mid__rows_pick(ctx, centred, all, -1, PCA_ROW_MAX, &some);
    }
    if (status == MID_OK)
        status = mid__pca_fit(ctx, some.x, some.n, some.d, k, &pca);
    for (i = 0; status == MID_OK && i < centred->n; i++)
        for (zeta[i] = 0, j = 0; j < pca.k; j++) {
            const double a = mid__dot(pca.axis + j * pca.d, centred->x + i * pca.d, pca.d);
            zeta[i] += sqrt(pca.variance[j]) * a * a / (double)pca.k;
        }
    mid__pca_clear(&pca);
    mid__rows_clear(&some);
    free(all);
    return status;
}

/* label 1 for the largest zeta of each horizon, 0 for the smallest; use: rows that are either. sorted (n) work space. */
static void guess_labels(const mid__rows *r, const double *zeta, double *sorted, uint8_t *label, uint8_t *use)
{
    size_t i, n;
    int h;

    for (h = 0; h < MID__N_HORIZON; h++) {
        double low, high;
        for (i = n = 0; i < r->n; i++)
            if (r->horizon[i] == h)
                sorted[n++] = zeta[i];
        low = n ? mid_quantile(sorted, n, extreme) : 0;
        high = n ? mid_quantile(sorted, n, 1 - extreme) : 0;
        for (i = 0; i < r->n; i++)
            if (r->horizon[i] == h) {
                label[i] = zeta[i] >= high;
                use[i] = zeta[i] >= high || zeta[i] <= low;
            }
    }
}

/* +1 if the larger score goes with label 1 after SIGN_HORIZON's tokens (or at an earlier end), else -1. */
static mid_status sign_of(mid_ctx *ctx, const mid__rows *r, const float *w, int *sign)
{
    double *score = malloc((r->n + 1) * sizeof *score), a = 0.5;
    uint8_t *label = malloc(r->n + 1);
    size_t i, n = 0;

    if (!score || !label) {
        free(score);
        free(label);
        return mid__oom(ctx, "an orientation");
    }
    for (i = 0; i < r->n; i++) {
        if (r->horizon[i] > SIGN_HORIZON)
            continue;
        if (n && i && r->answer[i] == r->answer[i - 1])
            n--;                        /* an answer's rows come in order: the later one takes the place */
        score[n] = mid__dot(w, r->x + i * r->d, r->d);
        label[n++] = r->label[i];
    }
    mid_auroc(NULL, score, label, n, &a);
    *sign = a < 0.5 ? -1 : 1;
    free(score);
    free(label);
    return MID_OK;
}

static mid_status learn(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    struct halo *m = model;
    const mid__rows *rows = data->rows;
    float *w = malloc(rows->d * sizeof *w), b = 0;
    mid__rows own = { 0 }, centred = { 0 }, chosen = { 0 };
    double *zeta = malloc((rows->n + 1) * sizeof *zeta), *work = malloc((rows->n + rows->d) * sizeof *work);
    uint8_t *label = malloc(rows->n + 1), *extremes = malloc(rows->n + 1);
    size_t j;
    mid_status status = mid__rows_pick(ctx, rows, data->use, -1, SIZE_MAX, &own);

    m->linear.w = w;
    if (status == MID_OK && (!zeta || !work || !label || !extremes || !w))
        status = mid__oom(ctx, "guessed labels");
    if (status == MID_OK) {
        memset(extremes, 1, own.n);
        status = mid__rows_pick(ctx, &own, extremes, -1, SIZE_MAX, &centred);
    }
    if (status == MID_OK) {
        centre(&centred, work);
        status = memberships(ctx, &centred, k_grid[data->i_grid], zeta);
    }
    if (status == MID_OK) {
        guess_labels(&own, zeta, work, label, extremes);
        memcpy(centred.label, own.label, own.n);
        memcpy(own.label, label, own.n);
        status = mid__rows_pick(ctx, &own, extremes, -1, SIZE_MAX, &chosen);
        memcpy(own.label, centred.label, own.n);
    }
    if (status == MID_OK)
        status = mid__rows_lr_fit(ctx, data->set, &chosen, c_fixed, w, &b);
    if (status == MID_OK)
        status = sign_of(ctx, &own, w, &m->sign);
    for (j = 0; status == MID_OK && j < rows->d; j++)
        w[j] *= (float)m->sign;
    m->linear.b = status == MID_OK ? m->sign * (double)b : 0;
    mid__rows_clear(&own);
    mid__rows_clear(&centred);
    mid__rows_clear(&chosen);
    free(zeta);
    free(work);
    free(label);
    free(extremes);
    return status;
}

static mid_status keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    const struct halo *m = model;
    mid_status status = mid__linear_keep(ctx, model, d, out);

    return status == MID_OK ? mid_weights_set_number(ctx, out, "large_is_unsafe", m->sign > 0) : status;
}

static const mid__row_method method = { .model_size = sizeof(struct halo), .n_grid = N_K, .view = MID__VIEW_MEAN,
                                        .keep_auroc = true, .learn = learn, .score = mid__linear_score, .keep = keep,
                                        .restore = mid__linear_restore, .forget = mid__linear_forget };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    int i_grid;
    const mid_status status = mid__row_fit(ctx, set, params, &method, out, &i_grid);

    return status == MID_OK ? mid_weights_set_number(ctx, out, "k", (double)k_grid[i_grid]) : status;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "halo_scope", weights, signals, &method, plan);
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_halo_scope = {
    .name = "halo_scope", .version = 1,
    .summary = "linear classifier on the mean hidden row, trained on labels guessed from the rows' main directions",
    .unit = "logit", .source = "after HaloScope, Du, Xiao & Li 2024, arXiv 2409.17504",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};
