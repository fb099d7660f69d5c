/* k of n members must agree, H1, as one score:
 *   r_i = the member's rank among the safe answers of the position band (normal.h)      S_t = the k-th largest r_i
 * so that S_t >= threshold says that at least k members' ranks are there. k = 1 is "any" (OR), k = n "all" (AND), 0
 * most of them. r_i is that of the same token (ever = 0), or the largest of the answer so far (ever = 1): alarms that
 * stay, as monitors have that stop an answer each on their own.
 * A member with nothing to say has no vote, and the others are asked for no more votes than they have: k of m that
 * speak is min(k, m), and most of them floor(m / 2) + 1. So a lost member never makes a hybrid of "all" fall silent.
 * Source: standard (k-out-of-n fusion; Kittler et al. 1998, order statistic rules). There every member has a
 * threshold of its own, and what they promise together is a sum of errors; here there is one threshold, calibrated on
 * what is fused. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "hybrid/hybrid.h"
#include "hybrid/normal.h"

struct plan { mid__normal *normal; size_t k; bool ever; };       /* k 0: most of them */
struct state { uint32_t said; double most[MID__MEMBER_MAX]; };   /* for ever: largest rank so far of those with a bit */

static mid_status check(mid_ctx *ctx, const mid_param *params, size_t n, bool to_fit)
{
    const double k = mid__param_number(params, "k"), ever = mid__param_number(params, "ever");

    (void)to_fit;
    if (!(k >= 0 && k <= (double)n && k == floor(k)))
        return mid__fail(ctx, MID_EINVAL, "k is %g of %zu members; it is a whole number from 1 to %zu, or 0 for "
                         "most of them", k, n, n);
    if (ever != 0 && ever != 1)
        return mid__fail(ctx, MID_EINVAL, "ever is %g; it is 0 (at the same token) or 1 (at any so far)", ever);
    return MID_OK;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out)
{
    (void)set;
    (void)params;
    return mid__normal_learn(ctx, MID__NORMAL_RANK, set, rows, out);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);
    mid_status status = p ? mid__normal_open(ctx, MID__NORMAL_RANK, weights, n, &p->normal) : mid__oom(ctx, "a hybrid");

    if (status != MID_OK) {
        free(p);
        return status;
    }
    p->k = (size_t)mid__param_number(params, "k");
    p->ever = mid__param_number(params, "ever") == 1;
    *plan = p;
    return MID_OK;
}

/* The larger of a member's rank now and the largest before; NaN: neither is there. */
static double keep_most(struct state *state, size_t i, double rank)
{
    const uint32_t bit = 1u << i;

    if (!isnan(rank)) {
        state->most[i] = state->said & bit ? fmax(state->most[i], rank) : rank;
        state->said |= bit;
    }
    return state->said & bit ? state->most[i] : NAN;
}

static double fuse(const void *plan, void *state, const double *s, uint32_t t)
{
    const struct plan *p = plan;
    double rank[MID__MEMBER_MAX], r;                    /* of those that speak, falling */
    size_t i, j, m = 0, k;

    for (i = 0; i < p->normal->n; i++) {
        r = mid__normal_of(p->normal, i, s[i], t);
        if (p->ever)
            r = keep_most(state, i, r);
        if (isnan(r))
            continue;
        for (j = m++; j > 0 && rank[j - 1] < r; j--)
            rank[j] = rank[j - 1];
        rank[j] = r;
    }
    k = p->k ? p->k : m / 2 + 1;
    return rank[(k < m ? k : m) - 1];
}

static const mid__fusion fusion = { .check = check, .learn = learn, .open = open_plan, .close = mid__normal_close,
                                    .state_size = sizeof(struct state), .fuse = fuse };

static const mid_param params_[] = {
    MID__HYBRID_PARAMS,
    { "k", 0, NULL, "members that must agree: 1 any, as many as there are all, 0 most of them" },
    { "ever", 0, NULL, "0: at the same token; 1: each at any token so far" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_vote = {
    .name = "vote", .version = 2, .summary = "hybrid: k-th largest of the members' ranks among safe answers",
    .unit = "rank in 0..1 and above", .source = "standard: order statistic rules, Kittler et al. 1998",
    .params = params_, MID__HYBRID(fusion)
};
