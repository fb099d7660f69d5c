/* Truncated Newton (Lin, Weng & Keerthi 2008; Nocedal & Wright, Numerical Optimization, 2nd ed., section 7.1): a step
 * s solves H s = -gradient by conjugate gradients, the more exactly the nearer the end is (but no more than the end
 * asks for), and is halved until the loss falls. Loss and gradient are summed in double; products with H only shape a
 * step, so float will do for them. The intercept is one more coordinate, without penalty. Ends when the gradient's
 * largest entry is 1e-8 of what it was at w = 0 (or 1e-11 outright): the coefficients are then within 1e-6 of the
 * optimum's, relative to the largest (tests/oracle/probe.py). So near the optimum losses no longer differ; there a
 * step is judged by its slope instead (Hager & Zhang 2005, "approximate Wolfe conditions"). */
#include "base/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"

enum { STEP_MAX = 1000, N_BLOCK = 16 };         /* rows that stay in the first-level cache from X q to X^T (D X q) */
static const double settled = 1e-8;

struct problem {
    const float *x;
    const uint8_t *label;
    const double *weight;
    size_t n, d;
    double c;
    float *curve;                       /* (n) second derivative of each row's loss by its margin, at the last v */
};

static double weight_of(const struct problem *p, size_t i) { return p->c * (p->weight ? p->weight[i] : 1); }

static size_t block_at(const struct problem *p, size_t i) { return p->n - i < N_BLOCK ? p->n - i : N_BLOCK; }

/* Loss and gradient at v = (w, b), and the rows' curvature. grad (d + 1). */
static double loss_of(const struct problem *p, const double *v, double *grad)
{
    double loss = 0, lost = 0;          /* compensated sum: the line search compares losses that differ little */
    double slope[N_BLOCK];              /* d loss / d logit */
    size_t i, j, k, n;

    memset(grad, 0, (p->d + 1) * sizeof *grad);
    for (i = 0; i < p->n; i += n) {
        n = block_at(p, i);
        for (k = 0; k < n; k++) {
            const double y = p->label[i + k] ? 1 : -1, a = weight_of(p, i + k);
            const double m = y * (mid__dot_wide(p->x + (i + k) * p->d, v, p->d) + v[p->d]);
            const double e = exp(-fabs(m));
            const double l = a * ((m > 0 ? 0 : -m) + log1p(e)), sum = loss + (l - lost);
            lost = (sum - loss) - (l - lost);
            loss = sum;
            p->curve[i + k] = (float)(a * e / ((1 + e) * (1 + e)));
            slope[k] = -a * y * (m > 0 ? e : 1) / (1 + e);
            grad[p->d] += slope[k];
        }
        mid__axpy_rows_wide(slope, p->x + i * p->d, p->d, n, grad, p->d);
    }
    for (j = 0; j < p->d; j++) {
        loss += 0.5 * v[j] * v[j];
        grad[j] += v[j];
    }
    return loss;
}

/* The gradient at v = 0, where every slope is a half. */
static void gradient_at_zero(const struct problem *p, double *grad)
{
    double slope[N_BLOCK];
    size_t i, k, n;

    memset(grad, 0, (p->d + 1) * sizeof *grad);
    for (i = 0; i < p->n; i += n) {
        n = block_at(p, i);
        for (k = 0; k < n; k++) {
            slope[k] = (p->label[i + k] ? -0.5 : 0.5) * weight_of(p, i + k);
            grad[p->d] += slope[k];
        }
        mid__axpy_rows_wide(slope, p->x + i * p->d, p->d, n, grad, p->d);
    }
}

static double largest(const double *a, size_t n)
{
    double m = 0;
    size_t i;

    for (i = 0; i < n; i++)
        m = fmax(m, fabs(a[i]));
    return m;
}

/* to = H q = (q_w, 0) + X^T D X q, where X has a last column of ones. narrow (2 d) is work space. */
static void product(const struct problem *p, const double *q, float *narrow, double *to)
{
    const size_t d = p->d;
    float *q_narrow = narrow, *sum = narrow + d, share[N_BLOCK];
    double z[N_BLOCK];
    size_t i, j, k, n;

    for (j = 0; j < d; j++)
        q_narrow[j] = (float)q[j];
    memcpy(to, q, d * sizeof *to);
    to[d] = 0;
    for (i = 0; i < p->n; i += n) {
        n = block_at(p, i);
        for (k = 0; k < n; k++)
            z[k] = q[d];
        mid__dot_rows(p->x + i * d, d, n, q_narrow, d, z);
        for (k = 0; k < n; k++) {
            share[k] = p->curve[i + k] * (float)z[k];
            to[d] += (double)share[k];
        }
        memset(sum, 0, d * sizeof *sum);
        mid__axpy_rows(share, p->x + i * d, d, n, sum, d);
        mid__axpy_wide(1, sum, to, d);
    }
}

