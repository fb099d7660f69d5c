/* Statistics on sets read from standard input, for statistics.py to compare. Each set begins with what it is of:
 *     1 n_set n_method alpha value (n_set, n_method)     -> mean ranks; chi2 p_chi2 f p_f cd
 *     2 n p (n)                                          -> adjusted (n)
 *     3 n n_draw label (n) a (n) b (n)                   -> gain, p; every answer a prompt of its own
 *     4 n x df, x df1 df2, q k, p k, n times each        -> the four tails and quantiles */
#include "driver.h"

#include "metric/special.h"

static void friedman(void)
{
    const size_t n_set = count(), n_method = count();
    const double alpha = number();
    double *value = numbers(n_set * n_method), *rank = room(n_method, sizeof *rank);
    mid_friedman f;

    ok(NULL, mid_friedman_of(NULL, value, n_set, n_method, alpha, rank, &f));
    row(rank, n_method);
    row((double[]){ f.chi2, f.p_chi2, f.f, f.p_f, f.cd }, 5);
    free(value);
    free(rank);
}

static void holm(void)
{
    const size_t n = count();
    double *p = numbers(n);

    ok(NULL, mid_holm(NULL, p, n, p));
    row(p, n);
    free(p);
}

static void gain(void)
{
    const size_t n = count();
    const mid_boot boot = { 1, (uint32_t)number() };
    uint8_t *label = labels(n);
    double *a = numbers(n), *b = numbers(n);
    uint32_t *group = room(n, sizeof *group), i;
    mid_gain g;

    for (i = 0; i < n; i++)
        group[i] = i;
    ok(NULL, mid_gain_of(NULL, a, b, label, group, n, &boot, &g));
    row((double[]){ g.auroc.value, g.p_auroc }, 2);
    free(label);
    free(a);
    free(b);
    free(group);
}

static void tails(void)
{
    const size_t n = count();
    double x[9];
    size_t i, j;

    for (i = 0; i < n; i++) {
        for (j = 0; j < 9; j++)
            x[j] = number();
        row((double[]){ mid__chi2_above(x[0], x[1]), mid__f_above(x[2], x[3], x[4]), mid__range_below(x[5], x[6]),
                        mid__range_quantile(x[7], x[8]) }, 4);
    }
}

int main(void)
{
    double what;

    while (scanf("%lf", &what) == 1)
        what == 1 ? friedman() : what == 2 ? holm() : what == 3 ? gain() : tails();
    return 0;
}
