/* Disagreement between a layer and the end of the model: W26, the divergence form.
 *   S_t = o (1/t) sum_{j<=t} KL(P_j || Q_j)
 * P: the final next-token distribution after token j; Q: what one tapped layer's row gives through the model's own
 * head, at the same position (both made at capture). The layer whose mean is farthest from AUROC .5 on the fit answers
 * is kept, and o = +-1 chosen there after 16 tokens (orientation.h): theory gives no sign. A layer and a sign are so
 * little to learn that both are read off the fit answers as a whole, without inner folds. The model's own last layer
 * cannot be chosen: there Q is P, and what is left is rounding, by which few answers may well be ranked. Source: logit
 * lens, nostalgebraist 2020. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "monitor/fitted.h"
#include "monitor/lens_rows.h"
#include "monitor/orientation.h"
#include "monitor/running.h"

/* A layer whose mean divergence is less than this has none; rounding leaves about 1e-6. */
static const double least_nats = 1e-3;

struct plan { size_t at; double orientation; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    struct plan *p;
    double o;
    size_t at = 0;
    mid_status status = mid__orientation_of(ctx, weights, &o);

    (void)params;
    if (status == MID_OK)
        status = mid__layer_at(ctx, "lens_kl", weights, signals, MID_LENS_N, &at);
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "lens_kl");
    *p = (struct plan){ at + MID_LENS_KL_NATS, o };
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    const double x = step->lens[p->at];

    if (!isfinite(x))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, p->orientation * x);
    return MID_OK;
}

extern const mid_monitor_ops mid__monitor_lens_kl;

static bool diverges(const mid__rows *rows, size_t column)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < rows->n; i++)
        sum += (double)rows->x[i * rows->d + column];
    return sum > least_nats * (double)rows->n;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    int first, last, l, best = -1;
    double a, best_a = 0;
    mid__rows rows = { 0 };
    mid_status status = mid__layer_range(ctx, signals, mid__param_number(params, "layer"), &first, &last);

    if (status == MID_OK)
        status = mid__lens_rows(ctx, set, MID_LENS_KL_NATS, &rows);
    for (l = first; status == MID_OK && l <= last; l++) {
        if (!diverges(&rows, (size_t)l))
            continue;
        status = mid__column_auroc(ctx, set, &rows, (size_t)l, &a);
        a = status == MID_OK ? fabs(a - 0.5) : NAN;
        if (best < 0 || a > best_a) {
            best_a = fmax(a, 0);        /* 0 for NaN, too */
            best = l;
        }
    }
    mid__rows_clear(&rows);
    if (status == MID_OK && best < 0)
        status = mid__fail(ctx, MID_EUNDEFINED, "no divergence to learn from: layer %d differs from the model's end by "
                           "less than %g nats, as its last layer does: tap earlier ones", signals->layer[last],
                           least_nats);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", signals->layer[best]);
    return status == MID_OK ? mid__orientation_fit(ctx, &mid__monitor_lens_kl, set, params, 1, out) : status;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_lens_kl = {
    .name = "lens_kl", .version = 2,
    .summary = "running mean of the divergence between a layer's and the final next-token distribution", .unit = "nats",
    .source = "logit lens, nostalgebraist 2020",
    .box = MID_BOX_WHITE, .needs = MID_SIG_LENS, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(mid__running), .push = push,
};