/* Conjugate gradients from s = 0 until |H s + grad| <= exactness |grad|. work (3 m), narrow (2 d). */
static void newton_step(const struct problem *p, const double *grad, double exactness, double *work, float *narrow,
                        double *s)
{
    const size_t m = p->d + 1;
    double *rest = work, *q = work + m, *h_q = work + 2 * m;
    double square = mid__dot_double(grad, grad, m), before, a;
    const double enough = exactness * exactness * square;
    size_t j, k;

    for (j = 0; j < m; j++) {
        s[j] = 0;
        rest[j] = q[j] = -grad[j];
    }
    for (k = 0; k < m && square > enough; k++) {
        product(p, q, narrow, h_q);
        a = square / mid__dot_double(q, h_q, m);
        if (!(a > 0 && isfinite(a)))
            break;                      /* no curvature left that float can tell */
        for (j = 0; j < m; j++) {
            s[j] += a * q[j];
            rest[j] -= a * h_q[j];
        }
        before = square;
        square = mid__dot_double(rest, rest, m);
        for (j = 0; j < m; j++)
            q[j] = rest[j] + square / before * q[j];
    }
    if (k == 0)
        memcpy(s, q, m * sizeof *s);
}

/* Go along s, or half of it, a quarter, ... until the loss has fallen; v, grad and loss are then of the new place. False:
 * s leads nowhere down, or the loss cannot be told from its neighbours': as near as doubles get. v is then as before. */
static bool descend(const struct problem *p, const double *s, double *v_old, double *v, double *grad, double *loss)
{
    const size_t m = p->d + 1;
    const double slope = mid__dot_double(grad, s, m);
    double step = 1, next;
    size_t j;
    int tries;

    memcpy(v_old, v, m * sizeof *v);
    for (tries = 0; slope < 0 && tries < 40; tries++, step /= 2) {
        for (j = 0; j < m; j++)
            v[j] = v_old[j] + step * s[j];
        next = loss_of(p, v, grad);
        if (next <= *loss + 1e-4 * step * slope ||
            (next <= *loss + 1e-14 * fabs(*loss) && mid__dot_double(grad, s, m) <= (2e-4 - 1) * slope)) {
            *loss = next;
            return true;
        }
    }
    memcpy(v, v_old, m * sizeof *v);
    return false;
}

mid_status mid__logistic_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, const uint8_t *label,
                             const double *weight, double c, double *w, double *b)
{
    const size_t m = d + 1;
    struct problem p = { x, label, weight, n, d, c, malloc((n + 1) * sizeof *p.curve) };
    double *all = calloc(7 * m, sizeof *all), *v = all, *v_old = all + m, *g = all + 2 * m, *s = all + 3 * m;
    float *narrow = malloc(2 * m * sizeof *narrow);
    double loss, start, left;
    size_t i, n_one = 0;
    int k;
    mid_status status = MID_OK;

    for (i = 0; i < n; i++)
        n_one += label[i] != 0;
    if (!p.curve || !all || !narrow)
        status = mid__oom(ctx, "logistic regression");
    else if (n_one == 0 || n_one == n)
        status = mid__fail(ctx, MID_EUNDEFINED, "logistic regression on %zu rows of one class", n);
    if (status != MID_OK)
        goto out;
    gradient_at_zero(&p, g);            /* the yardstick */
    start = largest(g, m);
    memcpy(v, w, d * sizeof *v);
    v[d] = *b;
    loss = loss_of(&p, v, g);
    for (k = 0; k < STEP_MAX && largest(g, m) > fmax(settled * start, 1e-11); k++) {
        left = largest(g, m) / start;
        newton_step(&p, g, fmax(0.2 * settled / left, fmin(0.1, left)), all + 4 * m, narrow, s);
        if (!descend(&p, s, v_old, v, g, &loss))
            break;
    }
    memcpy(w, v, d * sizeof *w);
    *b = v[d];
    if (!isfinite(loss))
        status = mid__fail(ctx, MID_ENUMERIC, "logistic regression: a row is not a number");
out:
    free(p.curve);
    free(all);
    free(narrow);
    return status;
}
