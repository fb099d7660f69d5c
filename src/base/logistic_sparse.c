/* Newton's method with conjugate gradients and a backtracking line search (Lin, Weng & Keerthi 2008 without the trust
 * region; Nocedal & Wright, algorithms 3.1 and 7.1). The loss is smooth and convex, so every step is a descent, and the
 * Newton decrement -g.p / 2 estimates how far the loss is above its minimum: that is the stopping rule.
 *
 * A vector holds the n_col weights and, last, the intercept. Its Hessian product is v + c X'(d o (X v)), where
 * d_i = weight_i s_i (1 - s_i) and X carries a column of ones; the intercept has no term of its own. */
#include "base/logistic_sparse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

enum { NEWTON_MAX = 200, CG_MAX = 500, HALVING_MAX = 50 };

static const double TOLERANCE = 1e-8;           /* of the loss; a hundredth of what the header promises */

struct problem {
    const mid__sparse *x;
    const uint8_t *label;
    const double *weight;                       /* NULL: all 1 */
    double c;
    size_t n;                                   /* n_col + 1 */
    double *curve;                              /* (n_row) c d_i at the present point */
};

/* The step p, the gradient g and what conjugate gradients need; all (n). */
struct work { double *v, *g, *p, *residual, *direction, *product, *trial; };

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static double weight_of(const struct problem *q, size_t i) { return q->c * (q->weight ? q->weight[i] : 1.0); }

double mid__logistic_sparse_logit(const mid__sparse *x, size_t i_row, const double *w, double b)
{
    size_t k;

    for (k = x->row_at[i_row]; k < x->row_at[i_row + 1]; k++)
        b += w[x->col[k]] * (double)x->value[k];
    return b;
}

/* to += scale x_i, the row with its 1 for the intercept */
static void add_row(const struct problem *q, size_t i, double scale, double *to)
{
    size_t k;

    for (k = q->x->row_at[i]; k < q->x->row_at[i + 1]; k++)
        to[q->x->col[k]] += scale * (double)q->x->value[k];
    to[q->n - 1] += scale;
}

/* The loss at v; with g its gradient there, and the curvatures. */
static double loss_at(struct problem *q, const double *v, double *g)
{
    double sum = dot(v, v, q->n - 1) / 2, margin, tail, p_wrong;
    size_t i;

    if (g) {
        memcpy(g, v, q->n * sizeof *g);
        g[q->n - 1] = 0;
    }
    for (i = 0; i < q->x->n_row; i++) {
        margin = mid__logistic_sparse_logit(q->x, i, v, v[q->n - 1]) * (q->label[i] ? 1 : -1);
        tail = exp(-fabs(margin));              /* ln(1 + e^-m) and 1 / (1 + e^m) without overflow */
        sum += weight_of(q, i) * (log1p(tail) + (margin < 0 ? -margin : 0));
        p_wrong = (margin < 0 ? 1 : tail) / (1 + tail);
        if (g) {
            add_row(q, i, weight_of(q, i) * p_wrong * (q->label[i] ? -1 : 1), g);
            q->curve[i] = weight_of(q, i) * tail / ((1 + tail) * (1 + tail));
        }
    }
    return sum;
}

static void hessian_times(const struct problem *q, const double *v, double *out)
{
    size_t i;

    memcpy(out, v, q->n * sizeof *out);
    out[q->n - 1] = 0;
    for (i = 0; i < q->x->n_row; i++)
        add_row(q, i, q->curve[i] * mid__logistic_sparse_logit(q->x, i, v, v[q->n - 1]), out);
}

