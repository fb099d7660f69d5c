/* Recurrent probes: a gated recurrent unit reads the answer and says after every token how unsafe it looks.
 *   z, r = sigmoid(W_zr x_t + U_zr m)   c = tanh(W_c x_t + U_c (r o m))   m <- (1 - z) m + z c   S_t = v . m + b
 *   gru_probe     x_t = (h_t, -ln p_t, H_t), one layer's row and what the distribution says; m is 64 wide
 *   logprob_gru   x_t = (-ln p_t, H_t, margin), grey: what logprob_lr sees, but with its order; m is 32 wide
 * m starts at 0, so that an answer is judged by itself. Trained end to end by back-propagation through time on every
 * token up to the 128th: the logistic loss of all prefixes with the answer's label, an answer weighing 1 in all.
 * For training, rows are reduced to their 64 principal axes, each to variance 1; W is stored for whole rows.
 * Source: Cho et al. 2014 (arXiv 1406.1078). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/gru.h"
#include "monitor/logprob.h"
#include "monitor/trained.h"

enum { N_HIDDEN = 64, N_HIDDEN_GREY = 32, N_AXIS = 64, N_SCALAR = 2, N_SCALAR_GREY = 3 };

static mid_status fit_white(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid__trained_spec spec = {
        .head = mid__gru_head(N_HIDDEN), .train = mid__train_of(set), .n_axis = N_AXIS,
        .rows = { .dense = MID__TOKEN_MAX, .n_scalar = N_SCALAR, .scalars = mid__surprisal_entropy }
    };

    return mid__trained_fit(ctx, set, mid__param_number(params, "layer"), &spec, out);
}

static mid_status fit_grey(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid__trained_spec spec = {
        .head = mid__gru_head(N_HIDDEN_GREY), .train = mid__train_of(set),
        .rows = { .i_layer = MID__NO_LAYER, .dense = MID__TOKEN_MAX, .n_scalar = N_SCALAR_GREY,
                  .scalars = mid__surprisal_entropy_margin }
    };

    (void)params;
    return mid__trained_fit(ctx, set, -1, &spec, out);
}

static mid_status open_white(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                             const mid_signals *signals, void **plan)
{
    const mid__head head = mid__gru_head(N_HIDDEN);
    mid__trained *p;
    mid_status status = mid__trained_open(ctx, weights, signals, &head, MID__ONE_LAYER, N_SCALAR, &p);

    (void)params;
    if (status == MID_OK)
        *plan = p;
    return status;
}

static mid_status open_grey(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const mid__head head = mid__gru_head(N_HIDDEN_GREY);
    mid__trained *p;
    mid_status status = mid__trained_open(ctx, weights, signals, &head, MID__NO_LAYER, N_SCALAR_GREY, &p);

    (void)params;
    if (status == MID_OK)
        *plan = p;
    return status;
}

/* m (h) is a stream's whole state. */
static mid_status push_gru(const mid__trained *p, float *m, const float *hidden, const float *scalar, double *score)
{
    const mid__gru gru = { p->head.n_out / 3, 0 };
    const float *v = p->more + mid__gru_n_weight(&gru);
    float a[3 * MID__GRU_MAX];
    double z = (double)v[gru.h];
    size_t j;

    if (!mid__trained_map(p, hidden, scalar, a))
        return MID_ENUMERIC;
    mid__gru_step(&gru, p->more, a, m);     /* finite a and m in [-1, 1] give m in [-1, 1] */
    for (j = 0; j < gru.h; j++)
        z += (double)v[j] * (double)m[j];
    *score = z;
    return MID_OK;
}

static mid_status push_white(const void *plan, void *self, const mid_step *step, double *score)
{
    float x[N_SCALAR];

    return mid__surprisal_entropy(step, x) ? push_gru(plan, self, step->hidden, x, score) : MID_ENUMERIC;
}

static mid_status push_grey(const void *plan, void *self, const mid_step *step, double *score)
{
    float x[N_SCALAR_GREY];

    return mid__surprisal_entropy_margin(step, x) ? push_gru(plan, self, NULL, x, score) : MID_ENUMERIC;
}

static const mid_param params_white[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen by a linear probe on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_gru_probe = {
    .name = "gru_probe", .version = 3,
    .summary = "gated recurrent unit on one layer's rows, surprisal and entropy", .unit = "logit",
    .source = "Cho et al. 2014, arXiv 1406.1078",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN | MID_SIG_LOGPROB | MID_SIG_ENTROPY, .params = params_white,
    .fit = fit_white, .open = open_white, .close = free,
    .state_size = N_HIDDEN * sizeof(float), .push = push_white,
};

const mid_monitor_ops mid__monitor_logprob_gru = {
    .name = "logprob_gru", .version = 3,
    .summary = "gated recurrent unit on surprisal, entropy and margin", .unit = "logit",
    .source = "Cho et al. 2014, arXiv 1406.1078",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB | MID_SIG_ENTROPY | MID_SIG_TOP,
    .fit = fit_grey, .open = open_grey, .close = free,
    .state_size = N_HIDDEN_GREY * sizeof(float), .push = push_grey,
};
