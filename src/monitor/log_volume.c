/* Volume that the last rows of an answer span: W22.
 *   h~_j = h_j less the mean of its d values,  G_ij = h~_i . h~_j over the last n = min(t, window) tokens
 *   S_t = o (1/n) ln det(G + 10^-3 I)
 * Rows that all point one way span little; what theory says about unsafe ones is disputed, so o = +-1 is chosen on the fit
 * answers after 16 tokens (orientation.h), on the layer that ranks them best (mean AUROC over the horizons; a layer and a
 * sign are so little to learn that no inner folds are used). LLM-Check (Sriramanan et al. 2024) scores all t tokens of a
 * finished text; a window bounds what a stream keeps: the rows, as the float16 they are, and their inner products. Each
 * token computes its own n products and factors G anew (n^3 / 6): exact, where a factor carried along would have to be
 * downdated as rows leave. A determinant does not mind the order of its rows, so they stay in their slots. The score depends
 * on t while the window fills: put position_norm before a maximum. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/half.h"
#include "base/linalg.h"
#include "monitor/fitted.h"
#include "monitor/orientation.h"
#include "monitor/replay.h"
#include "monitor/rows.h"

enum { WINDOW_MAX = 64, D_MAX = 8192 };
static const double jitter = 1e-3;

struct plan { size_t d, at, window; double orientation; };
/* Row of token t in slot t % window. value: products (window, window), lower triangle, then the rows' means (window);
 * behind them the rows (window, d). */
struct state { uint64_t n; double value[]; };

static size_t state_size_of(const void *plan)
{
    const struct plan *p = plan;

    return sizeof(struct state) + p->window * (p->window + 1) * sizeof(double) + p->window * p->d * sizeof(uint16_t);
}

static uint16_t *row_at(const struct plan *p, const struct state *s, size_t slot)
{
    return (uint16_t *)(uintptr_t)(s->value + p->window * (p->window + 1)) + slot * p->d;
}

static double sum_of(const float *x, size_t n)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < n; i++)
        sum += (double)x[i];
    return sum;
}

/* Products of a row with those of the slots in use, its own slot standing for itself: h . k - d mean_h mean_k, which is the
 * product of the centred rows; float16 values make it exact but for the last digits of a double. False: not finite. */
static bool products(const struct plan *p, const struct state *s, const float *h, double mean, size_t slot, size_t n,
                     double *out)
{
    const double *means = s->value + p->window * p->window;
    float other[D_MAX];
    size_t k;

    for (k = 0; k < n; k++) {
        if (k != slot)
            mid__half_unpack(row_at(p, s, k), other, p->d);
        out[k] = mid__dot(h, k == slot ? h : other, p->d) - (double)p->d * mean * (k == slot ? mean : means[k]);
        if (!isfinite(out[k]))
            return false;
    }
    return true;
}

/* (1/n) ln det(G + jitter I) of the first n slots. */
static double volume(const struct state *s, size_t window, size_t n)
{
    double g[WINDOW_MAX * WINDOW_MAX], sum = 0;
    size_t i, j;

    for (i = 0; i < n; i++) {
        for (j = 0; j <= i; j++)
            g[i * n + j] = s->value[i * window + j];
        g[i * n + i] += jitter;
    }
    if (!mid__cholesky(g, n))
        return NAN;
    for (i = 0; i < n; i++)
        sum += 2 * log(g[i * n + i]);
    return sum / (double)n;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    const float *h = step->hidden + p->at;
    const double mean = sum_of(h, p->d) / (double)p->d;
    const size_t slot = s->n % p->window, n = s->n + 1 < p->window ? s->n + 1 : p->window;
    double own[WINDOW_MAX], before[WINDOW_MAX], x;
    size_t k;

    if (!mid__is_finite(h, p->d) || !products(p, s, h, mean, slot, n, own))
        return MID_ENUMERIC;
    for (k = 0; k < n; k++) {
        double *at = &s->value[k < slot ? slot * p->window + k : k * p->window + slot];
        before[k] = *at;
        *at = own[k];
    }
    x = volume(s, p->window, n);
    if (!isfinite(x)) {                 /* an error changes nothing */
        for (k = 0; k < n; k++)
            s->value[k < slot ? slot * p->window + k : k * p->window + slot] = before[k];
        return MID_ENUMERIC;
    }
    mid__half_pack(h, row_at(p, s, slot), p->d);
    s->value[p->window * p->window + slot] = mean;
    s->n++;
    *score = p->orientation * x;
    return MID_OK;
}

static mid_status window_of(mid_ctx *ctx, const mid_param *params, double *window)
{
    *window = mid__param_number(params, "window");
    if (*window >= 2 && *window <= WINDOW_MAX && *window == floor(*window))
        return MID_OK;
    return mid__fail(ctx, MID_EINVAL, "window %g: a whole number from 2 to %d", *window, WINDOW_MAX);
}

extern const mid_monitor_ops mid__monitor_log_volume;

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    double window, a, best_a = -1;
    int first, last, l, best = 0;
    mid_status status = window_of(ctx, params, &window);

    if (status == MID_OK)
        status = mid__layer_range(ctx, signals, mid__param_number(params, "layer"), &first, &last);
    for (l = first; status == MID_OK && l <= last; l++) {
        status = mid_weights_set_number(ctx, out, "layer", signals->layer[l]);
        if (status == MID_OK)
            status = mid__orientation_fit(ctx, &mid__monitor_log_volume, set, params, 1, out);
        a = 0;
        if (status == MID_OK && first != last)
            status = mid__replay_auroc(ctx, &mid__monitor_log_volume, set, params, out, &a);
        if (status == MID_OK && a > best_a) {
            best_a = a;
            best = l;
        }
    }
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", signals->layer[best]);
    return status == MID_OK ? mid__orientation_fit(ctx, &mid__monitor_log_volume, set, params, 1, out) : status;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    double window, o;
    struct plan *p;
    size_t at = 0;
    mid_status status = window_of(ctx, params, &window);

    if (status == MID_OK)
        status = mid__orientation_of(ctx, weights, &o);
    if (status == MID_OK)
        status = mid__layer_at(ctx, "log_volume", weights, signals, (size_t)signals->n_embd, &at);
    if (status == MID_OK && signals->n_embd > D_MAX)
        status = mid__fail(ctx, MID_ELIMIT, "log_volume: rows of %d values, the limit is %d", signals->n_embd, D_MAX);
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "log_volume");
    *p = (struct plan){ (size_t)signals->n_embd, at, (size_t)window, o };
    *plan = p;
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer",  -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { "window", 32, NULL, "last tokens whose rows span the volume, 2 to 64" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_log_volume = {
    .name = "log_volume", .version = 1,
    .summary = "log volume that the hidden rows of the last tokens span, per token", .unit = "nats",
    .source = "LLM-Check, Sriramanan et al. 2024",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .push = push, .state_size_of = state_size_of,
};
