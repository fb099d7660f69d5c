/* Monitors on the most likely next tokens, all that some interfaces show of the distribution: G6 and G9.
 *   topk_entropy  S_t = running mean or max of H over the k most likely tokens, in one of three forms, never mixed:
 *                   raw           -sum p ln p, as they are
 *                   renormalised  -sum q ln q,  q = p / sum p
 *                   tail          raw - r ln r,  r = max(0, 1 - sum p): all the rest as one token; a lower bound of H
 *   margin        S_t = running mean of -(ln p_(1) - ln p_(2)),   <= 0, nats
 * A step with fewer than k alternatives gives those it has; margin needs two.
 * Source: LLM-Check (Sriramanan et al. 2024, NeurIPS), whose softmax of the k = 50 largest logits is "renormalised";
 * raw: Look Before You Leap (Huang et al. 2023, arXiv 2307.10236), there with log2. Margin: Scheffer et al. 2001. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/monitor.h"
#include "monitor/running.h"

/* The logarithms of the first n alternatives are numbers. */
static bool top_is_finite(const mid_step *step, uint32_t n)
{
    uint32_t i;

    for (i = 0; i < n; i++)
        if (!isfinite(step->top_lp[i]))
            return false;
    return true;
}

enum form { RAW, RENORMALISED, TAIL, N_FORM };
struct plan { enum form form; bool takes_max; uint32_t k; };

/* The number of a word among n; n if it is none of them. */
static int word_index(const char *word, const char *const *known, int n)
{
    int i = 0;

    while (i < n && strcmp(word, known[i]) != 0)
        i++;
    return i;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    static const char *const form_name[] = { "raw", "renormalised", "tail" }, *const over_name[] = { "mean", "max" };
    const int form = word_index(mid__param_text(params, "form"), form_name, N_FORM);
    const int over = word_index(mid__param_text(params, "over"), over_name, 2);
    const double k = mid__param_number(params, "k");
    struct plan *p;

    (void)weights; (void)signals;
    if (form == N_FORM)
        return mid__fail(ctx, MID_EINVAL, "form '%.40s': raw, renormalised or tail", mid__param_text(params, "form"));
    if (over == 2)
        return mid__fail(ctx, MID_EINVAL, "over '%.40s': mean or max", mid__param_text(params, "over"));
    if (!(k >= 1 && k <= MID_TOP_MAX && k == floor(k)))
        return mid__fail(ctx, MID_EINVAL, "k %g: must be a whole number, 1 to %d", k, MID_TOP_MAX);
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "top-k entropy");
    *p = (struct plan){ (enum form)form, over == 1, (uint32_t)k };
    *plan = p;
    return MID_OK;
}

static double entropy_of(enum form form, const float *lp, uint32_t n)
{
    double mass = 0, raw = 0, rest;
    uint32_t i;

    for (i = 0; i < n; i++) {
        const double p = exp((double)lp[i]);
        mass += p;
        raw -= p * (double)lp[i];
    }
    rest = fmax(0, 1 - mass);
    switch (form) {
    case RENORMALISED: return mass > 0 ? raw / mass + log(mass) : 0;
    case TAIL: return rest > 0 ? raw - rest * log(rest) : raw;
    default: return raw;
    }
}

static mid_status push_entropy(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    const uint32_t n = step->n_top < p->k ? step->n_top : p->k;
    double h;

    if (n == 0)
        return MID_ESIGNAL;
    if (!top_is_finite(step, n))
        return MID_ENUMERIC;
    h = entropy_of(p->form, step->top_lp, n);
    *score = p->takes_max ? mid__running_max(self, h) : mid__running_mean(self, h);
    return MID_OK;
}

static const mid_param params_[] = {
    { "form", 0, "renormalised", "raw, renormalised or tail" },
    { "over", 0, "mean", "mean or max over the tokens so far" },
    { "k", MID_TOP_MAX, NULL, "alternatives that count" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_topk_entropy = {
    .name = "topk_entropy", .version = 1,
    .summary = "entropy over the most likely next tokens", .unit = "nats",
    .source = "LLM-Check, Sriramanan et al. 2024; Huang et al. 2023, arXiv 2307.10236",
    .box = MID_BOX_GREY, .needs = MID_SIG_TOP, .params = params_,
    .open = open_plan, .close = free,
    .state_size = sizeof(mid__running), .push = push_entropy,
};

static mid_status push_margin(const void *plan, void *self, const mid_step *step, double *score)
{
    (void)plan;
    if (step->n_top < 2)
        return MID_ESIGNAL;
    if (!top_is_finite(step, 2))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, (double)step->top_lp[1] - (double)step->top_lp[0]);
    return MID_OK;
}

const mid_monitor_ops mid__monitor_margin = {
    .name = "margin", .version = 1,
    .summary = "minus the running mean of the lead of the most likely token over the second", .unit = "nats",
    .source = "margin sampling, Scheffer et al. 2001",
    .box = MID_BOX_GREY, .needs = MID_SIG_TOP,
    .state_size = sizeof(mid__running), .push = push_margin,
};
