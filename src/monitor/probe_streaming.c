/* Streaming probe, a reconstruction of the one in Constitutional Classifiers++: W3.
 *   z_t = w . (h_t^1, ..., h_t^L) + b                   all tapped layers, one behind the other
 *   training: zbar_t = mean of the last min(t, 16) z,  loss = sum_t omega_t BCE(zbar_t, y),  omega = softmax_t(zbar / tau)
 *   online:   e_t = beta e_{t-1} + (1 - beta) z_t, e_1 = z_1,       S_t = max_{j<=t} e_j
 * so that the tokens which look worst decide, in training as in use. tau = 1. Whether the gradient also flows through omega
 * is a parameter; the paper does not say. A mean of logits is the logit of a mean row, so training reads mean rows, after
 * tokens 1-8 and then four per doubling up to 128: each stands in omega for the tokens since the one before.
 * Source: Cunningham et al. 2026 (arXiv 2601.04603); their code is not public and this is how we read the paper. They
 * weigh by the window's mean; what runs, and what a threshold is to be calibrated on, is the EMA. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "learn/dense.h"
#include "monitor/running.h"
#include "monitor/trained.h"
#include "monitor/trained_heads.h"

enum { N_WINDOW = 16, N_DENSE = 4 };

/* ---- the head --------------------------------------------------------------------------------------------------- */

/* Loss of one answer's logits z (n), whose rows stand for count tokens each. */
static double answer_loss(const mid__head *head, const float *z, const float *count, size_t n, int label, float *d_z)
{
    const double tau = head->setting[0];
    const bool through = head->setting[1] != 0;
    double top = -INFINITY, sum = 0, loss = 0, slope;
    size_t r;

    for (r = 0; r < n; r++)
        top = fmax(top, (double)z[r] / tau);
    for (r = 0; r < n; r++)
        sum += (double)count[r] * exp((double)z[r] / tau - top);
    for (r = 0; r < n; r++)
        loss += (double)count[r] * exp((double)z[r] / tau - top) / sum * mid__logit_loss((double)z[r], label, &slope);
    for (r = 0; d_z && r < n; r++) {
        const double omega = (double)count[r] * exp((double)z[r] / tau - top) / sum;
        const double own = mid__logit_loss((double)z[r], label, &slope);
        d_z[r] += (float)(omega * (slope + (through ? (own - loss) / tau : 0)));
    }
    return loss;
}

static double head_loss(const mid__head *head, const float *extra, const mid__batch *batch, const float *a,
                        float *d_a, float *d_extra, float *work)
{
    double loss = 0;
    size_t i;

    (void)extra; (void)d_extra; (void)work;
    for (i = 0; i < batch->n; i++) {
        const size_t at = batch->at[i];
        loss += answer_loss(head, a + at, batch->seqs->count + batch->seqs->at[batch->item[i]], batch->at[i + 1] - at,
                            batch->seqs->label[batch->item[i]], d_a ? d_a + at : NULL);
    }
    return loss;
}

static size_t no_work(const mid__head *head, size_t n, size_t n_row)
{
    (void)head; (void)n; (void)n_row;
    return 0;
}

static void head_init(const mid__head *head, double prior, mid__rng *rng, float *bias, float *extra)
{
    (void)head; (void)rng; (void)extra;
    bias[0] = (float)prior;
}

mid__head mid__streaming_head(double tau, bool through)
{
    return (mid__head){ .n_out = 1, .setting = { tau, through }, .init = head_init, .n_work = no_work, .loss = head_loss };
}

/* ---- the monitor ------------------------------------------------------------------------------------------------ */

static mid_status beta_of(mid_ctx *ctx, const mid_param *params, double *beta)
{
    *beta = mid__param_number(params, "beta");
    if (!(*beta >= 0 && *beta < 1))
        return mid__fail(ctx, MID_EINVAL, "beta %g: must lie in [0, 1)", *beta);
    return MID_OK;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const double through = mid__param_number(params, "through");
    mid__trained_spec spec = { .train = mid__train_of(set) };
    double beta;
    mid_status status = beta_of(ctx, params, &beta);

    if (status == MID_OK && through != 0 && through != 1)
        status = mid__fail(ctx, MID_EINVAL, "through %g: must be 0 or 1", through);
    if (status != MID_OK)
        return status;
    spec.head = mid__streaming_head(1, through == 1);
    spec.rows = (mid__token_choice){ .i_layer = MID__ALL_LAYERS, .dense = N_DENSE, .window = N_WINDOW };
    return mid__trained_fit(ctx, set, -1, &spec, out);
}

struct plan { mid__trained *head; double beta; };
struct state { uint64_t n; double ema, max; };

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
    const mid__head head = mid__streaming_head(1, false);
    struct plan *p = calloc(1, sizeof *p);
    mid_status status = p ? beta_of(ctx, params, &p->beta) : mid__oom(ctx, "a streaming probe");

    if (status == MID_OK)
        status = mid__trained_open(ctx, weights, signals, &head, MID__ALL_LAYERS, 0, &p->head);
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
    float z;

    if (!mid__trained_map(p->head, step->hidden, NULL, &z))
        return MID_ENUMERIC;
    s->ema = s->n ? p->beta * s->ema + (1 - p->beta) * (double)z : (double)z;
    s->max = s->n && s->max > s->ema ? s->max : s->ema;
    s->n += 1;
    *score = s->max;
    return MID_OK;
}

static const mid_param params_[] = {
    { "beta",   .9, NULL, "weight of the past in the moving average, in [0, 1)" },
    { "through", 1, NULL, "1: the gradient also flows through the softmax weights; 0: it does not" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_probe_streaming = {
    .name = "probe_streaming", .version = 3,
    .summary = "linear probe on all tapped layers, trained on its worst moments; largest moving average so far",
    .unit = "logit", .source = "after Cunningham et al. 2026, arXiv 2601.04603 (our reconstruction)",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = close_plan,
    .state_size = sizeof(struct state), .push = push,
};
