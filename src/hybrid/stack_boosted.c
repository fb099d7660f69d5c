/* Stacking by gradient-boosted trees, H4.
 *   S_t = sum over trees of their leaf for (z_t, min(t / 128, 1))      z_t the members' z scores by position band
 * A logit; a member that is silent is missing to a tree, which has learned where such go. Trees are learned by XGBoost
 * on the members' out-of-fold scores after 1, 2, 4, ... 128 tokens, an answer weighing 1 in all, logistic loss, its
 * defaults but for depth 1 2 3, rate .1 .3 and 10 30 100 rounds, which inner folds choose by the AUROC averaged over
 * those prefixes. What is learned is ours: scoring needs no library (learn/boost.h). Source: Wolpert 1992 (stacked
 * generalisation), Friedman 2001 (gradient boosting), Chen & Guestrin 2016 (XGBoost). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "hybrid/hybrid.h"
#include "hybrid/normal.h"
#include "learn/boost.h"
#include "monitor/rows.h"

static const int depth_grid[] = { 1, 2, 3 }, round_grid[] = { 10, 30, 100 };
static const double rate_grid[] = { 0.1, 0.3 };
enum { N_DEPTH = 3, N_RATE = 2, N_ROUND = 3, N_POINT = N_DEPTH * N_RATE * N_ROUND };

/* Depth first, then rate, then rounds, so that ties stay with the smaller model. */
static mid__boost_opts opts_of(int point, uint64_t seed)
{
    return (mid__boost_opts){ .depth = depth_grid[point / (N_RATE * N_ROUND)],
                              .rate = rate_grid[point / N_ROUND % N_RATE],
                              .n_round = round_grid[point % N_ROUND], .seed = seed };
}

static void features(const mid__normal *normal, const double *s, uint32_t t, float *x)
{
    size_t i;

    for (i = 0; i < normal->n; i++)
        x[i] = (float)mid__normal_of(normal, i, s[i], t);
    x[normal->n] = (float)fmin((double)t / 128, 1);
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static mid_status check(mid_ctx *ctx, const mid_param *params, size_t n, bool to_fit)
{
    (void)params;
    (void)n;
    return to_fit ? mid__boost_check(ctx) : MID_OK;
}

/* Scores of a fold's rows under every number of rounds, by trees learned without it; score (N_ROUND, rows->n). */
static mid_status score_fold(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, int fold, int point,
                             double *score)
{
    const mid__boost_opts opts = opts_of(point + N_ROUND - 1, set->seed);
    mid__rows rest;
    mid__trees trees = { 0 };
    mid_status status = mid__rows_outside(ctx, set, rows, fold, &rest);
    size_t k;
    int r;

    if (status == MID_OK)
        status = mid__boost_fit(ctx, rest.x, rest.n, rest.d, rest.label, rest.weight, &opts, &trees);
    for (k = 0; status == MID_OK && k < rows->n; k++)
        for (r = 0; r < N_ROUND && mid__inner_fold(set, rows->answer[k]) == fold; r++)
            score[(size_t)r * rows->n + k] = mid__trees_sum(&trees, (size_t)round_grid[r], rows->x + k * rows->d);
    mid__trees_clear(&trees);
    mid__rows_clear(&rest);
    return status;
}

static mid_status choose(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, mid__boost_opts *out)
{
    double *score = malloc((N_ROUND * rows->n + 1) * sizeof *score), best = -1, auroc;
    mid_status status = score ? MID_OK : mid__oom(ctx, "a hybrid");
    int point, fold, r;

    *out = opts_of(0, set->seed);
    for (point = 0; status == MID_OK && point < N_POINT; point += N_ROUND) {
        for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++)
            status = score_fold(ctx, set, rows, fold, point, score);
        for (r = 0; status == MID_OK && r < N_ROUND; r++) {
            status = mid__rows_auroc(ctx, set, rows, score + (size_t)r * rows->n, &auroc);
            if (status == MID_OK && auroc > best) {
                best = auroc;
                *out = opts_of(point + r, set->seed);
            }
        }
    }
    free(score);
    return status;
}

