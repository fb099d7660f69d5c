/* How much tokens look at themselves: W20.
 *   x_t = sum over the heads of one layer of ln max(a_t(t), 1e-12)        S_t = o (1/t) sum_{j<=t} x_j
 * a_t(t): the weight a head gives to the token it has just read; a causal attention matrix's log determinant is the sum of
 * these over tokens. Over answer tokens only. The layer, of all the model's, whose mean is farthest from AUROC .5 on the fit
 * answers is kept, and o = +-1 chosen there after 16 tokens (orientation.h); so little is learned that both are read off the
 * fit answers as a whole. It falls with t by itself, since more tokens share the weight: put position_norm before a maximum.
 * Source: LLM-Check, Sriramanan et al. 2024 (NeurIPS), who score a finished text, prompt included. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "monitor/heads.h"
#include "monitor/orientation.h"
#include "monitor/running.h"
#include "monitor/signal_rows.h"

/* Sum of one layer's heads. */
static bool log_diagonal(const mid_step *step, size_t layer, size_t n_head_layer, double *sum)
{
    size_t k;

    for (*sum = 0, k = layer * n_head_layer; k < (layer + 1) * n_head_layer; k++) {
        const double self = mid__head_at(step, k)[MID_ATTENTION_SELF];
        if (!isfinite(self))
            return false;
        *sum += log(fmax(self, 1e-12));
    }
    return true;
}

static bool read_diagonals(const void *user, const mid_prompt *prompt, const mid_step *step, float *value)
{
    const size_t *size = user;                                  /* { layers, heads per layer } */
    double sum;
    size_t l;

    (void)prompt;
    for (l = 0; l < size[0]; l++) {
        if (!log_diagonal(step, l, size[1], &sum))
            return false;
        value[l] = (float)sum;
    }
    return true;
}

extern const mid_monitor_ops mid__monitor_attention_log_diag;

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid_signals *s = mid_trace_signals(set->answer[0].trace);
    const double layer_param = mid__param_number(params, "layer");
    size_t size[2], l, best = 0;
    double a, best_a = -1;
    mid__rows rows = { 0 };
    mid_status status = mid__heads_same(ctx, "attention_log_diag", set);

    if (status != MID_OK)
        return status;
    size[0] = (size_t)(s->n_head / s->n_head_layer);
    size[1] = (size_t)s->n_head_layer;
    if (layer_param >= 0 && !(layer_param < (double)size[0] && layer_param == floor(layer_param)))
        return mid__fail(ctx, MID_EINVAL, "layer %g: the model has layers 0 to %zu", layer_param, size[0] - 1);
    status = mid__signal_rows(ctx, set, MID_SIG_ATTENTION, size[0], read_diagonals, size, 0, &rows);
    for (l = 0; status == MID_OK && l < size[0]; l++) {
        status = mid__column_auroc(ctx, set, &rows, l, &a);
        a = status == MID_OK ? fabs(a - 0.5) : NAN;
        if (layer_param >= 0 ? (double)l == layer_param : a > best_a) {
            best_a = a;
            best = l;
        }
    }
    mid__rows_clear(&rows);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", (double)best);
    return status == MID_OK ? mid__orientation_fit(ctx, &mid__monitor_attention_log_diag, set, params, -1, out) : status;
}

struct plan { size_t layer, n_head_layer; double orientation; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                                const mid_signals *signals, void **plan)
{
    const double layer = mid_weights_number(weights, "layer");
    struct plan *p;
    double o;
    mid_status status = mid__heads_expect(ctx, "attention_log_diag", signals);

    (void)params;
    if (status == MID_OK)
        status = mid__orientation_of(ctx, weights, &o);
    if (status != MID_OK)
        return status;
    if (!(layer >= 0 && layer < signals->n_head / signals->n_head_layer) || layer != floor(layer))
        return mid__fail(ctx, MID_ESIGNAL, "attention_log_diag reads layer %g of a model of %d", layer,
                         signals->n_head / signals->n_head_layer);
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "attention_log_diag");
    *p = (struct plan){ (size_t)layer, (size_t)signals->n_head_layer, o };
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    double sum;

    if (!log_diagonal(step, p->layer, p->n_head_layer, &sum))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, p->orientation * sum);
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer whose heads are summed, of all the model's; -1: chosen on the fit answers" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_attention_log_diag = {
    .name = "attention_log_diag", .version = 1,
    .summary = "running mean of ln of the weight each token's heads give to the token itself", .unit = "nats",
    .source = "LLM-Check, Sriramanan et al. 2024",
    .box = MID_BOX_WHITE, .needs = MID_SIG_ATTENTION, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(mid__running), .push = push,
};
