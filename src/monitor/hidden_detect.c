/* How much the layers lean towards refusing: W18.
 *   F_l = cos(lens logits of layer l, r), r the 0/1 vector of refusing tokens
 *   x_t = mean height of F over the kept layers by the trapezoid rule        S_t = o (1/t) sum_{j<=t} x_j
 * Kept are the tapped layers whose gap between the classes' mean F after 16 tokens exceeds the last layer's, on the fit
 * answers; if none does, the last. o = +-1, chosen there after 16 tokens (orientation.h): inside an answer a leaning towards
 * refusal should mark a safe one, at an unsafe prompt it is the other way round.
 * Source: HiddenDetect, Jiang et al. 2025 (arXiv 2502.14744); they look at the last prompt position alone, we at the
 * answer's, and our area is divided by the layers' span, so that it stays a cosine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/lens_rows.h"
#include "monitor/orientation.h"
#include "monitor/running.h"

enum { GAP_HORIZON = 4 };           /* 16 tokens */

/* Distance between the classes' means of one layer at GAP_HORIZON, or at an earlier end. */
static double gap_of(const mid__rows *rows, size_t layer)
{
    double sum[2] = { 0, 0 };
    size_t n[2] = { 0, 0 }, i;

    for (i = 0; i < rows->n; i++) {
        const bool is_last = i + 1 == rows->n || rows->answer[i + 1] != rows->answer[i];
        if (rows->horizon[i] != GAP_HORIZON && !(is_last && rows->horizon[i] < GAP_HORIZON))
            continue;
        sum[rows->label[i]] += (double)rows->x[i * rows->d + layer];
        n[rows->label[i]]++;
    }
    return n[0] && n[1] ? fabs(sum[1] / (double)n[1] - sum[0] / (double)n[0]) : 0;
}

/* Weight of each layer's F in the mean height over the kept layers: half the way to either neighbour, over the whole way. */
static void trapezoid(const int *layer, const uint8_t *kept, size_t n, float *area)
{
    size_t i, last = n, first = n;

    memset(area, 0, n * sizeof *area);
    for (i = 0; i < n; i++) {
        if (!kept[i])
            continue;
        if (last < n) {
            area[last] += (float)(layer[i] - layer[last]) / 2;
            area[i] += (float)(layer[i] - layer[last]) / 2;
        } else {
            first = i;
        }
        last = i;
    }
    if (first == last)
        area[first] = 1;                /* one layer: its own height */
    else
        for (i = 0; i < n; i++)
            area[i] /= (float)(layer[last] - layer[first]);
}

struct plan { size_t n_layer; double orientation; float area[]; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, const mid_signals *signals,
                              void **plan)
{
    const size_t n = (size_t)signals->n_layer;
    const float *area;
    struct plan *p;
    double o;
    mid_status status = mid_weights_expect(ctx, weights, "area", 1, n, &area);

    (void)params;
    if (status == MID_OK)
        status = mid__orientation_of(ctx, weights, &o);
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p + n * sizeof *area);
    if (!p)
        return mid__oom(ctx, "hidden_detect");
    p->n_layer = n;
    p->orientation = o;
    memcpy(p->area, area, n * sizeof *area);
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    double height = 0;
    size_t i;

    for (i = 0; i < p->n_layer; i++)
        height += (double)p->area[i] * (double)step->lens[i * MID_LENS_N + MID_LENS_REFUSAL_COS];
    if (!isfinite(height))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, p->orientation * height);
    return MID_OK;
}

extern const mid_monitor_ops mid__monitor_hidden_detect;

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    const size_t n = (size_t)signals->n_layer;
    uint8_t kept[MID_LAYER_MAX] = { 0 };
    float area[MID_LAYER_MAX];
    size_t i, n_kept = 0;
    mid__rows rows;
    mid_status status;

    if (n < 1 || n > MID_LAYER_MAX)
        return mid__fail(ctx, MID_ESIGNAL, "hidden_detect: the answers have %zu tapped layers", n);
    status = mid__lens_rows(ctx, set, MID_LENS_REFUSAL_COS, &rows);
    if (status != MID_OK)
        return status;
    for (i = 0; i < n; i++)
        n_kept += kept[i] = gap_of(&rows, i) > gap_of(&rows, n - 1);
    if (n_kept == 0)
        kept[n - 1] = 1;
    trapezoid(signals->layer, kept, n, area);
    mid__rows_clear(&rows);
    status = mid_weights_set(ctx, out, "area", area, 1, n);
    return status == MID_OK ? mid__orientation_fit(ctx, &mid__monitor_hidden_detect, set, params, -1, out) : status;
}

const mid_monitor_ops mid__monitor_hidden_detect = {
    .name = "hidden_detect", .version = 1,
    .summary = "running mean of how much the layers lean towards refusing tokens", .unit = "cosine",
    .source = "HiddenDetect, Jiang et al. 2025, arXiv 2502.14744",
    .box = MID_BOX_WHITE, .needs = MID_SIG_LENS,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(mid__running), .push = push,
};
