/* Linear probes on hidden rows: W1, W4 and the prompt-only control.
 *   probe_linear   S_t = w . mean_{j<=t} h_j + b, kept as the running mean of z_j = w . h_j + b: one scalar of state
 *   probe_ema      S_t = beta S_{t-1} + (1 - beta) z_t, S_1 = z_1
 *   prompt_only    S_t = w . h_0 + b for every t, h_0 the last prompt position's row: what the prompt alone gives away
 * w, b: L2-regularised logistic regression on standardised views (rows.h), the standardisation folded into w and b.
 * By default one set of weights serves all prefixes: an answer gives a row at 1, 2, 4, ... 128 tokens and its rows weigh 1
 * together. Layer and C are those with the best inner-fold AUROC, averaged over prefixes, on the fit answers alone.
 * Source: Alain & Bengio 2016 (arXiv 1610.01644); on unfinished answers as in Constitutional Classifiers++ and others. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "monitor/linear.h"
#include "monitor/rows_lr.h"
#include "monitor/running.h"

static mid_status keep(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, int layer, double c, double auroc,
                       mid_weights *out)
{
    float *w = malloc(rows->d * sizeof *w), b;
    mid_status status = w ? mid__rows_lr_fit(ctx, set, rows, c, w, &b) : mid__oom(ctx, "a probe");

    if (status == MID_OK)
        status = mid__linear_keep(ctx, &(mid__linear){ w, (double)b }, rows->d, out);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", layer);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "c", c);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "inner_auroc", auroc);
    free(w);
    return status;
}

static mid_status fit_view(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid__view view, double beta,
                           uint32_t prefix, mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    const double c_param = mid__param_number(params, "c");
    const mid__c_grid one = { &c_param, 1, c_param }, *grid = c_param > 0 ? &one : &mid__c_grid_rows;
    double best_auroc = -1, best_c = 0, c, a;
    mid__rows best = { 0 }, rows;
    int first, last, l, best_l = -1;
    mid_status status = mid__layer_range(ctx, signals, mid__param_number(params, "layer"), &first, &last);

    if (!(c_param >= 0) || !isfinite(c_param))
        return mid__fail(ctx, MID_EINVAL, "c %g: must be > 0, or 0 to choose it", c_param);
    for (l = first; status == MID_OK && l <= last; l++) {
        status = mid__rows_of(ctx, set, l, view, beta, prefix, &rows);
        if (status != MID_OK)
            break;
        c = c_param;
        a = 0;
        if (first != last || c_param == 0)
            status = mid__rows_lr_choose(ctx, set, &rows, grid, &c, &a);
        if (status == MID_OK && mid__rows_better(&best, &best_auroc, &rows, a)) {
            best_c = c;
            best_l = l;
        }
        mid__rows_clear(&rows);
    }
    if (status == MID_OK)
        status = keep(ctx, set, &best, signals->layer[best_l], best_c, best_auroc, out);
    mid__rows_clear(&best);
    return status;
}

static mid_status fit_linear(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const double prefix = mid__param_number(params, "prefix");

    if (!(prefix >= 0 && prefix <= 1e6))
        return mid__fail(ctx, MID_EINVAL, "prefix %g: must be a number of tokens, or 0 for all", prefix);
    return fit_view(ctx, set, params, MID__VIEW_MEAN, 0, (uint32_t)prefix, out);
}

static mid_status open_linear(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                              const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "probe_linear", weights, signals, &mid__linear_method, plan);
}

static const mid_param linear_params[] = {
    { "layer",  -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { "c",       0, NULL, "inverse regularisation, as in scikit-learn; 0: chosen among .001 .003 .01 .03 .1" },
    { "prefix",  0, NULL, "fit on answers cut at so many tokens; 0: on all of 1, 2, 4, ... 128" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_probe_linear = {
    .name = "probe_linear", .version = 1,
    .summary = "logistic probe on the running mean of one layer's rows", .unit = "logit",
    .source = "Alain & Bengio 2016, arXiv 1610.01644",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = linear_params,
    .fit = fit_linear, .open = open_linear, .close = mid__row_close,
    .state_size = sizeof(mid__running), .push = mid__row_push,
};

static mid_status beta_of(mid_ctx *ctx, const mid_param *params, double *beta)
{
    *beta = mid__param_number(params, "beta");
    if (!(*beta >= 0 && *beta < 1))
        return mid__fail(ctx, MID_EINVAL, "beta %g: must lie in [0, 1)", *beta);
    return MID_OK;
}

static mid_status fit_ema(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    double beta;
    mid_status status = beta_of(ctx, params, &beta);

    return status == MID_OK ? fit_view(ctx, set, params, MID__VIEW_EMA, beta, 0, out) : status;
}

struct ema { void *row; double beta; };         /* row: what gives the logits */

