/* Dense net on the running mean of one layer's rows: W6, SAPLMA.
 *   S_t = logit of a net d -> 256 -> 128 -> 64 -> 1, ReLU between, at (1/t) sum_{j<=t} h_j
 * The first layer is linear before its ReLU, so a stream keeps the sum of 256 numbers and not of d. Trained like
 * probe_linear on answers looked at after 1, 2, 4, ... 128 tokens, an answer weighing 1 in all, with early stopping.
 * Source: Azaria & Mitchell 2023 (arXiv 2304.13734), who read the last token of a statement; on a stream no token is known
 * to be the last, so ours reads the mean. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "learn/dense.h"
#include "learn/mlp.h"
#include "monitor/fitted.h"
#include "monitor/rows_lr.h"
#include "monitor/token_seqs.h"

enum { N_LAYER = 4, WIDTH_1 = 256, WIDTH_2 = 128, WIDTH_3 = 64 };

static mid__mlp net_of(size_t d) { return (mid__mlp){ N_LAYER, { d, WIDTH_1, WIDTH_2, WIDTH_3, 1 } }; }

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

/* The first layer (d, WIDTH_1) and its bias for rows as they were. */
static void unscale(const double *mean, const double *sd, size_t d, float *w)
{
    float *bias = w + d * WIDTH_1;
    size_t i, j;

    for (i = 0; i < WIDTH_1; i++) {
        double shift = 0;
        for (j = 0; j < d; j++) {
            const double a = (double)w[j * WIDTH_1 + i] / sd[j];
            shift += a * mean[j];
            w[j * WIDTH_1 + i] = (float)a;
        }
        bias[i] = (float)((double)bias[i] - shift);
    }
}

static mid_status keep(mid_ctx *ctx, const mid__mlp *net, const float *w, int layer, const mid__found *found,
                       mid_weights *out)
{
    char name[16];
    int l;
    mid_status status = mid_weights_set_number(ctx, out, "layer", layer);

    for (l = 0; status == MID_OK && l < net->n_layer; l++) {
        snprintf(name, sizeof name, "w%d", l + 1);
        status = mid_weights_set(ctx, out, name, w, net->width[l], net->width[l + 1]);
        w += net->width[l] * net->width[l + 1];
        snprintf(name, sizeof name, "b%d", l + 1);
        if (status == MID_OK)
            status = mid_weights_set(ctx, out, name, w, 1, net->width[l + 1]);
        w += net->width[l + 1];
    }
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "rate", found->rate);
    return status == MID_OK ? mid_weights_set_number(ctx, out, "n_epoch", found->n_epoch) : status;
}

static mid_status train(mid_ctx *ctx, const mid_fit_set *set, mid__rows *rows, int layer, mid_weights *out)
{
    const mid__train how = { .rate = MID__RATES, .decay = 0.1, .clip = 1, .n_batch = 64, .n_epoch_max = 30,
                             .patience = 4, .seed = set->seed };
    const mid__mlp net = net_of(rows->d);
    double *mean = malloc(rows->d * sizeof *mean), *sd = malloc(rows->d * sizeof *sd);
    float *w = malloc(mid__mlp_n_weight(&net) * sizeof *w);
    uint8_t *held_out = malloc(rows->n + 1);
    mid__found found;
    size_t i;
    mid_status status = mean && sd && w && held_out ? MID_OK : mid__oom(ctx, "a dense net");

    if (status == MID_OK) {
        for (i = 0; i < rows->n; i++)
            held_out[i] = mid__inner_fold(set, rows->answer[i]) == 0;
        mid__rows_standardise(rows, mean, sd);
        status = mid__mlp_fit(ctx, &net, &how, rows->x, rows->n, rows->label, rows->weight, held_out, w, NULL, &found);
    }
    if (status == MID_OK) {
        unscale(mean, sd, rows->d, w);
        status = keep(ctx, &net, w, layer, &found, out);
    }
    free(mean);
    free(sd);
    free(w);
    free(held_out);
    return status;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    mid__rows rows = { 0 };
    int i_layer;
    mid_status status = mid__linear_layer(ctx, set, mid__param_number(params, "layer"), MID__VIEW_MEAN, &i_layer);

    if (status == MID_OK)
        status = mid__rows_of(ctx, set, i_layer, MID__VIEW_MEAN, 0, 0, &rows);
    if (status == MID_OK)
        status = train(ctx, set, &rows, mid_trace_signals(set->answer[0].trace)->layer[i_layer], out);
    mid__rows_clear(&rows);
    return status;
}

