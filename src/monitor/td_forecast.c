/* A forecast of how the answer will end, learned from what comes next rather than from the end alone: W27.
 *   V(x) = w . x + b,  x_t = mean_{j<=t} h_j        S_t = V(x_t)
 *   targets: G_last = y;  G_i = (1 - lambda) V(x_{i+1}) + lambda G_{i+1}        (the lambda-return)
 * Steps i are an answer's rows after 1, 2, 4, ... 128 tokens and at its end: on a grid that doubles, a forecast looks
 * about as far ahead as it has seen. lambda = 1 is plain regression on the label; below it, rows whose continuations went
 * alike share what they learn. V is ridge regression on standardised rows (an answer weighs 1), refitted to its own targets up to 20
 * times, until no value moves by more than 1e-4. Layer and ridge (.01, .1, 1 times the rows' total weight) are chosen
 * by inner folds at lambda = 1, then lambda among 0, .5, .8, .95, 1 on that layer. Targets are 0..1, forecasts need not be.
 * Source: temporal differences, Sutton 1988; forecasting a guard's verdict: StreamGuard (arXiv 2604.03962), who sample
 * continuations, which recorded answers do not have. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "monitor/linear.h"
#include "monitor/running.h"

static const double lambda_grid[] = { 1, 0.95, 0.8, 0.5, 0 }, ridge_grid[] = { 0.01, 0.1, 1 };
enum { N_LAMBDA = sizeof lambda_grid / sizeof lambda_grid[0], N_RIDGE = sizeof ridge_grid / sizeof ridge_grid[0],
       SWEEP_MAX = 20 };
static const double settled = 1e-4;

/* Standardised rows, each times the root of its weight, and the factor of their regularised scatter. */
struct ridge {
    mid__rows rows;                 /* x: the rows as above */
    double *mean, *sd;              /* (d) */
    double *root;                   /* (n) */
    double *scatter, *factor;       /* (d, d) lower triangle */
    double *v, *g, *w;              /* (n), (n), (d) values, targets, weights of standardised rows */
    double total, b;                /* of the weights */
};

static void ridge_clear(struct ridge *r)
{
    mid__rows_clear(&r->rows);
    free(r->mean);
    free(r->sd);
    free(r->root);
    free(r->scatter);
    free(r->factor);
    free(r->v);
    free(r->g);
    free(r->w);
}

static void standardise(struct ridge *r)
{
    const size_t d = r->rows.d;
    size_t i, j;

    memset(r->mean, 0, d * sizeof *r->mean);
    memset(r->sd, 0, d * sizeof *r->sd);
    for (i = 0, r->total = 0; i < r->rows.n; i++) {
        r->root[i] = sqrt(r->rows.weight[i]);
        r->total += r->rows.weight[i];
        mid__axpy_wide(r->rows.weight[i], r->rows.x + i * d, r->mean, d);
    }
    for (j = 0; j < d; j++)
        r->mean[j] /= r->total;
    for (i = 0; i < r->rows.n; i++)
        for (j = 0; j < d; j++) {
            const double a = (double)r->rows.x[i * d + j] - r->mean[j];
            r->sd[j] += r->rows.weight[i] * a * a;
        }
    for (j = 0; j < d; j++)
        r->sd[j] = r->sd[j] > 0 ? sqrt(r->sd[j] / r->total) : 1;
    for (i = 0; i < r->rows.n; i++)
        for (j = 0; j < d; j++)
            r->rows.x[i * d + j] = (float)(((double)r->rows.x[i * d + j] - r->mean[j]) / r->sd[j] * r->root[i]);
}

