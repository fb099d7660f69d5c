/* Dual-head guard: a token head and a sequence head on one trunk, tied by logic: W8, the Streaming Content Monitor.
 *   x_t = ReLU(W h_t + c), 64 wide     g_t = sigmoid(w_g . x_t + b_g)     f_t = sigmoid(w_f . x_t + b_f)
 *   loss = alpha CE_token(g) + (1 - alpha) CE_sequence(f) + gamma (-ln max(1e-8, 1 - f_t + f_t max_{j<=t} g_j))
 * the last term says "f unsafe implies some g unsafe"; alpha = .6, gamma = 1 as published. CE_token averages over tokens,
 * the other two over the prefixes an answer is looked at after: tokens 1-16, then 8 per doubling up to 128.
 *   S_t = logit of the k-th largest g so far (the smallest while t < k):   S_t >= threshold iff k tokens are that unsafe
 * k is the one among 1, 2, 4, 8 whose S has the best AUROC on the fit answers held out for early stopping.
 * Source: Li et al. 2025 (arXiv 2506.09996). They fine-tune a language model on labels of every token; our trunk reads a
 * frozen one, and as our labels are of answers, a token's label is its answer's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/dense.h"
#include "midstream/metric.h"
#include "monitor/largest.h"
#include "monitor/trained.h"
#include "monitor/trained_heads.h"

enum { WIDTH = 64, WIDTH_MAX = 64, N_DENSE = 8, K_MAX = 8 };
static const double floor_ = 1e-8;

/* ---- the head: further weights are w_g, b_g, w_f, b_f ------------------------------------------------------------ */

static double logit_of(const float *w, const float *a, size_t width)
{
    double z = (double)w[width];
    size_t j;

    for (j = 0; j < width; j++)
        z += a[j] > 0 ? (double)w[j] * (double)a[j] : 0;
    return z;
}

/* slope times the derivative of a logit: into the head's weights and through the ReLU. */
static void slope_into(const float *w, const float *a, size_t width, double slope, float *d_a, float *d_w)
{
    size_t j;

    for (j = 0; j < width; j++)
        if (a[j] > 0) {
            d_a[j] += (float)slope * w[j];
            d_w[j] += (float)slope * a[j];
        }
    d_w[width] += (float)slope;
}

/* Loss of one answer with rows a (n, width); d_g, d_f (n) get the derivatives by the logits. */
static double answer_loss(const mid__head *head, const float *extra, const float *a, const float *count, size_t n,
                          int label, double *d_g, double *d_f)
{
    const size_t width = head->n_out;
    const double alpha = head->setting[0], gamma = head->setting[1];
    double loss = 0, n_tok = 0, top = 0, slope, top_slope = 0;
    size_t r, i_top = 0;

    for (r = 0; r < n; r++)
        n_tok += (double)count[r];
    for (r = 0; r < n; r++) {
        const double z_g = logit_of(extra, a + r * width, width), z_f = logit_of(extra + width + 1, a + r * width, width);
        const double g = mid__logistic(z_g), f = mid__logistic(z_f), share = (double)count[r] / n_tok;
        double implied;
        loss += alpha * share * mid__logit_loss(z_g, label, &slope);
        d_g[r] = alpha * share * slope;
        loss += (1 - alpha) / (double)n * mid__logit_loss(z_f, label, &slope);
        d_f[r] = (1 - alpha) / (double)n * slope;
        if (r == 0 || g > top) {
            top = g;
            top_slope = g * (1 - g);
            i_top = r;
        }
        implied = 1 - f + f * top;
        loss -= gamma / (double)n * log(fmax(implied, floor_));
        if (implied <= floor_)
            continue;
        d_f[r] += gamma / (double)n * (1 - top) / implied * f * (1 - f);
        d_g[i_top] -= gamma / (double)n * f / implied * top_slope;
    }
    return loss;
}

static double head_loss(const mid__head *head, const float *extra, const mid__batch *batch, const float *a,
                        float *d_a, float *d_extra, float *work)
{
    const size_t width = head->n_out;
    double loss = 0;
    size_t i, r;

    for (i = 0; i < batch->n; i++) {
        const size_t n = batch->at[i + 1] - batch->at[i];
        const float *rows = a + batch->at[i] * width;
        double *d_g = (double *)(void *)work, *d_f = d_g + n;
        loss += answer_loss(head, extra, rows, batch->seqs->count + batch->seqs->at[batch->item[i]], n,
                            batch->seqs->label[batch->item[i]], d_g, d_f);
        for (r = 0; d_a && r < n; r++) {
            float *d_row = d_a + (batch->at[i] + r) * width;
            slope_into(extra, rows + r * width, width, d_g[r], d_row, d_extra);
            slope_into(extra + width + 1, rows + r * width, width, d_f[r], d_row, d_extra + width + 1);
        }
    }
    return loss;
}

/* Doubles, as work is malloc'ed: for one sequence at a time. */
static size_t head_n_work(const mid__head *head, size_t n, size_t n_row)
{
    (void)head;
    return sizeof(double) / sizeof(float) * 2 * (n ? n_row / n : 0);
}

static void head_init(const mid__head *head, double prior, mid__rng *rng, float *bias, float *extra)
{
    const double reach = 1 / sqrt((double)head->n_out);
    size_t j, h;

    (void)bias;
    for (h = 0; h < 2; h++, extra += head->n_out + 1) {
        for (j = 0; j < head->n_out; j++)
            extra[j] = (float)(reach * (2 * mid__rng_unit(rng) - 1));
        extra[head->n_out] = (float)prior;
    }
}

