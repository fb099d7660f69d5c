/* How unsafe the abstract states an answer passes through have been: W13, LUNA's state binding.
 *   theta(q) = (U_q + kappa pi) / (N_q + kappa)        S_t = (1/t) sum_{j<=t} theta(q_j),   in [0, 1]
 * q_j: the state of token j's row (luna_map.h); N_q, U_q: visits to q on the fit answers, all and those of unsafe ones,
 * each answer weighing 1 in all; pi: the share of unsafe answers; a state never seen has theta = pi. The map learns without labels;
 * the layer is chosen by inner folds, in which theta is bound anew. Figures about the map: luna_quality.h.
 * Source: LUNA, Song et al. 2023 (arXiv 2310.14211); they bind the raw share U / N over tokens, so that a state seen once
 * is all safe or all unsafe, and long answers rule. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/fitted.h"
#include "monitor/luna.h"
#include "monitor/running.h"

struct binding { float *theta; size_t n_state; };               /* (n_state + 1) */

static mid_status learn(mid_ctx *ctx, const mid__luna_data *data, const uint8_t *use, const mid_param *params, void *model)
{
    struct binding *m = model;
    double *theta = malloc((data->n_state + 1) * sizeof *theta), kappa;
    size_t q;
    mid_status status = mid__luna_kappa(ctx, params, &kappa);

    m->n_state = data->n_state;
    m->theta = malloc((data->n_state + 1) * sizeof *m->theta);
    if (status == MID_OK && (!theta || !m->theta))
        status = mid__oom(ctx, "a binding");
    if (status == MID_OK)
        status = mid__luna_shares(ctx, data, use, kappa, theta);
    for (q = 0; status == MID_OK && q <= data->n_state; q++)
        m->theta[q] = (float)theta[q];
    free(theta);
    return status;
}

static double step(const void *model, void *state, uint32_t q)
{
    return mid__running_mean(state, (double)((const struct binding *)model)->theta[q]);
}

static mid_status keep(mid_ctx *ctx, const void *model, mid_weights *out)
{
    const struct binding *m = model;

    return mid_weights_set(ctx, out, "theta", m->theta, 1, m->n_state + 1);
}

static mid_status restore(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n_state, void *model)
{
    struct binding *m = model;

    (void)params;
    m->n_state = n_state;
    return mid__tensor_copy(ctx, weights, "theta", 1, n_state + 1, &m->theta);
}

static void forget(void *model)
{
    struct binding *m = model;

    free(m->theta);
    memset(m, 0, sizeof *m);
}

static const mid__luna_method method = { sizeof(struct binding), sizeof(mid__running), learn, step, keep, restore, forget };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__luna_fit(ctx, set, params, &method, out);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    return mid__luna_open(ctx, "luna_state", weights, params, signals, &method, plan);
}

static const mid_param params_[] = {
    MID__LUNA_MAP_PARAMS,
    MID__LUNA_KAPPA_PARAM,
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_luna_state = {
    .name = "luna_state", .version = 1,
    .summary = "mean share of unsafe answers among visits to the abstract states passed through", .unit = "share",
    .source = "LUNA, Song et al. 2023, arXiv 2310.14211",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__luna_close,
    .state_size_of = mid__luna_state_size, .push = mid__luna_push,
};
