/* Mahalanobis distances from two clouds of hidden rows, one less the other: W16's relative and two-class forms.
 *   mahalanobis_relative   x_t = MD^2_safe(h_t) - MD^2_background(h_t)        S_t = (1/t) sum_{j<=t} x_j
 *   traj_guard             x_t = MD_safe(h_t) - MD_unsafe(h_t)                a_t = mean of the last min(t, window) x
 *                          S_t = min(a_t, ... a_{t-n+1}), of as many as there are: high only where n windows in a row are
 * Each cloud has its mean and its covariance, shrunk by Ledoit & Wolf (learn/shrink.h). Safe, unsafe: token rows of the fit
 * answers of that label, after 1, 2, 4, ... 128 tokens; background: those of all of them, whatever the label, since that is
 * what the rows look like anyway, and only what sets safe rows apart should count. The layer with the best inner-fold AUROC
 * is kept; there traj_guard's windows are stood for by means over the training rows.
 * Source: relative distance Ren et al. 2021 (arXiv 2106.09022); for language models they subtract distances to a foreign
 * corpus, and LM-Polygraph roots instead of squares. TrajGuard: Liu et al. 2026 (arXiv 2604.07727): a window's mean risk
 * that persists; they then ask a judge model, which here is a hybrid's business. Our reconstruction from the description. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "learn/shrink.h"
#include "monitor/fitted.h"
#include "monitor/row_method.h"
#include "monitor/running.h"

enum { D_MAX = 8192, WINDOW_MAX = 64, ROW_MAX_IN_A_ROW = 16 };

/* What the two clouds are, by label; -1: either. */
struct kind { int label[2]; const char *what[2]; };

struct pair { mid__gauss g[2]; };

static mid_status learn(mid_ctx *ctx, const struct kind *kind, const mid__row_data *data, struct pair *m)
{
    mid_status status = MID_OK;
    mid__rows cloud;
    int k;

    for (k = 0; k < 2 && status == MID_OK; k++) {
        status = mid__rows_pick(ctx, data->rows, data->use, kind->label[k], SIZE_MAX, &cloud);
        if (status == MID_OK)
            status = mid__gauss_fit(ctx, cloud.x, cloud.n, cloud.d, kind->what[k], &m->g[k]);
        mid__rows_clear(&cloud);
    }
    return status;
}

/* Squared distance from either cloud. */
static void distances(const struct pair *m, const float *h, size_t d, double distance2[2])
{
    float scratch[D_MAX];
    int k;

    for (k = 0; k < 2; k++)
        distance2[k] = mid__gauss_distance2(m->g[k].mu, m->g[k].whiten, h, scratch, d);
}

static const char *const mu_name[] = { "mu", "mu_other" }, *const whiten_name[] = { "whiten", "whiten_other" };

static mid_status keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    const struct pair *m = model;
    mid_status status = MID_OK;
    int k;

    for (k = 0; k < 2 && status == MID_OK; k++) {
        status = mid_weights_set(ctx, out, mu_name[k], m->g[k].mu, 1, d);
        if (status == MID_OK)
            status = mid_weights_set(ctx, out, whiten_name[k], m->g[k].whiten, d, d);
    }
    return status;
}

static mid_status check_width(mid_ctx *ctx, size_t d)
{
    return d > D_MAX ? mid__fail(ctx, MID_ELIMIT, "rows of %zu values, the limit is %d", d, D_MAX) : MID_OK;
}

static mid_status restore(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model)
{
    struct pair *m = model;
    mid_status status = check_width(ctx, d);
    int k;

    for (k = 0; k < 2 && status == MID_OK; k++) {
        status = mid__tensor_copy(ctx, weights, mu_name[k], 1, d, &m->g[k].mu);
        if (status == MID_OK)
            status = mid__tensor_copy(ctx, weights, whiten_name[k], d, d, &m->g[k].whiten);
    }
    return status;
}

static void forget(void *model)
{
    struct pair *m = model;

    mid__gauss_clear(&m->g[0]);
    mid__gauss_clear(&m->g[1]);
}

static mid_status fit_pair(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, const mid__row_method *method,
                           mid_weights *out)
{
    const mid_status status = check_width(ctx, (size_t)mid_trace_signals(set->answer[0].trace)->n_embd);

    return status == MID_OK ? mid__row_fit(ctx, set, params, method, out, NULL) : status;
}

/* ---- mahalanobis_relative --------------------------------------------------------------------------------------- */

static mid_status learn_relative(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    static const struct kind kind = { { 0, -1 }, { "safe", "fit" } };

    return learn(ctx, &kind, data, model);
}

static double score_relative(const void *model, const float *h, size_t d)
{
    double distance2[2];

    distances(model, h, d, distance2);
    return distance2[0] - distance2[1];
}

