/* How much each head looks back at the prompt rather than at the answer: W19.
 *   R_k = C/n / (C/n + (1 - C)/t)        C: head k's weight on the n prompt tokens together, t: tokens of the answer so far
 *   S_t = w . mean of R over the last min(t, 8) tokens + b
 * so that .5 is as much per prompt token as per answer token (the token itself is one). w, b: logistic regression on the
 * window means after 1, 2, 4, ... 128 tokens, standardised; C chosen by inner folds. Linear, so that a stream keeps eight
 * logits. Source: Lookback Lens, Chuang et al. 2024 (arXiv 2407.07071), who train on spans of finished answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/kernel.h"
#include "base/linalg.h"
#include "monitor/heads.h"
#include "monitor/rows_lr.h"
#include "monitor/signal_rows.h"

enum { WINDOW = 8, N_BLOCK = 64 };      /* N_BLOCK: heads at a time */
static const double c_values[] = { 0.0003, 0.003, 0.03, 0.3, 3 };
static const mid__c_grid grid = { c_values, sizeof c_values / sizeof c_values[0], 0.03 };

/* R = C t / (C t + (1 - C) n), the same with one division, of n_head <= N_BLOCK heads from `first` on; false where their
 * weights are no numbers or n is unknown. */
MID__CLONES
static bool ratios_of(const mid_step *step, size_t first, size_t n_head, double n_prompt, double ratio[N_BLOCK])
{
    const double t = step->i_tok + 1.0;
    bool known = n_prompt >= 1;
    size_t k;

    for (k = 0; k < n_head; k++) {
        const double context = (double)mid__head_at(step, first + k)[MID_ATTENTION_CONTEXT];
        known = known && isfinite(context);
        ratio[k] = context < 0 ? 0 : context > 1 ? 1 : context;
    }
    for (; k < N_BLOCK; k++)
        ratio[k] = 0;
    for (k = 0; k < N_BLOCK; k++) {     /* of a length that the compiler knows: vectors */
        const double here = ratio[k] * t;
        ratio[k] = here / (here + (1 - ratio[k]) * n_prompt);
    }
    return known;
}

static bool read_ratios(const void *user, const mid_prompt *prompt, const mid_step *step, float *value)
{
    const size_t n_head = *(const size_t *)user;
    double ratio[N_BLOCK];
    size_t i, k, n;

    for (i = 0; i < n_head; i += n) {
        n = n_head - i < N_BLOCK ? n_head - i : N_BLOCK;
        if (!ratios_of(step, i, n, prompt->n_tok, ratio))
            return false;
        for (k = 0; k < n; k++)
            value[i + k] = (float)ratio[k];
    }
    return true;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const size_t n_head = (size_t)mid_trace_signals(set->answer[0].trace)->n_head;
    float *w = malloc((n_head + 1) * sizeof *w), b;
    mid__rows rows = { 0 };
    double c, auroc;
    mid_status status = w ? mid__heads_same(ctx, "lookback_ratio", set) : mid__oom(ctx, "lookback_ratio");

    (void)params;
    if (status == MID_OK)
        status = mid__signal_rows(ctx, set, MID_SIG_ATTENTION, n_head, read_ratios, &n_head, WINDOW, &rows);
    if (status == MID_OK && rows.n == 0)
        status = mid__fail(ctx, MID_ESIGNAL, "lookback_ratio: no answer tells how many tokens its prompt has");
    if (status == MID_OK)
        status = mid__rows_lr_choose(ctx, set, &rows, &grid, &c, &auroc);
    if (status == MID_OK)
        status = mid__rows_lr_fit(ctx, set, &rows, c, w, &b);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "w", w, 1, n_head);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "b", &b, 1, 1);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "c", c);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "inner_auroc", auroc);
    mid__rows_clear(&rows);
    free(w);
    return status;
}

struct plan { size_t n_head; double b; float w[]; };
struct state { double n_prompt; uint64_t n; double logit[WINDOW]; };          /* logit of token t at t % WINDOW */

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                                const mid_signals *signals, void **plan)
{
    const size_t n_head = (size_t)signals->n_head;
    const float *w, *b;
    struct plan *p;
    mid_status status = mid__heads_expect(ctx, "lookback_ratio", signals);

    (void)params;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "w", 1, n_head, &w);
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "b", 1, 1, &b);
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p + n_head * sizeof *w);
    if (!p)
        return mid__oom(ctx, "lookback_ratio");
    p->n_head = n_head;
    p->b = *b;
    memcpy(p->w, w, n_head * sizeof *w);
    *plan = p;
    return MID_OK;
}

static mid_status start(const void *plan, void *self, const mid_prompt *prompt)
{
    (void)plan;
    if (prompt->n_tok == 0)
        return MID_ESIGNAL;             /* a mean weight per prompt token needs their number */
    ((struct state *)self)->n_prompt = prompt->n_tok;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    double logit = p->b, ratio[N_BLOCK], sum = 0;
    uint64_t n, i;
    size_t k, n_head;

    for (k = 0; k < p->n_head; k += n_head) {
        n_head = p->n_head - k < N_BLOCK ? p->n_head - k : N_BLOCK;
        if (!ratios_of(step, k, n_head, s->n_prompt, ratio))
            return MID_ENUMERIC;
        logit += mid__dot_wide(p->w + k, ratio, n_head);
    }
    if (!isfinite(logit))
        return MID_ENUMERIC;
    s->logit[s->n++ % WINDOW] = logit;
    n = s->n < WINDOW ? s->n : WINDOW;
    for (i = 0; i < n; i++)
        sum += s->logit[i];
    *score = sum / (double)n;
    return MID_OK;
}

const mid_monitor_ops mid__monitor_lookback_ratio = {
    .name = "lookback_ratio", .version = 2,
    .summary = "logistic regression on how much each head looks at the prompt rather than at the answer", .unit = "logit",
    .source = "Lookback Lens, Chuang et al. 2024, arXiv 2407.07071",
    .box = MID_BOX_WHITE, .needs = MID_SIG_ATTENTION,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .start = start, .push = push,
};
