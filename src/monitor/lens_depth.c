/* How deep into the model the next token is settled: W26, the depth form.
 *   x_t = (tapped layers before the first from which on every layer's most likely token is the final one) / tapped layers
 *   S_t = o (1/t) sum_{j<=t} x_j
 * 0: all tapped layers agree with the end; 1: not even the last one does. o = +-1 chosen on the fit answers after 16 tokens
 * (orientation.h): theory gives no sign. Only tapped layers are looked at, so the depth is as fine as they are many.
 * Source: logit lens, nostalgebraist 2020; the layer from which the prediction stands is a common early-exit figure. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "monitor/orientation.h"
#include "monitor/running.h"

struct plan { int n_layer; double orientation; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, const mid_signals *signals,
                             void **plan)
{
    struct plan *p;
    double o;
    const mid_status status = mid__orientation_of(ctx, weights, &o);

    (void)params;
    if (status != MID_OK)
        return status;
    if (signals->n_layer < 1)
        return mid__fail(ctx, MID_ESIGNAL, "lens_depth needs tapped layers, this source has none");
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "lens_depth");
    *p = (struct plan){ signals->n_layer, o };
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    int i, settled = p->n_layer;

    for (i = 0; i < p->n_layer; i++)
        if (!isfinite(step->lens[i * MID_LENS_N + MID_LENS_SAME_TOP]))
            return MID_ENUMERIC;
    while (settled > 0 && step->lens[(settled - 1) * MID_LENS_N + MID_LENS_SAME_TOP] > 0.5f)
        settled--;
    *score = mid__running_mean(self, p->orientation * settled / p->n_layer);
    return MID_OK;
}

extern const mid_monitor_ops mid__monitor_lens_depth;

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__orientation_fit(ctx, &mid__monitor_lens_depth, set, params, 1, out);
}

const mid_monitor_ops mid__monitor_lens_depth = {
    .name = "lens_depth", .version = 1,
    .summary = "running mean of the share of layers before the most likely token stands", .unit = "share",
    .source = "logit lens, nostalgebraist 2020",
    .box = MID_BOX_WHITE, .needs = MID_SIG_LENS,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(mid__running), .push = push,
};
