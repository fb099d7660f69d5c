/* Stacking by logistic regression, H4.
 *   S_t = w . z_t + v min(ln t / ln 128, 1) + b        z_t the members' z scores by position band, 0 where one is silent
 * w, v, b on the members' out-of-fold scores, L2 with C chosen by inner folds among .01 .1 1 10 100 by the AUROC averaged
 * over 1, 2, 4, ... 128 tokens. Rows after 1, 2, 4, ... 128 tokens, an answer weighing 1 in all. Where one member is heard
 * alone v is 0: nothing but its scores then.
 * Source: Wolpert 1992 (stacked generalisation). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "hybrid/hybrid.h"
#include "hybrid/normal.h"
#include "monitor/rows_lr.h"

static const double c_stack[] = { 0.01, 0.1, 1, 10, 100 };
static const mid__c_grid grid = { c_stack, sizeof c_stack / sizeof c_stack[0], 1 };

struct plan { mid__normal *normal; double w[MID__MEMBER_MAX + 1], b; };

/* What is learned from, as rows of a probe; the arrays that it shares with rows are borrowed. */
static mid_status features(mid_ctx *ctx, const mid__normal *normal, const mid__member_rows *rows, mid__rows *out)
{
    const size_t n = normal->n;
    size_t k, i;

    *out = (mid__rows){ rows->n, n + 1, malloc((rows->n + 1) * (n + 1) * sizeof(float)), rows->answer, rows->label,
                        rows->weight, rows->horizon };
    if (!out->x)
        return mid__oom(ctx, "a hybrid");
    for (k = 0; k < rows->n; k++) {
        float *x = out->x + k * (n + 1);
        for (i = 0; i < n; i++) {
            const double z = mid__normal_of(normal, i, rows->score[k * n + i], rows->t[k]);
            x[i] = isnan(z) ? 0 : (float)z;
        }
        x[n] = n > 1 ? (float)mid__position(rows->t[k]) : 0;
    }
    return MID_OK;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out)
{
    float w[MID__MEMBER_MAX + 1], b;
    double c, auroc;
    mid__normal *normal = NULL;
    mid__rows x = { 0 };
    mid_status status = mid__normal_learn(ctx, MID__NORMAL_Z, set, rows, out);

    (void)params;
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_Z, out, rows->n_member, &normal);
    if (status == MID_OK)
        status = features(ctx, normal, rows, &x);
    if (status == MID_OK)
        status = mid__rows_lr_choose(ctx, set, &x, &grid, &c, &auroc);
    if (status == MID_OK)
        status = mid__rows_lr_fit(ctx, set, &x, c, w, &b);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "w", w, 1, rows->n_member + 1);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "b", &b, 1, 1);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "c", c);
    free(x.x);
    free(normal);
    return status;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);
    const float *w, *b;
    size_t i;
    mid_status status = p ? mid_weights_expect(ctx, weights, "w", 1, n + 1, &w) : mid__oom(ctx, "a hybrid");

    (void)params;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "b", 1, 1, &b);
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_Z, weights, n, &p->normal);
    if (status != MID_OK) {
        free(p);
        return status;
    }
    for (i = 0; i <= n; i++)
        p->w[i] = (double)w[i];
    p->b = (double)*b;
    *plan = p;
    return MID_OK;
}

static double fuse(const void *plan, void *state, const double *s, uint32_t t)
{
    const struct plan *p = plan;
    const size_t n = p->normal->n;
    double logit = p->b + p->w[n] * mid__position(t);
    size_t i;

    (void)state;
    for (i = 0; i < n; i++)
        if (!isnan(s[i]))
            logit += p->w[i] * mid__normal_of(p->normal, i, s[i], t);
    return logit;
}

static const mid__fusion fusion = { .weighs = true, .learn = learn, .open = open_plan, .close = mid__normal_close,
                                    .fuse = fuse };

static const mid_param params_[] = { MID__HYBRID_PARAMS, MID__HYBRID_MARGIN, { NULL, 0, NULL, NULL } };

const mid_monitor_ops mid__monitor_stack_logistic = {
    .name = "stack_logistic", .version = 3, .summary = "hybrid: logistic regression on the members' scores",
    .unit = "logit", .source = "Wolpert 1992, stacked generalisation", .params = params_, MID__HYBRID(fusion)
};
