/* Uncertainty that runs along attention: W21.
 *   c_1 = p_1,   c_t = alpha p_t + (1 - alpha) a_t(t-1) c_{t-1}
 *   S_t = max over layers of (1/t) sum_{j<=t} -ln max(c_j, 1e-10)
 * p_t: the token's probability; a_t(t-1): the weight of one head per layer of the model's middle third on the token
 * before. A token that leans on a doubtful one is doubtful itself. RAUQ picks, in each layer, the head with the largest
 * mean weight in the very answer that is scored, its end included; ours is picked once, on the fit answers (mean over rows
 * after 1, 2, 4, ... 128 tokens, each answer weighing 1). alpha: .2 is published for base and .5 for instruction-tuned
 * models; chosen between the two on the fit answers unless given. The sign is the theory's: uncertain is unsafe.
 * Source: RAUQ, Vazhentsev et al. 2025 (arXiv 2505.20045). */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "monitor/heads.h"
#include "monitor/replay.h"
#include "monitor/signal_rows.h"

enum { LAYER_MAX = 64 };
static const double alpha_grid[] = { 0.2, 0.5 };

struct plan { size_t n; double alpha; uint32_t head[LAYER_MAX]; };
struct state { uint64_t n; double c[LAYER_MAX], sum[LAYER_MAX]; };

/* Layers [first, last) are the middle third, at least one. */
static void middle_third(const mid_signals *s, size_t *first, size_t *last)
{
    const size_t n = (size_t)(s->n_head / s->n_head_layer);

    *first = n / 3;
    *last = 2 * n / 3 > *first ? 2 * n / 3 : *first + 1;
    if (*last - *first > LAYER_MAX)
        *last = *first + LAYER_MAX;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    const double token = fmin(1, exp((double)step->lp));
    double most = -INFINITY;
    size_t i;

    if (!isfinite(step->lp))
        return MID_ENUMERIC;
    for (i = 0; i < p->n; i++)
        if (!isfinite(mid__head_at(step, p->head[i])[MID_ATTENTION_PREVIOUS]))
            return MID_ENUMERIC;
    for (i = 0; i < p->n; i++) {
        const double back = fmin(fmax(mid__head_at(step, p->head[i])[MID_ATTENTION_PREVIOUS], 0), 1);
        s->c[i] = s->n ? p->alpha * token + (1 - p->alpha) * back * s->c[i] : token;
        s->sum[i] -= log(fmax(s->c[i], 1e-10));
        most = fmax(most, s->sum[i] / (double)(s->n + 1));
    }
    s->n++;
    *score = most;
    return MID_OK;
}

static bool read_previous(const void *user, const mid_prompt *prompt, const mid_step *step, float *value)
{
    const size_t n_head = *(const size_t *)user;
    size_t k;

    (void)prompt;
    for (k = 0; k < n_head; k++) {
        value[k] = mid__head_at(step, k)[MID_ATTENTION_PREVIOUS];
        if (!isfinite(value[k]))
            return false;
    }
    return step->i_tok > 0;             /* before the first token there is only the prompt */
}

/* The head of each middle layer that looks back most, over the rows as a whole; their weights make answers count alike.
 * Gives how many. */
static size_t pick_heads(const mid__rows *rows, const mid_signals *s, float *head)
{
    size_t first, last, l, k, i;

    middle_third(s, &first, &last);
    for (l = first; l < last; l++) {
        double best = -1;
        for (k = l * (size_t)s->n_head_layer; k < (l + 1) * (size_t)s->n_head_layer; k++) {
            double sum = 0;
            for (i = 0; i < rows->n; i++)
                sum += rows->weight[i] * (double)rows->x[i * rows->d + k];
            if (sum > best) {
                best = sum;
                head[l - first] = (float)k;
            }
        }
    }
    return last - first;
}

extern const mid_monitor_ops mid__monitor_rauq;

static mid_status choose_alpha(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    double a, best_a = -1, best = alpha_grid[0];
    size_t i;
    mid_status status = MID_OK;

    for (i = 0; status == MID_OK && i < sizeof alpha_grid / sizeof alpha_grid[0]; i++) {
        status = mid_weights_set_number(ctx, out, "alpha", alpha_grid[i]);
        if (status == MID_OK)
            status = mid__replay_auroc(ctx, &mid__monitor_rauq, set, params, out, &a);
        if (status == MID_OK && a > best_a) {
            best_a = a;
            best = alpha_grid[i];
        }
    }
    return status == MID_OK ? mid_weights_set_number(ctx, out, "alpha", best) : status;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid_signals *s = mid_trace_signals(set->answer[0].trace);
    const double alpha = mid__param_number(params, "alpha");
    const size_t n_head = (size_t)s->n_head;
    float head[LAYER_MAX];
    mid__rows rows = { 0 };
    size_t n_layer = 0;
    mid_status status = mid__heads_same(ctx, "rauq", set);

    if (status == MID_OK && !(alpha >= 0 && alpha <= 1))
        status = mid__fail(ctx, MID_EINVAL, "alpha %g: in (0, 1], or 0 to choose it", alpha);
    if (status == MID_OK)
        status = mid__signal_rows(ctx, set, MID_SIG_ATTENTION, n_head, read_previous, &n_head, 0, &rows);
    if (status == MID_OK) {
        n_layer = pick_heads(&rows, s, head);
        status = mid_weights_set(ctx, out, "head", head, 1, n_layer);
    }
    mid__rows_clear(&rows);
    if (status != MID_OK)
        return status;
    return alpha > 0 ? mid_weights_set_number(ctx, out, "alpha", alpha) : choose_alpha(ctx, set, params, out);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, const mid_signals *signals,
                            void **plan)
{
    const double alpha = mid_weights_number(weights, "alpha");
    size_t first, last, i;
    const float *head;
    struct plan *p;
    mid_status status = mid__heads_expect(ctx, "rauq", signals);

    (void)params;
    if (status != MID_OK)
        return status;
    middle_third(signals, &first, &last);
    status = mid_weights_expect(ctx, weights, "head", 1, last - first, &head);
    if (status == MID_OK && !(alpha > 0 && alpha <= 1))
        status = mid__fail(ctx, MID_EFORMAT, "alpha %g: in (0, 1]", alpha);
    for (i = 0; status == MID_OK && i < last - first; i++)
        if (!(head[i] >= 0 && head[i] < (float)signals->n_head) || head[i] != floorf(head[i]))
            status = mid__fail(ctx, MID_EFORMAT, "head %g of %d", (double)head[i], signals->n_head);
    if (status != MID_OK)
        return status;
    p = calloc(1, sizeof *p);
    if (!p)
        return mid__oom(ctx, "rauq");
    p->n = last - first;
    p->alpha = alpha;
    for (i = 0; i < p->n; i++)
        p->head[i] = (uint32_t)head[i];
    *plan = p;
    return MID_OK;
}

static const mid_param params_[] = {
    { "alpha", 0, NULL, "share of a token's own probability, in (0, 1]; 0: chosen on the fit answers among .2 .5" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_rauq = {
    .name = "rauq", .version = 1,
    .summary = "surprisal that doubt about earlier tokens carries on into, along one head per middle layer", .unit = "nats",
    .source = "RAUQ, Vazhentsev et al. 2025, arXiv 2505.20045",
    .box = MID_BOX_WHITE, .needs = MID_SIG_ATTENTION | MID_SIG_LOGPROB, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};
