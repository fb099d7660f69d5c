/* Logistic regression on what the distributions have looked like so far: G15.
 *   S_t = w . phi_t + b
 * phi_t: for each of -ln p, H and the margin (ln of how much likelier the first token is than the second) its mean,
 * maximum, variance, mean of the last 8, slope over t, and .1, .5, .9 quantiles; the share of tokens with p < .1; ln t.
 * 26 numbers. Quantiles come from a histogram of 64 bins of 1/4 nat, the last one open, straight within a bin, so that a
 * state stays small. One model serves all prefixes, t being a feature: L2-regularised on answers looked at after 1, 2, 4,
 * ... 128 tokens, an answer weighing 1 in all; C by inner folds.
 * Source: the learned counterpart of token-probability scores, after LLM-Check and LM-Polygraph's collections of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/logprob.h"
#include "monitor/rows_lr.h"

enum { N_QUANTITY = 3, N_RECENT = 8, N_BIN = 64, N_OF_EACH = 8, N_FEATURE = N_QUANTITY * N_OF_EACH + 2 };
static const double per_bin_nats = 0.25, unlikely_nats = 2.302585092994046;     /* -ln .1 */

static const double c_values[] = { 0.01, 0.1, 1, 10 };
static const mid__c_grid c_grid = { c_values, sizeof c_values / sizeof c_values[0], 0.1 };

/* ---- features --------------------------------------------------------------------------------------------------- */

struct track { double mean, square, max, dot_t; float recent[N_RECENT]; uint32_t bin[N_BIN]; };
struct state { uint64_t n, n_unlikely; struct track track[N_QUANTITY]; };       /* zeroed = no tokens yet */

/* x is the n-th value, from 1. square: sum of squares around the mean (Welford 1962); dot_t: sum of n x. */
static void note(struct track *k, uint64_t n, float x)
{
    const double off = (double)x - k->mean, at = fmax((double)x, 0) / per_bin_nats;

    k->mean += off / (double)n;
    k->square += off * ((double)x - k->mean);
    k->max = n == 1 || (double)x > k->max ? (double)x : k->max;
    k->dot_t += (double)n * (double)x;
    k->recent[n % N_RECENT] = x;
    k->bin[at < N_BIN - 1 ? (int)at : N_BIN - 1] += 1;
}

static double quantile(const struct track *k, uint64_t n, double q)
{
    const double want = q * (double)n;
    double before = 0;
    int i;

    for (i = 0; i < N_BIN - 1 && before + k->bin[i] < want; i++)
        before += k->bin[i];
    return per_bin_nats * (i + (k->bin[i] ? (want - before) / k->bin[i] : 0));
}

/* Least squares over t = 1..n; 0 for one value. */
static double slope(const struct track *k, uint64_t n)
{
    const double m = (double)n;

    return n < 2 ? 0 : (k->dot_t - m * k->mean * (m + 1) / 2) / (m * (m * m - 1) / 12);
}

static double recent_mean(const struct track *k, uint64_t n)
{
    const uint64_t m = n < N_RECENT ? n : N_RECENT;
    double sum = 0;
    uint64_t i;

    for (i = 0; i < m; i++)
        sum += (double)k->recent[(n - i) % N_RECENT];
    return sum / (double)m;
}

/* After the next token with quantities x: phi (N_FEATURE). */
static void features(struct state *s, const float *x, float *phi)
{
    int i;

    s->n += 1;
    s->n_unlikely += (double)x[0] > unlikely_nats;
    for (i = 0; i < N_QUANTITY; i++) {
        struct track *k = &s->track[i];
        note(k, s->n, x[i]);
        *phi++ = (float)k->mean;
        *phi++ = (float)k->max;
        *phi++ = (float)(k->square / (double)s->n);
        *phi++ = (float)recent_mean(k, s->n);
        *phi++ = (float)slope(k, s->n);
        *phi++ = (float)quantile(k, s->n, 0.1);
        *phi++ = (float)quantile(k, s->n, 0.5);
        *phi++ = (float)quantile(k, s->n, 0.9);
    }
    *phi++ = (float)((double)s->n_unlikely / (double)s->n);
    *phi++ = (float)log((double)s->n);
}

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

/* Rows of one answer after 1, 2, 4, ... tokens. A step without all three quantities is left out, as a stream does. */
static void answer_rows(const mid_fit_answer *a, size_t i_answer, mid__rows *out)
{
    const uint32_t n_tok = mid_trace_n_tok(a->trace);
    const size_t first = out->n;
    struct state s = { .n = 0 };
    float x[N_QUANTITY], phi[N_FEATURE];
    mid_step step;
    uint32_t t;
    uint8_t horizon;

    for (t = 1; t <= n_tok; t++) {
        mid_trace_step(a->trace, t - 1, NULL, &step);
        if (mid__surprisal_entropy_margin(&step, x))
            features(&s, x, phi);
        if (!s.n || !mid__is_row(t, n_tok, 0, &horizon))
            continue;
        memcpy(out->x + out->n * N_FEATURE, phi, sizeof phi);
        mid__rows_add(out, i_answer, a->label, horizon);
    }
    mid__rows_weigh(out, first);
}

static mid_status rows_of(mid_ctx *ctx, const mid_fit_set *set, mid__rows *out)
{
    size_t i;
    mid_status status = mid__rows_open(ctx, set->n * MID__N_HORIZON, N_FEATURE, out);

    for (i = 0; status == MID_OK && i < set->n; i++)
        answer_rows(&set->answer[i], i, out);
    return status;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    double c = mid__param_number(params, "c"), auroc = 0;
    float w[N_FEATURE], b;
    mid__rows rows = { 0 };
    mid_status status;

    if (!(c >= 0) || !isfinite(c))
        return mid__fail(ctx, MID_EINVAL, "c %g: must be > 0, or 0 to choose it", c);
    status = rows_of(ctx, set, &rows);
    if (status == MID_OK && c == 0)
        status = mid__rows_lr_choose(ctx, set, &rows, &c_grid, &c, &auroc);
    if (status == MID_OK)
        status = mid__rows_lr_fit(ctx, set, &rows, c, w, &b);
    mid__rows_clear(&rows);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "w", w, 1, N_FEATURE);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "b", &b, 1, 1);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "c", c);
    return status == MID_OK ? mid_weights_set_number(ctx, out, "inner_auroc", auroc) : status;
}

/* ---- scoring ---------------------------------------------------------------------------------------------------- */

struct plan { float w[N_FEATURE], b; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const float *w, *b;
    struct plan *p;
    mid_status status = mid_weights_expect(ctx, weights, "w", 1, N_FEATURE, &w);

    (void)params; (void)signals;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "b", 1, 1, &b);
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "a regression");
    memcpy(p->w, w, sizeof p->w);
    p->b = *b;
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    float x[N_QUANTITY], phi[N_FEATURE];
    double z = (double)p->b;
    int i;

    if (!mid__surprisal_entropy_margin(step, x))
        return MID_ENUMERIC;
    features(self, x, phi);
    for (i = 0; i < N_FEATURE; i++)
        z += (double)p->w[i] * (double)phi[i];
    *score = z;
    return MID_OK;
}

static const mid_param params_[] = {
    { "c", 0, NULL, "inverse regularisation, as in scikit-learn; 0: chosen among .01 .1 1 10" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_logprob_lr = {
    .name = "logprob_lr", .version = 1,
    .summary = "logistic regression on running statistics of surprisal, entropy and margin", .unit = "logit",
    .source = "standard, learned counterpart of token-probability scores",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB | MID_SIG_ENTROPY | MID_SIG_TOP, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};
