/* L-BFGS (Nocedal & Wright, Numerical Optimization, 2nd ed., algorithms 7.4, 7.5) with ten pairs and a backtracking line
 * search. Loss and gradient come from one pass over the rows, each read once while it is in the first-level cache. The
 * intercept is one more coordinate, without penalty. Ends when the gradient's largest entry is 1e-8 of what it was at
 * w = 0 (or 1e-11 outright): the coefficients are then within 1e-6 of the optimum's, relative to the largest
 * (tests/oracle/probe.py). So near the optimum losses no longer differ; there a step is judged by its slope instead
 * (Hager & Zhang 2005, "approximate Wolfe conditions"). */
#include "base/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"

enum { N_PAIR = 10, STEP_MAX = 1000 };

struct problem {
    const float *x;
    const uint8_t *label;
    const double *weight;
    size_t n, d;
    double c;
};

/* Loss and gradient at v = (w, b). grad (d + 1). */
static double loss_of(const struct problem *p, const double *v, double *grad)
{
    double loss = 0, lost = 0;          /* compensated sum: the line search compares losses that differ little */
    size_t i, j;

    memset(grad, 0, (p->d + 1) * sizeof *grad);
    for (i = 0; i < p->n; i++) {
        const float *row = p->x + i * p->d;
        const double y = p->label[i] ? 1 : -1, a = p->weight ? p->weight[i] : 1;
        const double m = y * (mid__dot_wide(row, v, p->d) + v[p->d]);
        const double e = exp(-fabs(m));
        const double l = a * ((m > 0 ? 0 : -m) + log1p(e)), sum = loss + (l - lost);
        const double r = -a * y * (m > 0 ? e / (1 + e) : 1 / (1 + e));      /* d loss / d margin * y */
        lost = (sum - loss) - (l - lost);
        loss = sum;
        mid__axpy_wide(r, row, grad, p->d);
        grad[p->d] += r;
    }
    loss *= p->c;
    for (j = 0; j <= p->d; j++)
        grad[j] *= p->c;
    for (j = 0; j < p->d; j++) {
        loss += 0.5 * v[j] * v[j];
        grad[j] += v[j];
    }
    return loss;
}

static double dot(const double *a, const double *b, size_t n)
{
    double s = 0;
    size_t i;

    for (i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

static double largest(const double *a, size_t n)
{
    double m = 0;
    size_t i;

    for (i = 0; i < n; i++)
        m = fmax(m, fabs(a[i]));
    return m;
}

/* The last pairs of steps s and gradient changes y, as a ring; pair k lives at (k mod N_PAIR) * m. */
struct memory {
    double *s, *y, rho[N_PAIR], scale;
    size_t m;
    int n;                              /* pairs ever kept */
};

/* direction = -H grad by the two-loop recursion. */
static void direction_of(const struct memory *mem, const double *grad, double *direction)
{
    double alpha[N_PAIR];
    const int first = mem->n > N_PAIR ? mem->n - N_PAIR : 0;
    size_t j;
    int k;

    for (j = 0; j < mem->m; j++)
        direction[j] = -grad[j];
    for (k = mem->n - 1; k >= first; k--) {
        const double *s = mem->s + (k % N_PAIR) * mem->m, *y = mem->y + (k % N_PAIR) * mem->m;
        alpha[k % N_PAIR] = mem->rho[k % N_PAIR] * dot(s, direction, mem->m);
        for (j = 0; j < mem->m; j++)
            direction[j] -= alpha[k % N_PAIR] * y[j];
    }
    for (j = 0; j < mem->m; j++)
        direction[j] *= mem->scale;
    for (k = first; k < mem->n; k++) {
        const double *s = mem->s + (k % N_PAIR) * mem->m, *y = mem->y + (k % N_PAIR) * mem->m;
        const double beta = mem->rho[k % N_PAIR] * dot(y, direction, mem->m);
        for (j = 0; j < mem->m; j++)
            direction[j] += (alpha[k % N_PAIR] - beta) * s[j];
    }
}

static void remember(struct memory *mem, const double *v, const double *v_old, const double *g, const double *g_old)
{
    double *s = mem->s + (mem->n % N_PAIR) * mem->m, *y = mem->y + (mem->n % N_PAIR) * mem->m, sy;
    size_t j;

    for (j = 0; j < mem->m; j++) {
        s[j] = v[j] - v_old[j];
        y[j] = g[j] - g_old[j];
    }
    sy = dot(s, y, mem->m);
    if (!(sy > 1e-300))
        return;                         /* no curvature along this step: it teaches nothing */
    mem->rho[mem->n % N_PAIR] = 1 / sy;
    mem->scale = sy / dot(y, y, mem->m);
    mem->n++;
}

mid_status mid__logistic_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, const uint8_t *label,
                             const double *weight, double c, double *w, double *b)
{
    const struct problem p = { x, label, weight, n, d, c };
    const size_t m = d + 1;
    struct memory mem = { .m = m, .scale = 1 };
    double *all = calloc((5 + 2 * N_PAIR) * m, sizeof *all);
    double *v = all, *v_old = all + m, *g = all + 2 * m, *g_old = all + 3 * m, *direction = all + 4 * m;
    double loss, start, step, slope, next = 0;
    size_t i, j, n_one = 0;
    int k, tries;

    for (i = 0; i < n; i++)
        n_one += label[i] != 0;
    if (!all)
        return mid__oom(ctx, "logistic regression");
    if (n_one == 0 || n_one == n) {
        free(all);
        return mid__fail(ctx, MID_EUNDEFINED, "logistic regression on %zu rows of one class", n);
    }
    mem.s = all + 5 * m;
    mem.y = mem.s + N_PAIR * m;
    loss_of(&p, v, g);                  /* v is zero here: the yardstick for the gradient */
    start = largest(g, m);
    memcpy(v, w, d * sizeof *v);
    v[d] = *b;
    loss = loss_of(&p, v, g);
    for (k = 0; k < STEP_MAX && largest(g, m) > fmax(1e-8 * start, 1e-11); k++) {
        direction_of(&mem, g, direction);
        slope = dot(g, direction, m);
        if (!(slope < 0))
            break;
        step = mem.n ? 1 : fmin(1, 1 / largest(g, m));
        memcpy(v_old, v, m * sizeof *v);
        memcpy(g_old, g, m * sizeof *g);
        for (tries = 0; tries < 40; tries++, step /= 2) {
            for (j = 0; j < m; j++)
                v[j] = v_old[j] + step * direction[j];
            next = loss_of(&p, v, g);
            if (next <= loss + 1e-4 * step * slope ||
                (next <= loss + 1e-14 * fabs(loss) && dot(g, direction, m) <= (2e-4 - 1) * slope))
                break;
        }
        if (tries == 40) {              /* the loss cannot be told from its neighbours': as near as doubles get */
            memcpy(v, v_old, m * sizeof *v);
            break;
        }
        remember(&mem, v, v_old, g, g_old);
        loss = next;
    }
    memcpy(w, v, d * sizeof *w);
    *b = v[d];
    free(all);
    return isfinite(loss) ? MID_OK : mid__fail(ctx, MID_ENUMERIC, "logistic regression: a row is not a number");
}
