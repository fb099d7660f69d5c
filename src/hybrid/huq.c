/* HUQ, H9: two kinds of doubt, each believed where it knows something. R_A, R_E are the ranks among safe answers
 * (normal.h) of a likelihood-type score, the first member, and of a density-type score, the second:
 *   S = R_A                        where R_E < cut: the answer looks like those that were seen
 *   S = (1 - w) R_E + w R_A        elsewhere
 * w and cut by inner folds among 0 .25 .5 .75 1 and 0 .5 .8 .9 .95, by the AUROC averaged over 1, 2, 4, ... 128 tokens.
 * With only one of the two speaking, S is its rank. Source: hybrid uncertainty quantification of Vazhentsev et al.
 * 2023, our reconstruction: their scores are those of a classified text, ours run with the answer, and their further
 * case, a very certain or very uncertain likelihood, is left out. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "hybrid/held_out.h"
#include "hybrid/hybrid.h"

enum { LIKELIHOOD, DENSITY, N_ROLE };

/* First what stays where folds cannot tell. */
static const float w_grid[] = { 0.5f, 0, 0.25f, 0.75f, 1 };
static const float cut_grid[] = { 0.5f, 0, 0.8f, 0.9f, 0.95f };
enum { N_W = sizeof w_grid / sizeof w_grid[0], N_CUT = sizeof cut_grid / sizeof cut_grid[0] };

static double join(double r_a, double r_e, double w, double cut)
{
    if (isnan(r_e) || isnan(r_a))
        return isnan(r_e) ? r_a : r_e;
    return r_e < cut ? r_a : (1 - w) * r_e + w * r_a;
}

static mid_status check(mid_ctx *ctx, const mid_param *params, size_t n, bool to_fit)
{
    (void)to_fit;
    if (n != N_ROLE)
        return mid__fail(ctx, MID_EINVAL, "huq joins a likelihood-type and a density-type score; '%.100s' are %zu "
                         "members", mid__param_text(params, "of"), n);
    return MID_OK;
}

/* rank (rows->n, 2). Ties stay with the earlier point. */
static mid_status choose(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const double *rank,
                         float *w, float *cut)
{
    double *fused = malloc((rows->n + 1) * sizeof *fused), best = -1, auroc;
    mid_status status = fused ? MID_OK : mid__oom(ctx, "a hybrid");
    size_t i, j, k;

    for (i = 0; i < N_W; i++)
        for (j = 0; status == MID_OK && j < N_CUT; j++) {
            for (k = 0; k < rows->n; k++)
                fused[k] = join(rank[2 * k + LIKELIHOOD], rank[2 * k + DENSITY], (double)w_grid[i],
                                (double)cut_grid[j]);
            status = mid__member_rows_auroc(ctx, set, rows, fused, &auroc);
            if (status == MID_OK && auroc > best) {
                best = auroc;
                *w = w_grid[i];
                *cut = cut_grid[j];
            }
        }
    free(fused);
    return status;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out)
{
    double *rank = malloc((rows->n * N_ROLE + 1) * sizeof *rank);
    float w = w_grid[0], cut = cut_grid[0];
    mid_status status = rank ? mid__normal_learn(ctx, MID__NORMAL_RANK, set, rows, out) : mid__oom(ctx, "a hybrid");

    (void)params;
    if (status == MID_OK)
        status = mid__normal_held_out(ctx, MID__NORMAL_RANK, set, rows, rank);
    if (status == MID_OK)
        status = choose(ctx, set, rows, rank, &w, &cut);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "w", &w, 1, 1);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "cut", &cut, 1, 1);
    free(rank);
    return status;
}

struct plan { mid__normal *normal; double w, cut; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);
    const float *w, *cut;
    mid_status status = p ? mid_weights_expect(ctx, weights, "w", 1, 1, &w) : mid__oom(ctx, "a hybrid");

    (void)params;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "cut", 1, 1, &cut);
    if (status == MID_OK && !(*w >= 0 && *w <= 1))
        status = mid__fail(ctx, MID_EFORMAT, "w is %g; it lies in 0 .. 1", (double)*w);
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_RANK, weights, n, &p->normal);
    if (status != MID_OK) {
        free(p);
        return status;
    }
    p->w = (double)*w;
    p->cut = (double)*cut;
    *plan = p;
    return MID_OK;
}

static double fuse(const void *plan, void *state, const double *s, uint32_t t)
{
    const struct plan *p = plan;

    (void)state;
    return join(mid__normal_of(p->normal, LIKELIHOOD, s[LIKELIHOOD], t),
                mid__normal_of(p->normal, DENSITY, s[DENSITY], t), p->w, p->cut);
}

static const mid__fusion fusion = { .check = check, .learn = learn, .open = open_plan, .close = mid__normal_close,
                                    .fuse = fuse };

static const mid_param params_[] = {
    MID__HYBRID_PARAMS_OF("surprisal_mean, mahalanobis", "a likelihood-type and a density-type monitor"),
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_huq = {
    .name = "huq", .version = 2, .summary = "hybrid: likelihood where the answer is familiar, density where it is not",
    .unit = "rank in 0..1 and above", .source = "our reconstruction of HUQ, Vazhentsev et al. 2023", .params = params_,
    .needs = MID_SIG_HIDDEN | MID_SIG_LOGPROB, MID__HYBRID_OPS(fusion)
};
