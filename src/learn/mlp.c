/* Forward, and back-propagation (Rumelhart, Hinton & Williams 1986), a batch at a time. */
#include "learn/mlp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/dense.h"

size_t mid__mlp_n_weight(const mid__mlp *net)
{
    size_t n = 0;
    int l;

    for (l = 0; l < net->n_layer; l++)
        n += (net->width[l] + 1) * net->width[l + 1];
    return n;
}

void mid__mlp_init(const mid__mlp *net, mid__rng *rng, float *w)
{
    size_t i;
    int l;

    for (l = 0; l < net->n_layer; l++) {
        const size_t n = net->width[l] * net->width[l + 1];
        const double reach = sqrt(6 / (double)net->width[l]);
        for (i = 0; i < n; i++)
            *w++ = (float)(reach * (2 * mid__rng_unit(rng) - 1));
        memset(w, 0, net->width[l + 1] * sizeof *w);
        w += net->width[l + 1];
    }
}

mid_status mid__mlp_work_open(mid_ctx *ctx, const mid__mlp *net, size_t n_max, mid__mlp_work *work)
{
    size_t widest = 0, matrix = 0;
    bool ok = true;
    int l;

    memset(work, 0, sizeof *work);
    work->n_max = n_max;
    for (l = 0; l <= net->n_layer; l++) {
        widest = net->width[l] > widest ? net->width[l] : widest;
        if (l < net->n_layer && net->width[l] * net->width[l + 1] > matrix)
            matrix = net->width[l] * net->width[l + 1];
        work->act[l] = malloc((n_max * net->width[l] + 1) * sizeof *work->act[l]);
        ok = ok && work->act[l];
    }
    work->slope = malloc((n_max * widest + 1) * sizeof *work->slope);
    work->slope_before = malloc((n_max * widest + 1) * sizeof *work->slope_before);
    work->turned = malloc((matrix + 1) * sizeof *work->turned);
    if (ok && work->slope && work->slope_before && work->turned)
        return MID_OK;
    mid__mlp_work_clear(work);
    return mid__oom(ctx, "a dense net");
}

void mid__mlp_work_clear(mid__mlp_work *work)
{
    int l;

    for (l = 0; l <= MID__MLP_LAYER_MAX; l++)
        free(work->act[l]);
    free(work->slope);
    free(work->slope_before);
    free(work->turned);
    memset(work, 0, sizeof *work);
}

const float *mid__mlp_forward(const mid__mlp *net, const float *w, mid__mlp_work *work, size_t n)
{
    size_t i;
    int l;

    for (l = 0; l < net->n_layer; l++) {
        const size_t n_in = net->width[l], n_out = net->width[l + 1];
        float *out = work->act[l + 1];
        mid__fill_rows(w + n_in * n_out, n, n_out, out);
        mid__gemm(n, n_out, n_in, work->act[l], n_in, 1, w, out);
        for (i = 0; l + 1 < net->n_layer && i < n * n_out; i++)
            out[i] = out[i] < 0 ? 0 : out[i];       /* a NaN stays one */
        w += (n_in + 1) * n_out;
    }
    return work->act[net->n_layer];
}

/* Loss of one row's logits; slope (n_class) gets its derivative. */
static double softmax_loss(const float *logit, size_t n_class, int label, double weight, float *slope)
{
    double top = -INFINITY, sum = 0;
    size_t k;

    for (k = 0; k < n_class; k++)
        top = fmax(top, (double)logit[k]);
    for (k = 0; k < n_class; k++)
        sum += exp((double)logit[k] - top);
    for (k = 0; k < n_class; k++)
        slope[k] = (float)(weight * (exp((double)logit[k] - top) / sum - ((int)k == label)));
    return weight * (top + log(sum) - (double)logit[label]);
}

static double output_loss(const float *logit, size_t n, size_t n_out, const uint8_t *label, const double *weight,
                          float *slope)
{
    double loss = 0, s;
    size_t i;

    for (i = 0; i < n; i++)
        if (n_out == 1) {
            loss += weight[i] * mid__logit_loss((double)logit[i], label[i], &s);
            slope[i] = (float)(weight[i] * s);
        } else {
            loss += softmax_loss(logit + i * n_out, n_out, label[i], weight[i], slope + i * n_out);
        }
    return loss;
}