static const mid__row_method relative = { .model_size = sizeof(struct pair), .view = MID__VIEW_TOKEN,
                                          .keep_auroc = true, .learn = learn_relative, .score = score_relative,
                                          .keep = keep, .restore = restore, .forget = forget };

static mid_status fit_relative(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return fit_pair(ctx, set, params, &relative, out);
}

static mid_status open_relative(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                                const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "mahalanobis_relative", weights, signals, &relative, plan);
}

static const mid_param relative_params[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_mahalanobis_relative = {
    .name = "mahalanobis_relative", .version = 1,
    .summary = "running mean of the squared distance to safe answers' hidden rows, less that to all answers'",
    .unit = "squared distance", .source = "Ren et al. 2021, arXiv 2106.09022",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = relative_params,
    .fit = fit_relative, .open = open_relative, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};

/* ---- traj_guard ------------------------------------------------------------------------------------------------- */

static mid_status learn_two_class(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    static const struct kind kind = { { 0, 1 }, { "safe", "unsafe" } };

    return learn(ctx, &kind, data, model);
}

static double score_two_class(const void *model, const float *h, size_t d)
{
    double distance2[2];

    distances(model, h, d, distance2);
    return sqrt(distance2[0]) - sqrt(distance2[1]);
}

static const mid__row_method two_class = { .model_size = sizeof(struct pair), .view = MID__VIEW_TOKEN,
                                           .keep_auroc = true, .learn = learn_two_class, .score = score_two_class,
                                           .keep = keep, .restore = restore, .forget = forget };

struct guard { void *row; uint32_t window, n_in_a_row; };       /* row: what gives the values */
/* The last values and the last window means, as rings: value t at t % window. */
struct trajectory { uint64_t n; double value[WINDOW_MAX], mean[ROW_MAX_IN_A_ROW]; };

static mid_status windows_of(mid_ctx *ctx, const mid_param *params, uint32_t *window, uint32_t *n_in_a_row)
{
    const double w = mid__param_number(params, "window"), n = mid__param_number(params, "in_a_row");

    if (!(w >= 1 && w <= WINDOW_MAX) || w != floor(w))
        return mid__fail(ctx, MID_EINVAL, "window %g: a whole number from 1 to %d", w, WINDOW_MAX);
    if (!(n >= 1 && n <= ROW_MAX_IN_A_ROW) || n != floor(n))
        return mid__fail(ctx, MID_EINVAL, "in_a_row %g: a whole number from 1 to %d", n, ROW_MAX_IN_A_ROW);
    *window = (uint32_t)w;
    *n_in_a_row = (uint32_t)n;
    return MID_OK;
}

static mid_status fit_trajectory(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    uint32_t window, n_in_a_row;
    const mid_status status = windows_of(ctx, params, &window, &n_in_a_row);

    return status == MID_OK ? fit_pair(ctx, set, params, &two_class, out) : status;
}

static mid_status open_trajectory(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                                  const mid_signals *signals, void **plan)
{
    struct guard *p = calloc(1, sizeof *p);
    mid_status status = p ? windows_of(ctx, params, &p->window, &p->n_in_a_row) : mid__oom(ctx, "traj_guard");

    if (status == MID_OK)
        status = mid__row_open(ctx, "traj_guard", weights, signals, &two_class, &p->row);
    if (status == MID_OK)
        *plan = p;
    else
        free(p);
    return status;
}

static void close_trajectory(void *plan)
{
    struct guard *p = plan;

    mid__row_close(p->row);
    free(p);
}

static mid_status push_trajectory(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct guard *p = plan;
    struct trajectory *s = self;
    double x, sum = 0, least;
    uint64_t n, i;

    if (!mid__row_value(p->row, step->hidden, &x))
        return MID_ENUMERIC;
    s->value[s->n % p->window] = x;
    n = s->n + 1 < p->window ? s->n + 1 : p->window;
    for (i = 0; i < n; i++)
        sum += s->value[i];
    s->mean[s->n % p->n_in_a_row] = sum / (double)n;
    s->n++;
    n = s->n < p->n_in_a_row ? s->n : p->n_in_a_row;
    for (least = s->mean[0], i = 1; i < n; i++)
        least = fmin(least, s->mean[i]);
    *score = least;
    return MID_OK;
}

static const mid_param trajectory_params[] = {
    { "layer",   -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { "window",   8, NULL, "tokens a window's mean is taken over, 1 to 64" },
    { "in_a_row", 2, NULL, "windows in a row that must be high, 1 to 16" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_traj_guard = {
    .name = "traj_guard", .version = 1,
    .summary = "distance to safe less distance to unsafe hidden rows, high over windows in a row", .unit = "distance",
    .source = "after TrajGuard, Liu et al. 2026, arXiv 2604.07727 (our reconstruction)",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = trajectory_params,
    .fit = fit_trajectory, .open = open_trajectory, .close = close_trajectory,
    .state_size = sizeof(struct trajectory), .push = push_trajectory,
};
