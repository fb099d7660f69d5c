/* Kolmogorov-Smirnov: distance D = max_x |F_a(x) - F_b(x)|, F the share of a batch at or below x. If both batches come
 * from one population every way to deal the pooled scores to n_a and n_b places is equally likely. Dealt in rising
 * order a way is a path from (0, 0) to (n_a, n_b), and D is looked at only where a run of equal scores ends, so ties
 * need no correction (Schroer & Trenkler 1995). hit(i, j) = P(a path through (i, j) has had a gap of D or more there or
 * before):
 *     hit = 1 where |i / n_a - j / n_b| >= D at the end of a run, else i/(i+j) hit(i-1, j) + j/(i+j) hit(i, j-1),
 * a path that is at (i, j) having come from the left with probability i/(i+j); p = hit(n_a, n_b). Sums of positive
 * numbers only: a small p has all its digits (Viehmann 2021, arXiv 2102.08037).
 * That costs n_a n_b steps. Above STEP_MAX of them p is the limit law 2 sum_k (-1)^(k-1) exp(-2 k^2 x^2),
 * x = D sqrt(n_a n_b / (n_a + n_b)) (Kolmogorov 1933, Smirnov 1939). */
#include "metric/order.h"

#include "base/ctx.h"
#include "midstream/drift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MAX 4e6

static mid_status check(mid_ctx *ctx, const char *batch, const double *score, size_t n)
{
    size_t i;

    if (n == 0)
        return mid__fail(ctx, MID_EUNDEFINED, "batch %s has no answers, so there is nothing to compare", batch);
    if (n > INT32_MAX)
        return mid__fail(ctx, MID_ELIMIT, "batch %s: %zu answers, at most %d at once", batch, n, INT32_MAX);
    for (i = 0; i < n; i++)
        if (isnan(score[i]))
            return mid__fail(ctx, MID_ENUMERIC, "batch %s: score %zu of %zu is not a number", batch, i, n);
    return MID_OK;
}

/* D n_a n_b, a whole number. run (n_a + n_b + 1): run[k] is set where a run of equal scores ends with the k-th. */
static uint64_t gap(const double *a, size_t n_a, const double *b, size_t n_b, uint8_t *run)
{
    uint64_t most = 0;
    size_t i = 0, j = 0;

    while (i < n_a || j < n_b) {
        const double x = j == n_b || (i < n_a && a[i] <= b[j]) ? a[i] : b[j];
        int64_t d;
        while (i < n_a && a[i] == x)
            i++;
        while (j < n_b && b[j] == x)
            j++;
        run[i + j] = 1;
        d = (int64_t)(i * n_b) - (int64_t)(j * n_a);
        if ((uint64_t)llabs(d) > most)
            most = (uint64_t)llabs(d);
    }
    return most;
}

/* hit (n_b + 1): row i of it is made from row i - 1 in place. */
static double exact(size_t n_a, size_t n_b, uint64_t most, const uint8_t *run, double *hit)
{
    size_t i, j;

    for (i = 0; i <= n_a; i++)
        for (j = 0; j <= n_b; j++) {
            const int64_t d = (int64_t)(i * n_b) - (int64_t)(j * n_a);
            if (run[i + j] && (uint64_t)llabs(d) >= most)
                hit[j] = 1;
            else if (i + j == 0)
                hit[j] = 0;
            else
                hit[j] = ((double)i * hit[j] + (j ? (double)j * hit[j - 1] : 0)) / (double)(i + j);
        }
    return hit[n_b];
}

static double limit_law(double x)
{
    double sum = 0, sign = 2;
    int k;

    if (x < 0.2)                        /* 1 - p is below 1e-12 here, where the sum is slow */
        return 1;
    for (k = 1; k <= 100; k++, sign = -sign)
        sum += sign * exp(-2.0 * k * k * x * x);
    return fmin(1, fmax(0, sum));
}

mid_status mid_two_sample_of(mid_ctx *ctx, const double *a, size_t n_a, const double *b, size_t n_b,
                             mid_two_sample *out)
{
    const double n = (double)n_a * (double)n_b;
    double *sorted = NULL, *hit = NULL;
    uint8_t *run = NULL;
    uint64_t most;
    mid_status status = check(ctx, "a", a, n_a);

    if (!status)
        status = check(ctx, "b", b, n_b);
    if (status)
        return status;
    sorted = malloc((n_a + n_b) * sizeof *sorted);
    hit = calloc(n_b + 1, sizeof *hit);
    run = calloc(n_a + n_b + 1, 1);
    if (!sorted || !hit || !run) {
        status = mid__oom(ctx, "a two-sample test");
        goto out;
    }
    memcpy(sorted, a, n_a * sizeof *sorted);
    memcpy(sorted + n_a, b, n_b * sizeof *sorted);
    mid__sort_double(sorted, n_a);
    mid__sort_double(sorted + n_a, n_b);
    most = gap(sorted, n_a, sorted + n_a, n_b, run);
    *out = (mid_two_sample){ .n_a = n_a, .n_b = n_b, .distance = (double)most / n, .exact = n <= STEP_MAX };
    out->p = out->exact ? exact(n_a, n_b, most, run, hit) : limit_law(out->distance * sqrt(n / (double)(n_a + n_b)));
out:
    free(run);
    free(hit);
    free(sorted);
    return status;
}
