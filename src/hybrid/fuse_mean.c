/* The plainest hybrids, H2 and H3: members' scores made comparable (normal.h), then averaged or the largest taken.
 *   mean_z         mean of z scores: what published tables call a z-score sum
 *   mean_rank      mean of ranks among safe answers        max_rank      the largest
 *   mean_isotonic  mean of P(unsafe | s)                   max_isotonic  the largest
 *   weighted_rank  mean of ranks, weighted by 2 AUROC - 1 on the fit answers (reliability.h)
 * The mean is over members that have something to say. Source: standard (Kittler et al. 1998, sum and max rule); ranks by
 * the fit answers' ECDF and never by a batch, so that an answer's score does not depend on its neighbours. */
#include <math.h>

#include "hybrid/hybrid.h"
#include "hybrid/normal.h"
#include "hybrid/reliability.h"
#include "hybrid/weighted.h"

static mid_status open_normal(mid_ctx *ctx, mid__normal_kind kind, const mid_weights *weights, size_t n, void **plan)
{
    mid__normal *normal;
    const mid_status status = mid__normal_open(ctx, kind, weights, n, &normal);

    if (status == MID_OK)
        *plan = normal;
    return status;
}

static double mean(const void *plan, void *state, const double *s, uint32_t t)
{
    const mid__normal *normal = plan;
    double sum = 0;
    size_t i, n = 0;

    (void)state;
    for (i = 0; i < normal->n; i++)
        if (!isnan(s[i])) {
            sum += mid__normal_of(normal, i, s[i], t);
            n++;
        }
    return sum / (double)n;
}

static double largest(const void *plan, void *state, const double *s, uint32_t t)
{
    const mid__normal *normal = plan;
    double most = -INFINITY;
    size_t i;

    (void)state;
    for (i = 0; i < normal->n; i++)
        if (!isnan(s[i]))
            most = fmax(most, mid__normal_of(normal, i, s[i], t));
    return most;
}

/* ---- what each learns -------------------------------------------------------------------------------------------- */

#define LEARN_AND_OPEN(name, kind)                                                                                   \
    static mid_status learn_##name(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows,               \
                                   const mid_param *params, mid_weights *out)                                        \
    { (void)set; (void)params; return mid__normal_learn(ctx, kind, set, rows, out); }                                     \
    static mid_status open_##name(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n,       \
                                  void **plan)                                                                       \
    { (void)params; return open_normal(ctx, kind, weights, n, plan); }

LEARN_AND_OPEN(z, MID__NORMAL_Z)
LEARN_AND_OPEN(rank, MID__NORMAL_RANK)
LEARN_AND_OPEN(isotonic, MID__NORMAL_ISOTONIC)

static const mid__fusion fusion_mean_z = { .learn = learn_z, .open = open_z, .fuse = mean };
static const mid__fusion fusion_mean_rank = { .learn = learn_rank, .open = open_rank, .fuse = mean };
static const mid__fusion fusion_max_rank = { .learn = learn_rank, .open = open_rank, .fuse = largest };
static const mid__fusion fusion_mean_isotonic = { .learn = learn_isotonic, .open = open_isotonic, .fuse = mean };
static const mid__fusion fusion_max_isotonic = { .learn = learn_isotonic, .open = open_isotonic, .fuse = largest };

/* ---- with weights ------------------------------------------------------------------------------------------------ */

static mid_status learn_weighted(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows,
                                 const mid_param *params, mid_weights *out)
{
    float weight[MID__MEMBER_MAX];
    mid_status status = learn_rank(ctx, set, rows, params, out);

    if (status == MID_OK)
        status = mid__reliability(ctx, set, rows, weight);
    return status == MID_OK ? mid_weights_set(ctx, out, "weight", weight, 1, rows->n_member) : status;
}

static mid_status open_weighted(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    (void)params;
    return mid__weighted_open(ctx, MID__NORMAL_RANK, weights, n, plan);
}

static const mid__fusion fusion_weighted = { .weighs = true, .learn = learn_weighted, .open = open_weighted,
                                             .close = mid__normal_close, .fuse = mid__weighted_mean };

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

static const mid_param params_[] = { MID__HYBRID_PARAMS, { NULL, 0, NULL, NULL } };
static const mid_param params_weighted[] = { MID__HYBRID_PARAMS, MID__HYBRID_MARGIN, { NULL, 0, NULL, NULL } };

#define SOURCE "standard: sum and max rule of Kittler et al. 1998"

const mid_monitor_ops mid__monitor_mean_z = {
    .name = "mean_z", .version = 2, .summary = "hybrid: mean of the members' z scores", .unit = "deviations",
    .source = SOURCE, .params = params_, MID__HYBRID(fusion_mean_z)
};
const mid_monitor_ops mid__monitor_mean_rank = {
    .name = "mean_rank", .version = 2, .summary = "hybrid: mean of the members' ranks among safe answers",
    .unit = "rank in 0..1 and above", .source = SOURCE, .params = params_, MID__HYBRID(fusion_mean_rank)
};
const mid_monitor_ops mid__monitor_max_rank = {
    .name = "max_rank", .version = 2, .summary = "hybrid: largest of the members' ranks among safe answers",
    .unit = "rank in 0..1 and above", .source = SOURCE, .params = params_, MID__HYBRID(fusion_max_rank)
};
const mid_monitor_ops mid__monitor_mean_isotonic = {
    .name = "mean_isotonic", .version = 1, .summary = "hybrid: mean of the members' calibrated probabilities",
    .unit = "probability", .source = SOURCE, .params = params_, MID__HYBRID(fusion_mean_isotonic)
};
const mid_monitor_ops mid__monitor_max_isotonic = {
    .name = "max_isotonic", .version = 1, .summary = "hybrid: largest of the members' calibrated probabilities",
    .unit = "probability", .source = SOURCE, .params = params_, MID__HYBRID(fusion_max_isotonic)
};
const mid_monitor_ops mid__monitor_weighted_rank = {
    .name = "weighted_rank", .version = 2, .summary = "hybrid: mean of ranks, weighted by each member's AUROC",
    .unit = "rank in 0..1 and above", .source = SOURCE, .params = params_weighted, MID__HYBRID(fusion_weighted)
};