static mid_status open_ema(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                           const mid_signals *signals, void **plan)
{
    struct ema *p = calloc(1, sizeof *p);
    mid_status status = p ? beta_of(ctx, params, &p->beta) : mid__oom(ctx, "probe_ema");

    if (status == MID_OK)
        status = mid__row_open(ctx, "probe_ema", weights, signals, &mid__linear_method, &p->row);
    if (status == MID_OK)
        *plan = p;
    else
        free(p);
    return status;
}

static void close_ema(void *plan)
{
    struct ema *p = plan;

    mid__row_close(p->row);
    free(p);
}

static mid_status push_ema(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct ema *p = plan;
    mid__running *s = self;
    double z;

    if (!mid__row_value(p->row, step->hidden, &z))
        return MID_ENUMERIC;
    s->value = s->n ? p->beta * s->value + (1 - p->beta) * z : z;
    s->n += 1;
    *score = s->value;
    return MID_OK;
}

static const mid_param ema_params[] = {
    { "layer",  -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { "c",       0, NULL, "inverse regularisation, as in scikit-learn; 0: chosen among .001 .003 .01 .03 .1" },
    { "beta",   .9, NULL, "weight of the past, in [0, 1)" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_probe_ema = {
    .name = "probe_ema", .version = 1,
    .summary = "logistic probe on an exponential moving average of one layer's rows", .unit = "logit",
    .source = "after Constitutional Classifiers++ (our reconstruction)",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = ema_params,
    .fit = fit_ema, .open = open_ema, .close = close_ema,
    .state_size = sizeof(mid__running), .push = push_ema,
};

static mid_status fit_prompt(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return fit_view(ctx, set, params, MID__VIEW_PROMPT, 0, 0, out);
}

static mid_status open_prompt(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                              const mid_signals *signals, void **plan)
{
    (void)params;
    return mid__row_open(ctx, "prompt_only", weights, signals, &mid__linear_method, plan);
}

static mid_status start_prompt(const void *plan, void *self, const mid_prompt *prompt)
{
    double z;

    if (!prompt->hidden)
        return MID_ESIGNAL;
    if (!mid__row_value(plan, prompt->hidden, &z))
        return MID_ENUMERIC;
    *(double *)self = z;
    return MID_OK;
}

static mid_status push_prompt(const void *plan, void *self, const mid_step *step, double *score)
{
    (void)plan; (void)step;
    *score = *(const double *)self;
    return MID_OK;
}

static const mid_param prompt_params[] = {
    { "layer",  -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { "c",       0, NULL, "inverse regularisation, as in scikit-learn; 0: chosen among .001 .003 .01 .03 .1" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_prompt_only = {
    .name = "prompt_only", .version = 1,
    .summary = "the linear probe on the last prompt row: what the prompt alone gives away", .unit = "logit",
    .source = "trivial control",
    .box = MID_BOX_CONTROL, .needs = MID_SIG_HIDDEN, .params = prompt_params,
    .fit = fit_prompt, .open = open_prompt, .close = mid__row_close,
    .state_size = sizeof(double), .start = start_prompt, .push = push_prompt,
};