mid__head mid__dual_head(size_t width, double alpha, double gamma)
{
    return (mid__head){ .n_out = width, .n_extra = 2 * (width + 1), .reach = sqrt(3), .setting = { alpha, gamma },
                        .init = head_init, .n_work = head_n_work, .loss = head_loss };
}

/* ---- how many tokens have to be unsafe ---------------------------------------------------------------------------- */

enum { STATE_BYTES = sizeof(mid__largest) + K_MAX * sizeof(double) };

/* The k-th largest so far, this one included; the smallest while there are fewer. */
static double put_largest(mid__largest *l, uint64_t k, double logit)
{
    mid__largest_put(l, k, logit);
    return l->score[l->n - 1];
}

/* Where after 1, 2, 4, ... tokens an answer's score is compared: AUROC of held-out answers under k, mean over these. */
static double auroc_of(const mid__trained_spec *spec, const mid__seqs *seqs, const uint8_t *held_out, const float *w,
                       uint64_t k, mid__largest *l, double *score, uint8_t *label)
{
    const size_t width = spec->head.n_out, n_map = width * (seqs->d + 1);
    double sum = 0, auroc;
    float a[WIDTH_MAX];
    size_t i, r, n;
    int h, n_sum = 0;

    for (h = 0; h < MID__N_HORIZON; h++) {
        for (i = n = 0; i < seqs->n; i++) {
            if (!held_out[i] || seqs->at[i] == seqs->at[i + 1])
                continue;
            l->n = 0;
            for (r = seqs->at[i]; r < seqs->at[i + 1] && (r == seqs->at[i] || seqs->t[r] <= mid__horizon_tok(h)); r++) {
                mid__head_map(w, width, seqs->d, seqs->x + r * seqs->d, a);
                score[n] = put_largest(l, k, logit_of(w + n_map, a, width));
            }
            label[n++] = seqs->label[i];
        }
        if (mid_auroc(NULL, score, label, n, &auroc) == MID_OK) {
            sum += auroc;
            n_sum++;
        }
    }
    return n_sum ? sum / n_sum : 0;
}

static mid_status choose_k(mid_ctx *ctx, const mid_fit_set *set, const mid__trained_spec *spec, const mid__seqs *seqs,
                           const uint8_t *held_out, const float *w_inner, mid_weights *out)
{
    double *score = malloc((seqs->n + 1) * sizeof *score), best = -1, auroc;
    uint8_t *label = malloc(seqs->n + 1);
    mid__largest *l = malloc(STATE_BYTES);
    uint64_t k, best_k = 1;
    mid_status status = MID_OK;

    (void)set;
    if (!score || !label || !l)
        status = mid__oom(ctx, "inner scores");
    for (k = 1; status == MID_OK && k <= K_MAX; k *= 2) {
        auroc = auroc_of(spec, seqs, held_out, w_inner, k, l, score, label);
        if (auroc > best) {             /* ties stay with the smaller k */
            best = auroc;
            best_k = k;
        }
    }
    free(score);
    free(label);
    free(l);
    return status == MID_OK ? mid_weights_set_number(ctx, out, "k", (double)best_k) : status;
}

/* ---- the monitor ------------------------------------------------------------------------------------------------ */

static mid_status k_param(mid_ctx *ctx, const mid_param *params, double *k)
{
    *k = mid__param_number(params, "k");
    if (!(*k >= 0 && *k <= K_MAX && *k == floor(*k)))
        return mid__fail(ctx, MID_EINVAL, "k %g: must be a whole number up to %d, or 0 to choose it", *k, K_MAX);
    return MID_OK;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    mid__trained_spec spec = { .head = mid__dual_head(WIDTH, 0.6, 1), .train = mid__train_of(set),
                               .rows = { .dense = N_DENSE } };
    double k;
    mid_status status = k_param(ctx, params, &k);

    if (status == MID_OK && k > 0)
        status = mid_weights_set_number(ctx, out, "k", k);
    else
        spec.choose = choose_k;
    return status == MID_OK ? mid__trained_fit(ctx, set, mid__param_number(params, "layer"), &spec, out) : status;
}

struct plan { mid__trained *head; uint64_t k; };

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
    const mid__head head = mid__dual_head(WIDTH, 0.6, 1);
    const double k = mid_weights_number(weights, "k");
    struct plan *p = calloc(1, sizeof *p);
    mid_status status = p ? MID_OK : mid__oom(ctx, "a dual-head guard");

    (void)params;
    if (status == MID_OK)
        status = mid__trained_open(ctx, weights, signals, &head, MID__ONE_LAYER, 0, &p->head);
    if (status == MID_OK && !(k >= 1 && k <= K_MAX && k == floor(k)))
        status = mid__fail(ctx, MID_EFORMAT, "k %g is no whole number from 1 to %d", k, K_MAX);
    if (status == MID_OK) {
        p->k = (uint64_t)k;
        *plan = p;
    } else {
        close_plan(p);
    }
    return status;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    float a[WIDTH_MAX];
    double logit;

    if (!mid__trained_map(p->head, step->hidden, NULL, a))
        return MID_ENUMERIC;
    logit = logit_of(p->head->more, a, WIDTH);
    if (!isfinite(logit))
        return MID_ENUMERIC;
    *score = put_largest(self, p->k, logit);
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen by a linear probe on the fit answers among those tapped" },
    { "k",      0, NULL, "tokens that have to be unsafe; 0: chosen among 1 2 4 8" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_dual_head = {
    .name = "dual_head", .version = 3,
    .summary = "token and sequence head tied by logic; k-th largest token logit so far", .unit = "logit",
    .source = "Li et al. 2025 (Streaming Content Monitor), arXiv 2506.09996",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = close_plan,
    .state_size = STATE_BYTES, .push = push,
};
