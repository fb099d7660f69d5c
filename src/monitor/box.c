/* Box abstraction of safe hidden rows: W11.
 *   out(h) = share of dimensions i with h_i < lo_i or h_i > hi_i        S_t = (1/t) sum_{j<=t} out(h_j),   in [0, 1]
 * lo, hi: the q and 1 - q quantiles of each dimension over token rows of safe fit answers with q = 0.01 (q = 0 is the
 * original box). Rows are taken after 1, 2, 4, ... 128 tokens. The layer with the best inner-fold AUROC is kept.
 * Source: Henzinger, Lukina & Schilling 2020 (arXiv 1911.09032); they ask whether a point is inside, we count how far out. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/kernel.h"
#include "base/linalg.h"
#include "monitor/fitted.h"
#include "monitor/row_method.h"
#include "monitor/running.h"

static const double quantile = 0.01;

struct bounds { float *lo, *hi; };

static mid_status learn(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    struct bounds *b = model;
    const size_t d = data->rows->d;
    mid__rows safe;
    mid_status status = mid__rows_pick(ctx, data->rows, data->use, 0, SIZE_MAX, &safe);

    b->lo = malloc(d * sizeof *b->lo);
    b->hi = malloc(d * sizeof *b->hi);
    if (status == MID_OK && (!b->lo || !b->hi))
        status = mid__oom(ctx, "a box");
    if (status == MID_OK && safe.n == 0)
        status = mid__fail(ctx, MID_EUNDEFINED, "no safe rows to draw a box around");
    if (status == MID_OK && !mid__column_tails(safe.x, safe.n, d, quantile, b->lo, b->hi))
        status = mid__oom(ctx, "a box");
    mid__rows_clear(&safe);
    return status;
}

MID__CLONES
static double outside(const void *model, const float *h, size_t d)
{
    const struct bounds *b = model;
    mid__int_lanes below = { 0 }, above = { 0 };        /* no row is both: lo <= hi */
    size_t i, k, n = 0;

    for (i = 0; i + MID__N_LANE <= d; i += MID__N_LANE) {
        const mid__lanes x = mid__lanes_at(h + i);
        below -= x < mid__lanes_at(b->lo + i);          /* true is -1 */
        above -= x > mid__lanes_at(b->hi + i);
    }
    for (k = 0; k < MID__N_LANE; k++)
        n += (size_t)(below[k] + above[k]);
    for (; i < d; i++)
        n += (size_t)((h[i] < b->lo[i]) + (h[i] > b->hi[i]));
    return (double)n / (double)d;
}

static mid_status keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    const struct bounds *b = model;
    mid_status status = mid_weights_set(ctx, out, "lo", b->lo, 1, d);

    return status == MID_OK ? mid_weights_set(ctx, out, "hi", b->hi, 1, d) : status;
}

static mid_status restore(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model)
{
    struct bounds *b = model;
    const mid_status status = mid__tensor_copy(ctx, weights, "lo", 1, d, &b->lo);

    return status == MID_OK ? mid__tensor_copy(ctx, weights, "hi", 1, d, &b->hi) : status;
}

static void forget(void *model)
{
    struct bounds *b = model;

    free(b->lo);
    free(b->hi);
    memset(b, 0, sizeof *b);
}

/* Comparisons with NaN would count it as inside, hence check_row. */
static const mid__row_method method = { .model_size = sizeof(struct bounds), .view = MID__VIEW_TOKEN, .check_row = true,
                                        .learn = learn, .score = outside, .keep = keep, .restore = restore,
                                        .forget = forget };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__row_fit(ctx, set, params, &method, out, NULL);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "box", weights, signals, &method, plan);
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_box = {
    .name = "box", .version = 1,
    .summary = "running mean of the share of hidden dimensions outside the safe answers' box", .unit = "share",
    .source = "Henzinger, Lukina & Schilling 2020, arXiv 1911.09032",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};
