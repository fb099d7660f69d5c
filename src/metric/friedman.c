/* Methods over data sets, as Demsar 2006 ("Statistical comparisons of classifiers over multiple data sets", JMLR 7)
 * recommends. With mean ranks R_j of k methods over N sets:
 *     chi2 = [12 N / (k (k + 1)) sum_j (R_j - (k + 1) / 2)^2] / C,
 *     C    = 1 - sum of (t^3 - t) over ties / (N k (k^2 - 1)),
 *     F    = (N - 1) chi2 / (N (k - 1) - chi2),  k - 1 and (k - 1)(N - 1) degrees of freedom,
 *     CD   = q_alpha sqrt(k (k + 1) / (6 N)),    q_alpha: studentized range quantile over sqrt 2.
 * C is left out by Demsar, who has no ties in it; it is in R's and SciPy's test. Nemenyi's CD knows no ties. */
#include "metric/friedman.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "metric/special.h"
#include "midstream/metric.h"

struct place { double value; size_t i; };

static int falling(const void *a, const void *b)
{
    const double x = ((const struct place *)a)->value, y = ((const struct place *)b)->value;

    return (x < y) - (x > y);
}

/* Add one set's ranks; returns its sum of t^3 - t over ties. */
static double add_ranks(const double *value, size_t k, struct place *place, double *rank_sum)
{
    double ties = 0;
    size_t i, j, end;

    for (i = 0; i < k; i++)
        place[i] = (struct place){ value[i], i };
    qsort(place, k, sizeof *place, falling);
    for (i = 0; i < k; i = end) {
        for (end = i + 1; end < k && place[end].value == place[i].value; end++)
            ;
        for (j = i; j < end; j++)
            rank_sum[place[j].i] += (double)(i + 1 + end) / 2;
        ties += pow((double)(end - i), 3) - (double)(end - i);
    }
    return ties;
}

static mid_status check(mid_ctx *ctx, const double *value, size_t n_set, size_t n_method, double alpha)
{
    size_t i;

    if (n_set < 2 || n_method < 2)
        return mid__fail(ctx, MID_EUNDEFINED, "ranks of %zu methods over %zu data sets: needs 2 of each", n_method,
                         n_set);
    if (!(alpha > 0 && alpha < 1))
        return mid__fail(ctx, MID_EINVAL, "alpha is %g, want above 0 and below 1", alpha);
    for (i = 0; i < n_set * n_method; i++)
        if (isnan(value[i]))
            return mid__fail(ctx, MID_ENUMERIC, "method %zu on data set %zu is not a number", i % n_method,
                             i / n_method);
    return MID_OK;
}

mid_status mid_friedman_of(mid_ctx *ctx, const double *value, size_t n_set, size_t n_method, double alpha,
                           double *mean_rank, mid_friedman *out)
{
    const double n = (double)n_set, k = (double)n_method;
    mid_friedman f = { .n_set = n_set, .n_method = n_method };
    struct place *place;
    double *rank, ties = 0, spread = 0, most;
    size_t i;
    mid_status status = check(ctx, value, n_set, n_method, alpha);

    if (status != MID_OK)
        return status;
    place = malloc(n_method * sizeof *place);
    rank = calloc(n_method, sizeof *rank);
    status = place && rank ? MID_OK : mid__oom(ctx, "ranks");
    for (i = 0; status == MID_OK && i < n_set; i++)
        ties += add_ranks(value + i * n_method, n_method, place, rank);
    for (i = 0; status == MID_OK && i < n_method; i++) {
        rank[i] /= n;
        spread += (rank[i] - (k + 1) / 2) * (rank[i] - (k + 1) / 2);
    }
    if (status == MID_OK) {
        const double untied = 1 - ties / (n * k * (k * k - 1));
        f.chi2 = untied > 0 ? 12 * n / (k * (k + 1)) * spread / untied : NAN;
        most = n * (k - 1);                             /* of chi2: all sets rank alike */
        f.f = f.chi2 < most * (1 - 1e-12) || isnan(f.chi2) ? (n - 1) * f.chi2 / (most - f.chi2) : INFINITY;
        f.p_chi2 = isnan(f.chi2) ? NAN : mid__chi2_above(f.chi2, k - 1);
        f.p_f = isnan(f.chi2) ? NAN : mid__f_above(f.f, k - 1, (k - 1) * (n - 1));
        f.cd = mid__range_quantile(1 - alpha, k) * M_SQRT1_2 * sqrt(k * (k + 1) / (6 * n));
        memcpy(mean_rank, rank, n_method * sizeof *rank);
        *out = f;
    }
    free(place);
    free(rank);
    return status;
}

size_t mid__cliques(const double *mean_rank, size_t n, double cd, mid__clique *clique)
{
    size_t i, last = 0, n_clique = 0, end = 0;

    for (i = 0; i < n; i++) {
        while (last + 1 < n && mean_rank[last + 1] - mean_rank[i] < cd)
            last++;
        if (last > i && (n_clique == 0 || last > end)) {
            clique[n_clique++] = (mid__clique){ i, last };
            end = last;
        }
        last = last > i ? last : i + 1;
    }
    return n_clique;
}
