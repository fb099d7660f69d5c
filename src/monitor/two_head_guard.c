/* Guard heads on a stream, after Qwen3Guard-Stream: W10.
 *   x_t = LN(W_pre h_t + c), 64 wide, LN(a) = gain (a - mean a) / sqrt(var a + 1e-5) + shift
 *   P_t = softmax(W_r x_t + b_r) over safe, unsafe          S_t = the smallest of the last n logits ln P(unsafe)/P(safe)
 * so that an alarm takes n tokens in a row, n = 2 (the first token stands alone). Theirs has three risk classes and a
 * second head for the category of harm; a fit set here knows two classes and no categories, so the risk head has two and
 * the category head is left out. Trained with the answer's label at tokens 1-16 and then 8 per doubling up to 128, an
 * answer weighing 1 in all; theirs has labels of tokens.
 * Source: Qwen Team 2025, Qwen3Guard technical report (arXiv 2510.14276). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/dense.h"
#include "monitor/trained.h"
#include "monitor/trained_heads.h"

enum { WIDTH = 64, N_CLASS = 2, N_DENSE = 8, N_MAX = 16 };

/* ---- the head: further weights are gain, shift (width each), W_r (2, width), b_r (2) ------------------------------ */

/* Normalised a into unit (width); the deviation it was divided by. */
static double normalise(const float *a, size_t width, double *unit)
{
    double mean = 0, square = 0, deviation;
    size_t j;

    for (j = 0; j < width; j++)
        mean += (double)a[j] / (double)width;
    for (j = 0; j < width; j++)
        square += ((double)a[j] - mean) * ((double)a[j] - mean) / (double)width;
    deviation = sqrt(square + 1e-5);
    for (j = 0; j < width; j++)
        unit[j] = ((double)a[j] - mean) / deviation;
    return deviation;
}

/* ln P(unsafe) / P(safe). */
static double margin_of(const float *extra, size_t width, const double *unit)
{
    const float *gain = extra, *shift = extra + width, *w = extra + 2 * width, *b = w + N_CLASS * width;
    double z = (double)b[1] - (double)b[0];
    size_t j;

    for (j = 0; j < width; j++)
        z += ((double)w[width + j] - (double)w[j]) * ((double)gain[j] * unit[j] + (double)shift[j]);
    return z;
}

/* slope times the derivatives of the margin. Through the normalisation: d_a = (d - mean d - unit mean(d unit)) / dev. */
static void margin_slope(const float *extra, size_t width, const double *unit, double deviation, double slope,
                         float *d_a, float *d_extra)
{
    const float *gain = extra, *shift = extra + width, *w = extra + 2 * width;
    double mean = 0, along = 0;
    size_t j;

    for (j = 0; j < width; j++) {
        const double v = slope * ((double)w[width + j] - (double)w[j]), x = (double)gain[j] * unit[j] + (double)shift[j];
        d_extra[j] += (float)(v * unit[j]);
        d_extra[width + j] += (float)v;
        d_extra[2 * width + j] -= (float)(slope * x);
        d_extra[3 * width + j] += (float)(slope * x);
        mean += v * (double)gain[j] / (double)width;
        along += v * (double)gain[j] * unit[j] / (double)width;
    }
    d_extra[4 * width] -= (float)slope;
    d_extra[4 * width + 1] += (float)slope;
    for (j = 0; j < width; j++) {
        const double d_unit = slope * ((double)w[width + j] - (double)w[j]) * (double)gain[j];
        d_a[j] += (float)((d_unit - mean - unit[j] * along) / deviation);
    }
}

static double head_loss(const mid__head *head, const float *extra, const mid__batch *batch, const float *a,
                        float *d_a, float *d_extra, float *work)
{
    const size_t width = head->n_out;
    double *unit = (double *)(void *)work, loss = 0, slope;     /* malloc'ed, so aligned */
    size_t i, r;

    for (i = 0; i < batch->n; i++)
        for (r = batch->at[i]; r < batch->at[i + 1]; r++) {
            const double weight = 1 / (double)(batch->at[i + 1] - batch->at[i]);
            const double deviation = normalise(a + r * width, width, unit);
            loss += weight * mid__logit_loss(margin_of(extra, width, unit), batch->seqs->label[batch->item[i]], &slope);
            if (d_a)
                margin_slope(extra, width, unit, deviation, weight * slope, d_a + r * width, d_extra);
        }
    return loss;
}

