/* Evidence that may be doubted, H10: p_i = isotonic P(unsafe | s_i) (normal.h), and r_i < 1, the member's reliability,
 * 2 AUROC - 1 on the fit answers and at most .99 (reliability.h).
 *   dempster_shafer  a member gives the mass r_i p_i to unsafe, r_i (1 - p_i) to safe and 1 - r_i to either. Two bodies
 *                    of evidence with conflict K = m1(u) m2(s) + m1(s) m2(u) make one:
 *                      m(u) = [m1(u) m2(u) + m1(u) m2(either) + m1(either) m2(u)] / (1 - K),  m(s) likewise,
 *                      m(either) = m1(either) m2(either) / (1 - K)
 *                    and S_t = m(u) + m(either) / 2. Where 1 - K < 1e-6 they contradict each other outright and the
 *                    last score stands.
 *   noisy_or         S_t = 1 - prod_i (1 - r_i p_i): safe only if no member's evidence is right
 * A silent member brings no evidence. Both take members for independent. Source: Dempster 1967, Shafer 1976, with the
 * pignistic probability of Smets as the score; Pearl 1988 for noisy-or. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "hybrid/hybrid.h"
#include "hybrid/normal.h"
#include "hybrid/reliability.h"

#define R_MAX 0.99f
#define AGREE_MIN 1e-6                  /* least 1 - K */

struct plan { mid__normal *normal; double r[MID__MEMBER_MAX]; };

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out)
{
    float r[MID__MEMBER_MAX];
    mid_status status = mid__normal_learn(ctx, MID__NORMAL_ISOTONIC, set, rows, out);
    size_t i;

    (void)params;
    if (status == MID_OK)
        status = mid__reliability(ctx, set, rows, r);
    if (status != MID_OK)
        return status;
    for (i = 0; i < rows->n_member; i++)
        r[i] = r[i] < R_MAX ? r[i] : R_MAX;
    return mid_weights_set(ctx, out, "reliability", r, 1, rows->n_member);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);
    const float *r;
    size_t i;
    mid_status status = p ? mid_weights_expect(ctx, weights, "reliability", 1, n, &r) : mid__oom(ctx, "a hybrid");

    (void)params;
    for (i = 0; status == MID_OK && i < n; i++) {
        p->r[i] = (double)r[i];
        if (!(r[i] >= 0 && r[i] < 1))
            status = mid__fail(ctx, MID_EFORMAT, "reliability %zu is %g; it is at least 0 and below 1", i, p->r[i]);
    }
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_ISOTONIC, weights, n, &p->normal);
    if (status == MID_OK)
        *plan = p;
    else
        free(p);
    return status;
}

/* ---- Dempster and Shafer ----------------------------------------------------------------------------------------- */

struct mass { double unsafe, safe, either; };
struct state { double last; bool said; };

/* a becomes a and b; false: they contradict each other. */
static bool combine(struct mass *a, const struct mass *b)
{
    const double unsafe = a->unsafe * b->unsafe + a->unsafe * b->either + a->either * b->unsafe;
    const double safe = a->safe * b->safe + a->safe * b->either + a->either * b->safe;
    const double either = a->either * b->either, agree = unsafe + safe + either;    /* 1 - K */

    if (agree < AGREE_MIN)
        return false;
    *a = (struct mass){ unsafe / agree, safe / agree, either / agree };
    return true;
}

static double dempster(const void *plan, void *own, const double *s, uint32_t t)
{
    const struct plan *p = plan;
    struct state *state = own;
    struct mass all = { 0, 0, 1 }, one;
    bool agree = true;
    size_t i;

    for (i = 0; agree && i < p->normal->n; i++) {
        const double prob = mid__normal_of(p->normal, i, s[i], t);
        if (isnan(prob))
            continue;
        one = (struct mass){ p->r[i] * prob, p->r[i] * (1 - prob), 1 - p->r[i] };
        agree = combine(&all, &one);
    }
    if (agree) {
        state->last = all.unsafe + all.either / 2;
        state->said = true;
    }
    return state->said ? state->last : -INFINITY;
}

/* ---- noisy or ---------------------------------------------------------------------------------------------------- */

static double noisy_or(const void *plan, void *state, const double *s, uint32_t t)
{
    const struct plan *p = plan;
    double none = 1;
    size_t i;

    (void)state;
    for (i = 0; i < p->normal->n; i++)
        if (!isnan(s[i]))
            none *= 1 - p->r[i] * mid__normal_of(p->normal, i, s[i], t);
    return 1 - none;
}

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

static const mid__fusion fusion_dempster = { .weighs = true, .learn = learn, .open = open_plan, .close = mid__normal_close,
                                             .state_size = sizeof(struct state), .fuse = dempster };
static const mid__fusion fusion_noisy_or = { .weighs = true, .learn = learn, .open = open_plan,
                                             .close = mid__normal_close, .fuse = noisy_or };

static const mid_param params_[] = { MID__HYBRID_PARAMS, MID__HYBRID_MARGIN, { NULL, 0, NULL, NULL } };

const mid_monitor_ops mid__monitor_dempster_shafer = {
    .name = "dempster_shafer", .version = 2, .summary = "hybrid: the members' evidence joined by Dempster's rule",
    .unit = "probability", .source = "Dempster 1967, Shafer 1976", .params = params_, MID__HYBRID(fusion_dempster)
};
const mid_monitor_ops mid__monitor_noisy_or = {
    .name = "noisy_or", .version = 2, .summary = "hybrid: noisy or of the members' evidence",
    .unit = "probability", .source = "Pearl 1988", .params = params_, MID__HYBRID(fusion_noisy_or)
};