/* ---- scoring ---------------------------------------------------------------------------------------------------- */

struct plan { size_t d, at; const float *w[N_LAYER], *b[N_LAYER]; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const mid__mlp net = net_of((size_t)signals->n_embd);
    const float *w[N_LAYER], *b[N_LAYER];
    struct plan *p;
    float *to;
    char name[16];
    size_t at = 0;
    int l;
    mid_status status = MID_OK;

    (void)params;
    for (l = 0; status == MID_OK && l < N_LAYER; l++) {
        snprintf(name, sizeof name, "w%d", l + 1);
        status = mid_weights_expect(ctx, weights, name, net.width[l], net.width[l + 1], &w[l]);
        snprintf(name, sizeof name, "b%d", l + 1);
        if (status == MID_OK)
            status = mid_weights_expect(ctx, weights, name, 1, net.width[l + 1], &b[l]);
    }
    if (status == MID_OK)
        status = mid__layer_at(ctx, "mlp_probe", weights, signals, net.width[0], &at);
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p + mid__mlp_n_weight(&net) * sizeof *to);
    if (!p)
        return mid__oom(ctx, "a dense net");
    p->d = net.width[0];
    p->at = at;
    for (to = (float *)(p + 1), l = 0; l < N_LAYER; l++) {
        p->w[l] = memcpy(to, w[l], net.width[l] * net.width[l + 1] * sizeof *to);
        to += net.width[l] * net.width[l + 1];
        p->b[l] = memcpy(to, b[l], net.width[l + 1] * sizeof *to);
        to += net.width[l + 1];
    }
    *plan = p;
    return MID_OK;
}

struct state { uint64_t n; double sum[WIDTH_1]; };      /* of the first layer before its ReLU */

/* y (n_out) = x w + b, with ReLU on x first. */
static void layer_of(const float *w, const float *b, size_t n_in, size_t n_out, float *x, float *y)
{
    size_t j;

    for (j = 0; j < n_in; j++)
        x[j] = x[j] > 0 ? x[j] : 0;
    memcpy(y, b, n_out * sizeof *y);
    mid__gemm(1, n_out, n_in, x, n_in, 1, w, y);
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    float first[WIDTH_1], second[WIDTH_2], third[WIDTH_3], logit;
    size_t j, n_bad = 0;

    memcpy(first, p->b[0], sizeof first);
    mid__gemm(1, WIDTH_1, p->d, step->hidden + p->at, p->d, 1, p->w[0], first);
    for (j = 0; j < WIDTH_1; j++)
        n_bad += !isfinite(first[j]);
    if (n_bad)
        return MID_ENUMERIC;
    s->n += 1;
    for (j = 0; j < WIDTH_1; j++) {
        s->sum[j] += (double)first[j];
        first[j] = (float)(s->sum[j] / (double)s->n);
    }
    layer_of(p->w[1], p->b[1], WIDTH_1, WIDTH_2, first, second);
    layer_of(p->w[2], p->b[2], WIDTH_2, WIDTH_3, second, third);
    layer_of(p->w[3], p->b[3], WIDTH_3, 1, third, &logit);
    *score = (double)logit;
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen by a linear probe on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_mlp_probe = {
    .name = "mlp_probe", .version = 2,
    .summary = "dense net on the running mean of one layer's rows", .unit = "logit",
    .source = "Azaria & Mitchell 2023 (SAPLMA), arXiv 2304.13734",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};
