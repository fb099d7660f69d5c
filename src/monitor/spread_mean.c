/* How far the next-token distribution is from uniform, and the token's rank: G9, G10, G11, G12.
 *   token_rank      S_t = (1/t) sum ln rank_i,   rank 1 = the most likely; >= 0
 *   renyi_uniform   S_t = (o/t) sum D_1/2(P_i || U),   P = softmax(z / 2);  D in [0, ln n_vocab], nats
 *   fisher_rao      S_t = (o/t) sum (2/pi) arccos sum_v sqrt(P_i(v) / V),   the same P;  in [0, 1) before o
 *   self_certainty  S_t = (o/t) sum KL(U || P_i),   P = softmax(z), masked tokens left out; nats
 * The last three are large where the model is sure, and theory does not say whether that is safe: o is +1 or -1,
 * chosen on the fit answers (monitor/orientation.h), -1 where they do not tell. Per token renyi_uniform and fisher_rao
 * are monotone maps of each other; only their means differ. All four figures need the full logits, so they are taken
 * at capture.
 * Source: Renyi and Fisher-Rao: Darrin, Piantanida & Colombo 2023 (arXiv 2212.09171), as in LM-Polygraph (arXiv
 * 2311.07383); self-certainty: Kang et al. 2025 (arXiv 2502.18581); rank: GLTR, Gehrmann et al. 2019 (arXiv 1906.04043). */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "monitor/orientation.h"
#include "monitor/running.h"

struct plan { int column; double orientation; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, int column, void **plan)
{
    double orientation;
    struct plan *p;
    mid_status status = mid__orientation_of(ctx, weights, &orientation);

    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "a distance from uniform");
    *p = (struct plan){ column, orientation };
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    const double x = (double)step->spread[p->column];

    if (!isfinite(x))
        return MID_ENUMERIC;
    *score = mid__running_mean(self, p->orientation * x);
    return MID_OK;
}

static mid_status fit_renyi(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__orientation_fit(ctx, mid_monitor_find("renyi_uniform"), set, params, -1, out);
}

static mid_status open_renyi(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                             const mid_signals *signals, void **plan)
{
    (void)params; (void)signals;
    return open_plan(ctx, weights, MID_SPREAD_RENYI_NATS, plan);
}

const mid_monitor_ops mid__monitor_renyi_uniform = {
    .name = "renyi_uniform", .version = 1,
    .summary = "running mean of the Renyi divergence of the next-token distribution from uniform", .unit = "nats",
    .source = "Darrin, Piantanida & Colombo 2023, arXiv 2212.09171",
    .box = MID_BOX_GREY, .needs = MID_SIG_SPREAD,
    .fit = fit_renyi, .open = open_renyi, .close = free,
    .state_size = sizeof(mid__running), .push = push,
};

static mid_status fit_fisher_rao(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__orientation_fit(ctx, mid_monitor_find("fisher_rao"), set, params, -1, out);
}

static mid_status open_fisher_rao(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                                  const mid_signals *signals, void **plan)
{
    (void)params; (void)signals;
    return open_plan(ctx, weights, MID_SPREAD_FISHER_RAO, plan);
}

const mid_monitor_ops mid__monitor_fisher_rao = {
    .name = "fisher_rao", .version = 1,
    .summary = "running mean of the Fisher-Rao distance of the next-token distribution from uniform",
    .unit = "share of the largest", .source = "Darrin, Piantanida & Colombo 2023, arXiv 2212.09171",
    .box = MID_BOX_GREY, .needs = MID_SIG_SPREAD,
    .fit = fit_fisher_rao, .open = open_fisher_rao, .close = free,
    .state_size = sizeof(mid__running), .push = push,
};

static mid_status fit_certainty(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__orientation_fit(ctx, mid_monitor_find("self_certainty"), set, params, -1, out);
}

static mid_status open_certainty(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                                 const mid_signals *signals, void **plan)
{
    (void)params; (void)signals;
    return open_plan(ctx, weights, MID_SPREAD_KL_UNIFORM_NATS, plan);
}

const mid_monitor_ops mid__monitor_self_certainty = {
    .name = "self_certainty", .version = 1,
    .summary = "running mean of KL(uniform || next-token distribution)", .unit = "nats",
    .source = "Kang et al. 2025, arXiv 2502.18581",
    .box = MID_BOX_GREY, .needs = MID_SIG_SPREAD,
    .fit = fit_certainty, .open = open_certainty, .close = free,
    .state_size = sizeof(mid__running), .push = push,
};

static mid_status push_rank(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan as_it_is = { MID_SPREAD_LN_RANK, 1 };

    (void)plan;
    return push(&as_it_is, self, step, score);
}

const mid_monitor_ops mid__monitor_token_rank = {
    .name = "token_rank", .version = 1,
    .summary = "running mean of ln rank of the tokens", .unit = "ln rank",
    .source = "GLTR, Gehrmann et al. 2019, arXiv 1906.04043",
    .box = MID_BOX_GREY, .needs = MID_SIG_SPREAD,
    .state_size = sizeof(mid__running), .push = push_rank,
};