/* Solve H p = -g until the residual is a hundredth of g. */
static void newton_step(const struct problem *q, struct work *t)
{
    double rr = dot(t->g, t->g, q->n), rr_new, stop = 1e-4 * rr, curvature;
    size_t i;
    int k;

    for (i = 0; i < q->n; i++) {
        t->p[i] = 0;
        t->residual[i] = t->direction[i] = -t->g[i];
    }
    for (k = 0; k < CG_MAX && rr > stop; k++, rr = rr_new) {
        hessian_times(q, t->direction, t->product);
        curvature = dot(t->direction, t->product, q->n);
        if (!(curvature > 0))                   /* only the intercept is left and every row is certain */
            return;
        for (i = 0; i < q->n; i++) {
            t->p[i] += rr / curvature * t->direction[i];
            t->residual[i] -= rr / curvature * t->product[i];
        }
        rr_new = dot(t->residual, t->residual, q->n);
        for (i = 0; i < q->n; i++)
            t->direction[i] = t->residual[i] + rr_new / rr * t->direction[i];
    }
}

/* Go from t->v along t->p as far as the loss falls enough (Armijo); false when it no longer does. */
static bool move(struct problem *q, struct work *t, double loss, double slope)
{
    double length = 1;
    size_t i;
    int k;

    for (k = 0; k < HALVING_MAX; k++, length /= 2) {
        for (i = 0; i < q->n; i++)
            t->trial[i] = t->v[i] + length * t->p[i];
        if (loss_at(q, t->trial, NULL) <= loss + 1e-4 * length * slope) {
            memcpy(t->v, t->trial, q->n * sizeof *t->v);
            return true;
        }
    }
    return false;
}

static mid_status check(mid_ctx *ctx, const struct problem *q)
{
    size_t i, n_of[2] = { 0, 0 };

    if (!(q->c > 0) || !isfinite(q->c))
        return mid__fail(ctx, MID_EINVAL, "C is %g; it must be a positive number", q->c);
    for (i = 0; i < q->x->n_row; i++) {
        if (q->weight && (!(q->weight[i] >= 0) || !isfinite(q->weight[i])))
            return mid__fail(ctx, MID_EINVAL, "weight %zu is %g; it must be a number from 0 on", i, q->weight[i]);
        n_of[q->label[i] != 0] += weight_of(q, i) > 0;
    }
    for (i = 0; i < q->x->row_at[q->x->n_row]; i++) {
        if (q->x->col[i] >= q->x->n_col)
            return mid__fail(ctx, MID_EINVAL, "column %u of %zu", q->x->col[i], q->x->n_col);
        if (!isfinite(q->x->value[i]))
            return mid__fail(ctx, MID_ENUMERIC, "a value in column %u is not finite", q->x->col[i]);
    }
    if (!n_of[0] || !n_of[1])
        return mid__fail(ctx, MID_EUNDEFINED, "%zu rows have label 0 and %zu label 1; both are needed", n_of[0],
                         n_of[1]);
    return MID_OK;
}

mid_status mid__logistic_sparse_fit(mid_ctx *ctx, const mid__sparse *x, const uint8_t *label, const double *weight,
                                    double c, double *w, double *b)
{
    struct problem q = { x, label, weight, c, x->n_col + 1, NULL };
    struct work t;
    mid_status status = check(ctx, &q);
    double *block, loss, slope;
    bool settled = false;
    int k;

    if (status != MID_OK)
        return status;
    block = calloc(7 * q.n + x->n_row, sizeof *block);
    if (!block)
        return mid__oom(ctx, "a logistic regression");
    t = (struct work){ block, block + q.n, block + 2 * q.n, block + 3 * q.n, block + 4 * q.n, block + 5 * q.n,
                       block + 6 * q.n };
    q.curve = block + 7 * q.n;
    for (k = 0; k < NEWTON_MAX && !settled; k++) {
        loss = loss_at(&q, t.v, t.g);
        newton_step(&q, &t);
        slope = dot(t.g, t.p, q.n);
        settled = -slope / 2 <= TOLERANCE * fmax(1, loss);
        settled |= !move(&q, &t, loss, slope);      /* the last step costs little and leaves almost nothing to gain */
    }
    if (settled) {
        memcpy(w, t.v, x->n_col * sizeof *w);
        *b = t.v[x->n_col];
    } else {
        status = mid__fail(ctx, MID_ENUMERIC, "a logistic regression did not settle in %d steps; C = %g is too large "
                           "for these values", NEWTON_MAX, c);
    }
    free(block);
    return status;
}
