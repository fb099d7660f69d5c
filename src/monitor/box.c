/* Box abstraction of safe hidden rows: W11.
 *   out(h) = share of dimensions i with h_i < lo_i or h_i > hi_i        S_t = (1/t) sum_{j<=t} out(h_j),   in [0, 1]
 * lo, hi: the q and 1 - q quantiles of each dimension over token rows of safe fit answers with q = 0.01 (q = 0 is the
 * original box). Rows are taken after 1, 2, 4, ... 128 tokens. The layer with the best inner-fold AUROC is kept.
 * Source: Henzinger, Lukina & Schilling 2020 (arXiv 1911.09032); they ask whether a point is inside, we count how far out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "midstream/metric.h"
#include "monitor/layer_choice.h"
#include "monitor/running.h"

static const double quantile = 0.01;

struct bounds { float *lo, *hi; };

static mid_status learn(mid_ctx *ctx, const mid__rows *rows, const uint8_t *use, void *model)
{
    struct bounds *b = model;
    const size_t d = rows->d;
    double *column = malloc((rows->n + 1) * sizeof *column);
    size_t i, j, n = 0;

    b->lo = malloc(d * sizeof *b->lo);
    b->hi = malloc(d * sizeof *b->hi);
    if (!column || !b->lo || !b->hi) {
        free(column);
        return mid__oom(ctx, "a box");
    }
    for (j = 0; j < d; j++) {
        for (i = n = 0; i < rows->n; i++)
            if (use[i])
                column[n++] = (double)rows->x[i * d + j];
        b->lo[j] = (float)mid_quantile(column, n, quantile);
        b->hi[j] = (float)mid_quantile(column, n, 1 - quantile);
    }
    free(column);
    return n ? MID_OK : mid__fail(ctx, MID_EUNDEFINED, "no safe rows to draw a box around");
}

static double outside(const float *lo, const float *hi, const float *h, size_t d)
{
    size_t i, n = 0;

    for (i = 0; i < d; i++)
        n += (size_t)((h[i] < lo[i]) | (h[i] > hi[i]));
    return (double)n / (double)d;
}

static double score_row(const void *model, const float *h, size_t d)
{
    const struct bounds *b = model;

    return outside(b->lo, b->hi, h, d);
}

static mid_status keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    const struct bounds *b = model;
    mid_status status = mid_weights_set(ctx, out, "lo", b->lo, 1, d);

    return status == MID_OK ? mid_weights_set(ctx, out, "hi", b->hi, 1, d) : status;
}

static void forget(void *model)
{
    struct bounds *b = model;

    free(b->lo);
    free(b->hi);
    memset(b, 0, sizeof *b);
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    static const mid__one_class method = { sizeof(struct bounds), learn, score_row, keep, forget };

    return mid__one_class_fit(ctx, set, mid__param_number(params, "layer"), &method, out);
}

struct plan { size_t d, at; const float *lo, *hi; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const size_t d = (size_t)signals->n_embd;
    const int i_layer = mid__layer_index(signals, mid_weights_number(weights, "layer"));
    const float *lo, *hi;
    struct plan *p;
    mid_status status = mid_weights_expect(ctx, weights, "lo", 1, d, &lo);

    (void)params;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "hi", 1, d, &hi);
    if (status != MID_OK)
        return status;
    if (i_layer < 0)
        return mid__fail(ctx, MID_ESIGNAL, "the box reads layer %g, which this source does not tap",
                         mid_weights_number(weights, "layer"));
    p = malloc(sizeof *p + 2 * d * sizeof *lo);
    if (!p)
        return mid__oom(ctx, "a box");
    p->d = d;
    p->at = (size_t)i_layer * d;
    p->lo = memcpy(p + 1, lo, d * sizeof *lo);
    p->hi = memcpy((float *)(p + 1) + d, hi, d * sizeof *hi);
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    const float *h = step->hidden + p->at;
    size_t i;
    int n_bad = 0;

    for (i = 0; i < p->d; i++)
        n_bad |= !(fabsf(h[i]) <= 3.4e38f);
    if (n_bad)
        return MID_ENUMERIC;            /* comparisons with NaN would count it as inside */
    *score = mid__running_mean(self, outside(p->lo, p->hi, h, p->d));
    return MID_OK;
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
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(mid__running), .push = push,
};