static mid_status keep(mid_ctx *ctx, const mid__trees *trees, const mid__boost_opts *opts, mid_weights *out)
{
    mid_status status = mid_weights_set(ctx, out, "tree", trees->node, trees->n_node, MID__TREE_N);

    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "root", trees->root, 1, trees->n_tree);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "depth", opts->depth);
    return status == MID_OK ? mid_weights_set_number(ctx, out, "rate", opts->rate) : status;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *from, const mid_param *params,
                        mid_weights *out)
{
    const size_t d = from->n_member + 1;
    /* what is not made here is borrowed */
    mid__rows rows = { from->n, d, malloc((from->n * d + 1) * sizeof(float)), from->answer, from->label, from->weight,
                       from->horizon };
    mid__normal *normal = NULL;
    mid__trees trees = { 0 };
    mid__boost_opts opts;
    mid_status status = rows.x ? mid__normal_learn(ctx, MID__NORMAL_Z, set, from, out) : mid__oom(ctx, "a hybrid");
    size_t k;

    (void)params;
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_Z, out, from->n_member, &normal);
    for (k = 0; status == MID_OK && k < rows.n; k++)
        features(normal, from->score + k * from->n_member, from->t[k], rows.x + k * d);
    if (status == MID_OK)
        status = choose(ctx, set, &rows, &opts);
    if (status == MID_OK)
        status = mid__boost_fit(ctx, rows.x, rows.n, d, rows.label, rows.weight, &opts, &trees);
    if (status == MID_OK)
        status = keep(ctx, &trees, &opts, out);
    mid__trees_clear(&trees);
    free(rows.x);
    free(normal);
    return status;
}

/* ---- scoring ----------------------------------------------------------------------------------------------------- */

struct plan { mid__normal *normal; mid__trees trees; };

static void close_plan(void *plan)
{
    struct plan *p = plan;

    mid__trees_clear(&p->trees);
    free(p->normal);
    free(p);
}

static mid_status copy_trees(mid_ctx *ctx, const mid_weights *weights, mid__trees *trees)
{
    const float *root, *node;
    size_t n_row, n_col;
    mid_status status = mid_weights_get(ctx, weights, "root", &root, &n_row, &trees->n_tree);

    if (status == MID_OK)
        status = mid_weights_get(ctx, weights, "tree", &node, &trees->n_node, &n_col);
    if (status == MID_OK && (n_row != 1 || n_col != MID__TREE_N))
        status = mid__fail(ctx, MID_EFORMAT, "tensors 'root' and 'tree' have %zu rows and %zu columns, not 1 and %d",
                           n_row, n_col, MID__TREE_N);
    if (status != MID_OK)
        return status;
    trees->root = malloc(trees->n_tree * sizeof *trees->root);
    trees->node = malloc(trees->n_node * MID__TREE_N * sizeof *trees->node);
    if (!trees->root || !trees->node)
        return mid__oom(ctx, "boosted trees");
    memcpy(trees->root, root, trees->n_tree * sizeof *root);
    memcpy(trees->node, node, trees->n_node * MID__TREE_N * sizeof *node);
    return MID_OK;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);
    mid_status status;

    (void)params;
    if (!p)
        return mid__oom(ctx, "a hybrid");
    status = copy_trees(ctx, weights, &p->trees);
    if (status == MID_OK)
        status = mid__trees_check(ctx, &p->trees, n + 1);
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_Z, weights, n, &p->normal);
    if (status == MID_OK)
        *plan = p;
    else
        close_plan(p);
    return status;
}

static double fuse(const void *plan, void *state, const double *s, uint32_t t)
{
    const struct plan *p = plan;
    float x[MID__MEMBER_MAX + 1];

    (void)state;
    features(p->normal, s, t, x);
    return mid__trees_sum(&p->trees, p->trees.n_tree, x);
}

static const mid__fusion fusion = { .weighs = true, .check = check, .learn = learn, .open = open_plan, .close = close_plan,
                                    .fuse = fuse };

static const mid_param params_[] = { MID__HYBRID_PARAMS, MID__HYBRID_MARGIN, { NULL, 0, NULL, NULL } };

const mid_monitor_ops mid__monitor_stack_boosted = {
    .name = "stack_boosted", .version = 2, .summary = "hybrid: gradient-boosted trees on the members' scores",
    .unit = "logit", .source = "Wolpert 1992; XGBoost, Chen & Guestrin 2016", .params = params_, MID__HYBRID(fusion)
};
