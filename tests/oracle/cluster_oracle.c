/* The unsupervised learners on sets read from standard input, for cluster.py to compare with scikit-learn and numpy. Each
 * line of an answer is one array.
 *     shrink n d            x                                             answers rho
 *     kmeans n d k          x, centres (k, d)                             answers centres; inertia
 *     pca n d k             x                                             answers variances; total; axes (k, d)
 *     gmm n d k n_step      x, weights, means, variances                  answers weights; means; variances; log-likelihood
 *     hmm n k n_seq n_step pseudo   lengths, symbols, start, move, emit   answers start; move; emit; log-likelihood */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/linalg.h"
#include "learn/gmm.h"
#include "learn/hmm_discrete.h"
#include "learn/kmeans.h"
#include "learn/pca.h"
#include "learn/shrink.h"

static void *room(size_t n, size_t n_bytes)
{
    void *p = calloc(n + 1, n_bytes);

    if (!p)
        exit(2);
    return p;
}

static void ok(mid_status status)
{
    if (status != MID_OK) {
        fprintf(stderr, "cluster_oracle: %s\n", mid_status_name(status));
        exit(2);
    }
}

static double *read_values(size_t n)
{
    double *value = room(n, sizeof *value);
    size_t i;

    for (i = 0; i < n; i++)
        if (scanf("%lf", &value[i]) != 1) {
            fprintf(stderr, "cluster_oracle: a set is cut short\n");
            exit(2);
        }
    return value;
}

static float *read_floats(size_t n)
{
    double *value = read_values(n);
    float *x = room(n, sizeof *x);
    size_t i;

    for (i = 0; i < n; i++)
        x[i] = (float)value[i];
    free(value);
    return x;
}

static void row(const double *value, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        printf("%.17g%c", value[i], i + 1 < n ? ' ' : '\n');
}

static void float_row(const float *value, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        printf("%.9g%c", (double)value[i], i + 1 < n ? ' ' : '\n');
}

static void shrink(const double *size)
{
    const size_t n = (size_t)size[0], d = (size_t)size[1];
    float *x = read_floats(n * d);
    double *mean = room(d, sizeof *mean), *c = room(d * d, sizeof *c), rho;

    mid__column_stats(x, n, d, mean, NULL);
    if (!mid__scatter(x, n, d, mean, c))
        exit(2);
    rho = mid__ledoit_wolf(x, n, d, mean, c);
    row(&rho, 1);
    free(x);
    free(mean);
    free(c);
}

static void kmeans(const double *size)
{
    const size_t n = (size_t)size[0], d = (size_t)size[1], k = (size_t)size[2];
    float *x = read_floats(n * d), *centre = read_floats(k * d);
    uint32_t *of = room(n, sizeof *of);
    double inertia;

    ok(mid__kmeans_lloyd(NULL, x, n, d, k, centre, of, &inertia));
    float_row(centre, k * d);
    row(&inertia, 1);
    free(x);
    free(centre);
    free(of);
}

static void pca(const double *size)
{
    const size_t n = (size_t)size[0], d = (size_t)size[1], k = (size_t)size[2];
    float *x = read_floats(n * d);
    mid__pca p;

    ok(mid__pca_fit(NULL, x, n, d, k, &p));
    row(p.variance, p.k);
    row(&p.total, 1);
    float_row(p.axis, p.k * d);
    mid__pca_clear(&p);
    free(x);
}

static void gmm(const double *size)
{
    const size_t n = (size_t)size[0], d = (size_t)size[1], k = (size_t)size[2];
    float *x = read_floats(n * d);
    mid__gmm g = { .k = k, .d = d };

    g.weight = read_values(k);
    g.mean = read_values(k * d);
    g.variance = read_values(k * d);
    ok(mid__gmm_em(NULL, x, n, d, 0, (int)size[3], &g));
    row(g.weight, k);
    row(g.mean, k * d);
    row(g.variance, k * d);
    row(&g.log_likelihood, 1);
    mid__gmm_clear(&g);
    free(x);
}

static void hmm(const double *size)
{
    const size_t n = (size_t)size[0], k = (size_t)size[1], n_seq = (size_t)size[2];
    double *length = read_values(n_seq), *value, lp;
    size_t *first = room(n_seq, sizeof *first), i;
    uint32_t *symbol;
    mid__symbols s;
    mid__hmm h = { .n = n, .k = k };

    for (i = 0; i < n_seq; i++)
        first[i + 1] = first[i] + (size_t)length[i];
    value = read_values(first[n_seq]);
    symbol = room(first[n_seq], sizeof *symbol);
    for (i = 0; i < first[n_seq]; i++)
        symbol[i] = (uint32_t)value[i];
    s = (mid__symbols){ symbol, first, n_seq };
    h.start = read_values(n);
    h.move = read_values(n * n);
    h.emit = read_values(n * k);
    ok(mid__hmm_learn(NULL, &s, NULL, size[4], -1, (int)size[3], &h, &lp));
    row(h.start, n);
    row(h.move, n * n);
    row(h.emit, n * k);
    row(&lp, 1);
    mid__hmm_clear(&h);
    free(length);
    free(first);
    free(value);
    free(symbol);
}

int main(void)
{
    static const struct { const char *name; size_t n_size; void (*run)(const double *size); } kind[] = {
        { "shrink", 2, shrink }, { "kmeans", 3, kmeans }, { "pca", 3, pca }, { "gmm", 4, gmm }, { "hmm", 5, hmm },
    };
    char name[16];
    size_t i;

    while (scanf("%15s", name) == 1) {
        for (i = 0; i < sizeof kind / sizeof kind[0] && strcmp(kind[i].name, name) != 0; i++)
            ;
        if (i == sizeof kind / sizeof kind[0])
            return 2;
        double *size = read_values(kind[i].n_size);
        kind[i].run(size);
        free(size);
    }
    return 0;
}