static size_t head_n_work(const mid__head *head, size_t n, size_t n_row)
{
    (void)n; (void)n_row;
    return sizeof(double) / sizeof(float) * head->n_out;
}

static void head_init(const mid__head *head, double prior, mid__rng *rng, float *bias, float *extra)
{
    const size_t width = head->n_out;
    const double reach = 1 / sqrt((double)width);
    size_t j;

    (void)bias;
    for (j = 0; j < width; j++)
        extra[j] = 1;
    for (j = 2 * width; j < (2 + N_CLASS) * width; j++)
        extra[j] = (float)(reach * (2 * mid__rng_unit(rng) - 1));
    extra[head->n_extra - 1] = (float)prior;
}

mid__head mid__guard_head(size_t width)
{
    return (mid__head){ .n_out = width, .n_extra = (2 + N_CLASS) * width + N_CLASS, .reach = sqrt(3),
                        .init = head_init, .n_work = head_n_work, .loss = head_loss };
}

/* ---- the monitor ------------------------------------------------------------------------------------------------ */

static mid_status n_of(mid_ctx *ctx, const mid_param *params, uint64_t *n)
{
    const double value = mid__param_number(params, "n");

    if (!(value >= 1 && value <= N_MAX && value == floor(value)))
        return mid__fail(ctx, MID_EINVAL, "n %g: must be a whole number from 1 to %d", value, N_MAX);
    *n = (uint64_t)value;
    return MID_OK;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid__trained_spec spec = { .head = mid__guard_head(WIDTH), .train = mid__train_of(set),
                                     .rows = { .dense = N_DENSE } };
    uint64_t n;
    mid_status status = n_of(ctx, params, &n);

    return status == MID_OK ? mid__trained_fit(ctx, set, mid__param_number(params, "layer"), &spec, out) : status;
}

struct plan { mid__trained *head; uint64_t n; };
struct state { uint64_t n_seen; double last[N_MAX]; };      /* logit of token t at t % n */

static void close_plan(void *plan)
{
    struct plan *p = plan;

    if (p)
        free(p->head);
    free(p);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const mid__head head = mid__guard_head(WIDTH);
    struct plan *p = calloc(1, sizeof *p);
    mid_status status = p ? n_of(ctx, params, &p->n) : mid__oom(ctx, "guard heads");

    if (status == MID_OK)
        status = mid__trained_open(ctx, weights, signals, &head, MID__ONE_LAYER, 0, &p->head);
    if (status == MID_OK)
        *plan = p;
    else
        close_plan(p);
    return status;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    double unit[WIDTH], margin, least;
    float a[WIDTH];
    uint64_t i, n;

    if (!mid__trained_map(p->head, step->hidden, NULL, a))
        return MID_ENUMERIC;
    normalise(a, WIDTH, unit);
    least = margin = margin_of(p->head->more, WIDTH, unit);
    if (!isfinite(margin))
        return MID_ENUMERIC;
    s->last[s->n_seen++ % p->n] = margin;
    n = s->n_seen < p->n ? s->n_seen : p->n;
    for (i = 0; i < n; i++)
        least = fmin(least, s->last[i]);
    *score = least;
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen by a linear probe on the fit answers among those tapped" },
    { "n",      2, NULL, "tokens in a row that have to be unsafe, 1 to 16" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_two_head_guard = {
    .name = "two_head_guard", .version = 3,
    .summary = "normalised guard head on one layer's row; smallest of the last n logits", .unit = "logit",
    .source = "Qwen Team 2025 (Qwen3Guard), arXiv 2510.14276",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = close_plan,
    .state_size = sizeof(struct state), .push = push,
};