/* The rows outside a fold (-1: all), ready to be factored. */
static mid_status ridge_open(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, int fold, struct ridge *r)
{
    const size_t d = rows->d;
    double *zero = calloc(d, sizeof *zero);
    mid_status status;

    memset(r, 0, sizeof *r);
    status = mid__rows_outside(ctx, set, rows, fold, &r->rows);
    r->mean = malloc(d * sizeof *r->mean);
    r->sd = malloc(d * sizeof *r->sd);
    r->root = malloc((rows->n + 1) * sizeof *r->root);
    r->scatter = calloc(d * d, sizeof *r->scatter);
    r->factor = malloc(d * d * sizeof *r->factor);
    r->v = calloc(rows->n + 1, sizeof *r->v);
    r->g = malloc((rows->n + 1) * sizeof *r->g);
    r->w = malloc(d * sizeof *r->w);
    if (status == MID_OK && (!zero || !r->mean || !r->sd || !r->root || !r->scatter || !r->factor || !r->v || !r->g ||
                             !r->w))
        status = mid__oom(ctx, "a forecast");
    if (status == MID_OK && r->rows.n == 0)
        status = mid__fail(ctx, MID_EUNDEFINED, "a forecast learned from no rows");
    if (status == MID_OK) {
        standardise(r);
        if (!mid__scatter(r->rows.x, r->rows.n, d, zero, r->scatter))
            status = mid__oom(ctx, "a forecast");
    }
    free(zero);
    return status;
}

static mid_status ridge_factor(mid_ctx *ctx, struct ridge *r, double ridge)
{
    const size_t d = r->rows.d;
    size_t j;

    memcpy(r->factor, r->scatter, d * d * sizeof *r->factor);
    for (j = 0; j < d; j++)
        r->factor[j * d + j] += ridge * r->total;
    return mid__cholesky(r->factor, d) ? MID_OK : mid__fail(ctx, MID_ENUMERIC, "a forecast: a row is not a number");
}

/* w, b: the regression of the targets g; v: its values. */
static void solve(struct ridge *r)
{
    const size_t n = r->rows.n, d = r->rows.d;
    size_t i, j;

    for (i = 0, r->b = 0; i < n; i++)
        r->b += r->rows.weight[i] * r->g[i] / r->total;
    memset(r->w, 0, d * sizeof *r->w);
    for (i = 0; i < n; i++)
        mid__axpy_wide(r->root[i] * (r->g[i] - r->b), r->rows.x + i * d, r->w, d);
    for (j = 0; j < d; j++)
        r->w[j] = (r->w[j] - mid__dot_double(r->factor + j * d, r->w, j)) / r->factor[j * d + j];
    for (j = d; j-- > 0; ) {
        r->w[j] /= r->factor[j * d + j];
        for (i = 0; i < j; i++)
            r->w[i] -= r->factor[j * d + i] * r->w[j];
    }
    for (i = 0; i < n; i++)
        r->v[i] = r->b + mid__dot_wide(r->rows.x + i * d, r->w, d) / r->root[i];
}

/* Targets of every row from the values now. */
static void look_ahead(struct ridge *r, double lambda)
{
    size_t i;

    for (i = r->rows.n; i-- > 0; ) {
        const bool is_last = i + 1 == r->rows.n || r->rows.answer[i + 1] != r->rows.answer[i];
        r->g[i] = is_last ? r->rows.label[i] : (1 - lambda) * r->v[i + 1] + lambda * r->g[i + 1];
    }
}

static mid_status forecast(mid_ctx *ctx, struct ridge *r, double lambda)
{
    double *last = malloc((r->rows.n + 1) * sizeof *last), moved = INFINITY;
    size_t i;
    int sweep;

    if (!last)
        return mid__oom(ctx, "a forecast");
    look_ahead(r, 1);
    solve(r);
    for (sweep = 0; lambda < 1 && sweep < SWEEP_MAX && moved > settled; sweep++) {
        memcpy(last, r->v, r->rows.n * sizeof *last);
        look_ahead(r, lambda);
        solve(r);
        for (i = 0, moved = 0; i < r->rows.n; i++)
            moved = fmax(moved, fabs(r->v[i] - last[i]));
    }
    free(last);
    return MID_OK;
}

/* Weights for rows as they are. */
static double unscale(const struct ridge *r, float *w)
{
    double b = r->b;
    size_t j;

    for (j = 0; j < r->rows.d; j++) {
        w[j] = (float)(r->w[j] / r->sd[j]);
        b -= r->w[j] / r->sd[j] * r->mean[j];
    }
    return b;
}

