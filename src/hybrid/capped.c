/* Newton's method, each step the minimum of the quadratic model within the bounds, found one coordinate at a time (as
 * Yuan, Ho & Lin 2012 do for other bounds), then halved until the loss falls. The intercept is one more coordinate
 * without bounds. With at most 17 coordinates the model costs nothing beside a pass over the rows. */
#include "hybrid/capped.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { DIM_MAX = MID__MEMBER_MAX + 1, STEP_MAX = 100, SWEEP_MAX = 1000, HALVE_MAX = 40 };
#define TOLERANCE 1e-9              /* largest entry of the projected gradient, of a loss that is a mean */

struct model { double loss, grad[DIM_MAX], hess[DIM_MAX][DIM_MAX]; };

static size_t dim(const mid__capped *r) { return r->m + !r->offset; }

static double clipped(const mid__capped *r, size_t i, double v)
{
    return i < r->m ? fmax(0, fmin(v, 1)) : v;
}

/* Mean loss and its derivatives at v = (c, b). */
static void model_at(const mid__capped *r, const double *v, bool loss_only, struct model *out)
{
    const size_t d = dim(r);
    double total = 0;
    size_t k, i, j;

    memset(out, 0, sizeof *out);
    for (k = 0; k < r->n; k++)
        total += r->weight[k];
    for (k = 0; total > 0 && k < r->n; k++) {
        const double a = r->weight[k] / total, y = r->label[k] ? 1 : -1;
        double x[DIM_MAX], l = r->offset ? r->offset[k] : 0, p;
        for (i = 0; i < d; i++) {
            x[i] = i < r->m ? r->x[k * r->m + i] : 1;
            l += v[i] * x[i];
        }
        out->loss += a * (log1p(exp(-fabs(l))) + fmax(-y * l, 0));
        if (loss_only)
            continue;
        p = 1 / (1 + exp(-l));
        for (i = 0; i < d; i++) {
            out->grad[i] += a * (p - r->label[k]) * x[i];
            for (j = 0; j <= i; j++)
                out->hess[i][j] += a * p * (1 - p) * x[i] * x[j];
        }
    }
    for (i = 0; i < d; i++)
        for (j = 0; j < i; j++)
            out->hess[j][i] = out->hess[i][j];
}

/* Where a step along minus the gradient would end, less where it began: 0 at the optimum. */
static double projected(const mid__capped *r, const double *v, const struct model *at)
{
    double most = 0;
    size_t i;

    for (i = 0; i < dim(r); i++)
        most = fmax(most, fabs(clipped(r, i, v[i] - at->grad[i]) - v[i]));
    return most;
}

/* The step to the model's minimum within the bounds. */
static void step_of(const mid__capped *r, const double *v, const struct model *at, double *step)
{
    const size_t d = dim(r);
    double change = 1;
    size_t i, j;
    int n;

    memset(step, 0, d * sizeof *step);
    for (n = 0; n < SWEEP_MAX && change > 0; n++) {
        for (change = 0, i = 0; i < d; i++) {
            double slope = at->grad[i], to;
            for (j = 0; j < d; j++)
                slope += at->hess[i][j] * step[j];
            if (!(at->hess[i][i] > 0))
                continue;
            to = clipped(r, i, v[i] + step[i] - slope / at->hess[i][i]) - v[i];
            if (fabs(to - step[i]) > 1e-14 * (1 + fabs(v[i])))
                change = fmax(change, fabs(to - step[i]));
            step[i] = to;
        }
    }
}

void mid__capped_fit(const mid__capped *rows, double *c)
{
    double v[DIM_MAX] = { 0 }, next[DIM_MAX], step[DIM_MAX], share;
    struct model at, there;
    int n, n_half;
    size_t i;

    memcpy(v, c, rows->m * sizeof *c);
    for (n = 0; n < STEP_MAX; n++) {
        model_at(rows, v, false, &at);
        if (projected(rows, v, &at) <= TOLERANCE)
            break;
        step_of(rows, v, &at, step);
        for (share = 1, n_half = 0; n_half < HALVE_MAX; share /= 2, n_half++) {
            for (i = 0; i < dim(rows); i++)
                next[i] = clipped(rows, i, v[i] + share * step[i]);
            model_at(rows, next, true, &there);
            if (there.loss <= at.loss)
                break;
        }
        if (n_half == HALVE_MAX)        /* nothing but rounding is left */
            break;
        memcpy(v, next, dim(rows) * sizeof *v);
    }
    memcpy(c, v, rows->m * sizeof *c);
}
