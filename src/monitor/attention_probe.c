/* Attention probe: W5.
 *   S_t = sum_k sum_{j<=t} softmax_{j<=t}(q_k . h_j) (v_k . h_j) + b,   k = 1..K heads, K = 8
 * which tokens to look at is learned along with what to look for. Exact on a stream: with u = q . h_t, g = v . h_t
 *   m' = max(m, u)    D <- D e^{m-m'} + e^{u-m'}    N <- N e^{m-m'} + e^{u-m'} g    S = sum_k N/D + b
 * so a head costs three numbers of state and no window. (The published 1/sqrt(d) is part of our q; b is part of v's bias.)
 * Trained on prefixes: the logistic loss after tokens 1-16 and then 8 per doubling up to 128, an answer weighing 1 in all;
 * tokens between these are not read in training, and those read weigh in the softmax for the tokens they stand for.
 * Source: McKenzie et al. 2025 (arXiv 2506.10805), who read a finished text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/dense.h"
#include "monitor/trained.h"
#include "monitor/trained_heads.h"

enum { N_HEAD = 8, N_DENSE = 8 };

/* ---- the head: a row of a is u_1 .. u_K, g_1 .. g_K -------------------------------------------------------------- */

/* Logits of all prefixes into s (n), and what the derivatives need: e_kj = count_j exp(u_kj - top_k), D_kr, (N/D)_kr. */
static void prefix_logits(size_t n_head, const float *a, const float *count, size_t n, double *s,
                          double *e, double *den, double *mean)
{
    size_t k, r;

    memset(s, 0, n * sizeof *s);
    for (k = 0; k < n_head; k++) {
        double top = -INFINITY, sum = 0, dot = 0;
        for (r = 0; r < n; r++)
            top = fmax(top, (double)a[r * 2 * n_head + k]);
        for (r = 0; r < n; r++) {
            const float *row = a + r * 2 * n_head;
            const double w = (double)count[r] * exp(fmax((double)row[k] - top, -600));
            sum += w;
            dot += w * (double)row[n_head + k];
            e[k * n + r] = w;
            den[k * n + r] = sum;
            mean[k * n + r] = dot / sum;
            s[r] += dot / sum;
        }
    }
}

/* With c_r the derivative by S_r:  by g_j: e_j sum_{r>=j} c_r / D_r,  by u_j: e_j sum_{r>=j} c_r (g_j - mean_r) / D_r. */
static void prefix_slopes(size_t n_head, const float *a, size_t n, const double *c, const double *e, const double *den,
                          const double *mean, float *d_a)
{
    size_t k, r;

    for (k = 0; k < n_head; k++) {
        double plain = 0, weighted = 0;
        for (r = n; r-- > 0;) {
            const double g = (double)a[r * 2 * n_head + n_head + k];
            plain += c[r] / den[k * n + r];
            weighted += c[r] / den[k * n + r] * mean[k * n + r];
            d_a[r * 2 * n_head + k] += (float)(e[k * n + r] * (g * plain - weighted));
            d_a[r * 2 * n_head + n_head + k] += (float)(e[k * n + r] * plain);
        }
    }
}

static double head_loss(const mid__head *head, const float *extra, const mid__batch *batch, const float *a,
                        float *d_a, float *d_extra, float *work)
{
    const size_t n_head = head->n_out / 2;
    double loss = 0, slope;
    size_t i, r;

    (void)extra; (void)d_extra;
    for (i = 0; i < batch->n; i++) {
        const size_t at = batch->at[i] * 2 * n_head, n = batch->at[i + 1] - batch->at[i];
        const float *count = batch->seqs->count + batch->seqs->at[batch->item[i]];
        const int label = batch->seqs->label[batch->item[i]];
        double *s = (double *)(void *)work, *e = s + n, *den = e + n_head * n, *mean = den + n_head * n;
        prefix_logits(n_head, a + at, count, n, s, e, den, mean);
        for (r = 0; r < n; r++) {
            loss += mid__logit_loss(s[r], label, &slope) / (double)n;
            s[r] = slope / (double)n;
        }
        if (d_a)
            prefix_slopes(n_head, a + at, n, s, e, den, mean, d_a + at);
    }
    return loss;
}

/* Doubles, as work is malloc'ed: for one sequence at a time. */
static size_t head_n_work(const mid__head *head, size_t n, size_t n_row)
{
    return sizeof(double) / sizeof(float) * (1 + 3 * head->n_out / 2) * (n ? n_row / n : 0);
}

/* b of the formula is the bias of the first head's v. */
static void head_init(const mid__head *head, double prior, mid__rng *rng, float *bias, float *extra)
{
    (void)rng; (void)extra;
    bias[head->n_out / 2] = (float)prior;
}

mid__head mid__attention_probe_head(size_t n_head)
{
    return (mid__head){ .n_out = 2 * n_head, .reach = 0.5, .init = head_init, .n_work = head_n_work, .loss = head_loss };
}

/* ---- the monitor ------------------------------------------------------------------------------------------------ */

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid__trained_spec spec = { .head = mid__attention_probe_head(N_HEAD), .train = mid__train_of(set),
                                     .rows = { .dense = N_DENSE } };

    return mid__trained_fit(ctx, set, mid__param_number(params, "layer"), &spec, out);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const mid__head head = mid__attention_probe_head(N_HEAD);
    mid__trained *p;
    mid_status status = mid__trained_open(ctx, weights, signals, &head, MID__ONE_LAYER, 0, &p);

    (void)params;
    if (status == MID_OK)
        *plan = p;
    return status;
}

struct state { uint64_t n; double top[N_HEAD], den[N_HEAD], num[N_HEAD]; };

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    struct state *s = self;
    float a[2 * N_HEAD];
    double sum = 0;
    int k;

    if (!mid__trained_map(plan, step->hidden, NULL, a))
        return MID_ENUMERIC;
    for (k = 0; k < N_HEAD; k++) {
        const double u = (double)a[k], g = (double)a[N_HEAD + k], top = s->n && s->top[k] > u ? s->top[k] : u;
        const double keep = s->n ? exp(s->top[k] - top) : 0, add = exp(u - top);
        s->den[k] = s->den[k] * keep + add;
        s->num[k] = s->num[k] * keep + add * g;
        s->top[k] = top;
        sum += s->num[k] / s->den[k];
    }
    s->n += 1;
    *score = sum;
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen by a linear probe on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_attention_probe = {
    .name = "attention_probe", .version = 3,
    .summary = "softmax-weighted probe on one layer's rows: learns which tokens to look at", .unit = "logit",
    .source = "McKenzie et al. 2025, arXiv 2506.10805",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};