/* Held-out scores of each candidate (a ridge at lambda 1, or a lambda at one ridge), and the best one's AUROC. */
static mid_status choose(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, const double *ridges, int n_ridge,
                         const double *lambdas, int n_lambda, int *best, double *best_auroc)
{
    const int n_candidate = n_ridge * n_lambda;
    double *score = calloc((size_t)n_candidate * rows->n + 1, sizeof *score), a;
    float *w = malloc(rows->d * sizeof *w);
    struct ridge r;
    size_t i;
    int fold, k;
    mid_status status = score && w ? MID_OK : mid__oom(ctx, "inner folds");

    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++) {
        status = ridge_open(ctx, set, rows, fold, &r);
        for (k = 0; status == MID_OK && k < n_candidate; k++) {
            double b;
            if (k % n_lambda == 0)
                status = ridge_factor(ctx, &r, ridges[k / n_lambda]);
            if (status == MID_OK)
                status = forecast(ctx, &r, lambdas[k % n_lambda]);
            b = status == MID_OK ? unscale(&r, w) : 0;
            for (i = 0; status == MID_OK && i < rows->n; i++)
                if (mid__inner_fold(set, rows->answer[i]) == fold)
                    score[(size_t)k * rows->n + i] = mid__dot(w, rows->x + i * rows->d, rows->d) + b;
        }
        ridge_clear(&r);
    }
    *best = 0;
    *best_auroc = 0;
    for (k = 0; status == MID_OK && k < n_candidate; k++) {
        status = mid__rows_auroc(ctx, set, rows, score + (size_t)k * rows->n, &a);
        if (status == MID_OK && a > *best_auroc) {
            *best_auroc = a;
            *best = k;
        }
    }
    free(score);
    free(w);
    return status == MID_EUNDEFINED ? MID_OK : status;
}

static mid_status keep(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, double ridge, double lambda,
                       mid_weights *out)
{
    float *w = malloc(rows->d * sizeof *w);
    struct ridge r;
    mid_status status = ridge_open(ctx, set, rows, -1, &r);

    if (status == MID_OK && !w)
        status = mid__oom(ctx, "a forecast");
    if (status == MID_OK)
        status = ridge_factor(ctx, &r, ridge);
    if (status == MID_OK)
        status = forecast(ctx, &r, lambda);
    if (status == MID_OK)
        status = mid__linear_keep(ctx, &(mid__linear){ w, unscale(&r, w) }, rows->d, out);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "ridge", ridge);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "lambda", lambda);
    ridge_clear(&r);
    free(w);
    return status;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    const double lambda_param = mid__param_number(params, "lambda");
    double auroc, best_auroc = -1, lambda = lambda_param;
    mid__rows rows = { 0 }, best = { 0 };
    int first, last, l, k, best_l = 0, best_k = 0;
    mid_status status = mid__layer_range(ctx, signals, mid__param_number(params, "layer"), &first, &last);

    if (status == MID_OK && !(lambda_param == -1 || (lambda_param >= 0 && lambda_param <= 1)))
        status = mid__fail(ctx, MID_EINVAL, "lambda %g: in [0, 1], or -1 to choose it", lambda_param);
    for (l = first; status == MID_OK && l <= last; l++) {
        status = mid__rows_of(ctx, set, l, MID__VIEW_MEAN, 0, 0, &rows);
        if (status == MID_OK)
            status = choose(ctx, set, &rows, ridge_grid, N_RIDGE, lambda_grid, 1, &k, &auroc);
        if (status == MID_OK && mid__rows_better(&best, &best_auroc, &rows, auroc)) {
            best_l = l;
            best_k = k;
        }
        mid__rows_clear(&rows);
    }
    if (status == MID_OK && lambda < 0) {
        status = choose(ctx, set, &best, &ridge_grid[best_k], 1, lambda_grid, N_LAMBDA, &k, &best_auroc);
        lambda = lambda_grid[k];
    }
    if (status == MID_OK)
        status = keep(ctx, set, &best, ridge_grid[best_k], lambda, out);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", signals->layer[best_l]);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "inner_auroc", best_auroc);
    mid__rows_clear(&best);
    return status;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "td_forecast", weights, signals, &mid__linear_method, plan);
}

static const mid_param params_[] = {
    { "layer",  -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { "lambda", -1, NULL, "weight of what came later over the forecast of it, in [0, 1]; -1: chosen among 0 .5 .8 .95 1" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_td_forecast = {
    .name = "td_forecast", .version = 1,
    .summary = "linear forecast of the answer's label from its mean hidden row, trained on lambda-returns",
    .unit = "forecast",
    .source = "Sutton 1988; after StreamGuard, arXiv 2604.03962",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};
