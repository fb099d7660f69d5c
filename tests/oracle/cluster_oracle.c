/* The unsupervised learners on sets read from standard input, for cluster.py to compare with scikit-learn and numpy. Each
 * line of an answer is one array.
 *     shrink n d            x                                             answers rho
 *     kmeans n d k          x, centres (k, d)                             answers centres; inertia
 *     pca n d k             x                                             answers variances; total; axes (k, d)
 *     gmm n d k n_step      x, weights, means, variances                  answers weights; means; variances; log-likelihood
 *     hmm n k n_seq n_step pseudo   lengths, symbols, start, move, emit   answers start; move; emit; log-likelihood */
#include "driver.h"

#include "base/linalg.h"
#include "learn/gmm.h"
#include "learn/hmm_discrete.h"
#include "learn/kmeans.h"
#include "learn/pca.h"
#include "learn/shrink.h"

static void shrink(const double *size)
{
    const size_t n = (size_t)size[0], d = (size_t)size[1];
    float *x = floats(n * d);
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
    float *x = floats(n * d), *centre = floats(k * d);
    uint32_t *of = room(n, sizeof *of);
    double inertia;

    ok(NULL, mid__kmeans_lloyd(NULL, x, n, d, k, centre, of, &inertia));
    float_row(centre, k * d);
    row(&inertia, 1);
    free(x);
    free(centre);
    free(of);
}

static void pca(const double *size)
{
    const size_t n = (size_t)size[0], d = (size_t)size[1], k = (size_t)size[2];
    float *x = floats(n * d);
    mid__pca p;

    ok(NULL, mid__pca_fit(NULL, x, n, d, k, &p));
    row(p.variance, p.k);
    row(&p.total, 1);
    float_row(p.axis, p.k * d);
    mid__pca_clear(&p);
    free(x);
}

static void gmm(const double *size)
{
    const size_t n = (size_t)size[0], d = (size_t)size[1], k = (size_t)size[2];
    float *x = floats(n * d);
    mid__gmm g = { .k = k, .d = d };

    g.weight = numbers(k);
    g.mean = numbers(k * d);
    g.variance = numbers(k * d);
    ok(NULL, mid__gmm_em(NULL, x, n, d, 0, (int)size[3], &g));
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
    double *length = numbers(n_seq), *value, lp;
    size_t *first = room(n_seq, sizeof *first), i;
    uint32_t *symbol;
    mid__symbols s;
    mid__hmm h = { .n = n, .k = k };

    for (i = 0; i < n_seq; i++)
        first[i + 1] = first[i] + (size_t)length[i];
    value = numbers(first[n_seq]);
    symbol = room(first[n_seq], sizeof *symbol);
    for (i = 0; i < first[n_seq]; i++)
        symbol[i] = (uint32_t)value[i];
    s = (mid__symbols){ symbol, first, n_seq };
    h.start = numbers(n);
    h.move = numbers(n * n);
    h.emit = numbers(n * k);
    ok(NULL, mid__hmm_learn(NULL, &s, NULL, size[4], -1, (int)size[3], &h, &lp));
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
        double *size = numbers(kind[i].n_size);
        kind[i].run(size);
        free(size);
    }
    return 0;
}