/* slope -> slope before layer l's matrix: through the matrix, and through the ReLU that made its input. */
static void slope_below(const mid__mlp *net, int l, const float *w, mid__mlp_work *work, size_t n)
{
    const size_t n_in = net->width[l], n_out = net->width[l + 1];
    float *swap = work->slope;
    size_t i;

    mid__transpose(w, n_in, n_out, work->turned);
    memset(work->slope_before, 0, n * n_in * sizeof *work->slope_before);
    mid__gemm(n, n_in, n_out, work->slope, n_out, 1, work->turned, work->slope_before);
    for (i = 0; i < n * n_in; i++)
        if (!(work->act[l][i] > 0))
            work->slope_before[i] = 0;
    work->slope = work->slope_before;
    work->slope_before = swap;
}

double mid__mlp_loss(const mid__mlp *net, const float *w, mid__mlp_work *work, size_t n, const uint8_t *label,
                     const double *weight, float *grad)
{
    const float *logit = mid__mlp_forward(net, w, work, n);
    const double loss = output_loss(logit, n, net->width[net->n_layer], label, weight, work->slope);
    size_t at = mid__mlp_n_weight(net);
    int l;

    for (l = net->n_layer - 1; grad && l >= 0; l--) {
        const size_t n_in = net->width[l], n_out = net->width[l + 1];
        at -= (n_in + 1) * n_out;
        mid__gemm(n_in, n_out, n, work->act[l], 1, n_in, work->slope, grad + at);
        mid__add_rows(work->slope, n, n_out, grad + at + n_in * n_out);
        if (l > 0)
            slope_below(net, l, w + at, work, n);
    }
    return loss;
}

struct rows {
    const mid__mlp *net;
    const float *x;
    const uint8_t *label;
    const double *weight;
    mid__mlp_work work;
    uint8_t *batch_label;           /* (n_max) */
    double *batch_weight;           /* (n_max) */
};

static double rows_loss(void *user, const float *w, const uint32_t *item, size_t n, float *grad)
{
    struct rows *r = user;
    const size_t d = r->net->width[0];
    size_t i;

    for (i = 0; i < n; i++) {
        memcpy(r->work.act[0] + i * d, r->x + item[i] * d, d * sizeof *r->x);
        r->batch_label[i] = r->label[item[i]];
        r->batch_weight[i] = r->weight[item[i]];
    }
    return mid__mlp_loss(r->net, w, &r->work, n, r->batch_label, r->batch_weight, grad);
}

/* Log-odds of label 1, half a row added to either side: where the output's bias had better begin. */
static double prior(const uint8_t *label, const double *weight, size_t n)
{
    double sum[2] = { 0.5, 0.5 };
    size_t i;

    for (i = 0; i < n; i++)
        sum[label[i]] += weight[i];
    return log(sum[1] / sum[0]);
}

mid_status mid__mlp_fit(mid_ctx *ctx, const mid__mlp *net, const mid__train *train, const float *x, size_t n,
                        const uint8_t *label, const double *weight, const uint8_t *held_out,
                        float *w, float *w_inner, mid__found *found)
{
    struct rows r = { .net = net, .x = x, .label = label, .weight = weight };
    const mid__loss loss = { n, mid__mlp_n_weight(net), rows_loss, &r };
    mid__rng rng;
    mid_status status = mid__mlp_work_open(ctx, net, train->n_batch, &r.work);

    r.batch_label = malloc(train->n_batch);
    r.batch_weight = malloc(train->n_batch * sizeof *r.batch_weight);
    if (status == MID_OK && (!r.batch_label || !r.batch_weight))
        status = mid__oom(ctx, "a batch");
    if (status == MID_OK) {
        mid__rng_init(&rng, train->seed, 0);
        mid__mlp_init(net, &rng, w);
        if (net->width[net->n_layer] == 1)
            w[mid__mlp_n_weight(net) - 1] = (float)prior(label, weight, n);
        status = mid__train_fit(ctx, train, &loss, held_out, w, w_inner, found);
    }
    mid__mlp_work_clear(&r.work);
    free(r.batch_label);
    free(r.batch_weight);
    return status;
}
