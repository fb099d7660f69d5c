/* P[X <= k], X ~ Bin(n, p). The largest term of the tail comes from the saddle-point form of Loader 2000 ("Fast and
 * accurate computation of binomial probabilities"): the factorials' Stirling errors and the deviance are formed
 * without the cancellation that logarithms of factorials suffer. The others follow by their ratios,
 *     P[X = j-1] / P[X = j] = j (1-p) / ((n-j+1) p),
 * from the mode's side outwards, so they fall at least geometrically and end where a double cannot tell. A tail
 * beyond the mean is one minus the other one, which is small. */
#include "calibrate/binomial.h"

#include <math.h>

#define PI 3.14159265358979323846

/* ln n! - ln(sqrt(2 pi n) (n/e)^n): Stirling's series from 16 on, before that as it is defined. */
static double stirling_error(double n)
{
    const double n2 = n * n;
    double factorial = 1, i;

    if (n >= 16)
        return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / n2) / n2) / n2) / n2) / n;
    for (i = 2; i <= n; i++)
        factorial *= i;
    return log(factorial) - 0.5 * log(2 * PI * n) - n * log(n) + n;
}

/* x ln(x/m) + m - x, x > 0, by its series where x is near m. */
static double deviance(double x, double m)
{
    const double v = (x - m) / (x + m);
    double sum = (x - m) * v, term = 2 * x * v, j;

    if (fabs(x - m) >= 0.1 * (x + m))
        return x * log(x / m) + m - x;
    for (j = 3; ; j += 2) {
        const double before = sum;
        term *= v * v;
        sum += term / j;
        if (sum == before)
            return sum;
    }
}

static double probability(double n, double p, double k)
{
    if (k == 0)
        return exp(n * log1p(-p));
    if (k == n)
        return exp(n * log(p));
    return exp(stirling_error(n) - stirling_error(k) - stirling_error(n - k) - deviance(k, n * p) -
               deviance(n - k, n * (1 - p))) * sqrt(n / (2 * PI * k * (n - k)));
}

/* P[X <= k] for k below the mean: from k down. */
static double lower_tail(double n, double p, double k)
{
    double term = probability(n, p, k), sum = term;

    for (; k > 0 && term > 1e-18 * sum; k--) {
        term *= k * (1 - p) / ((n - k + 1) * p);
        sum += term;
    }
    return sum;
}

double mid__binomial_cdf(size_t n_trial, double p, size_t k_most)
{
    const double n = (double)n_trial, k = (double)k_most;

    if (k >= n || p <= 0)
        return 1;
    if (p >= 1)
        return 0;
    if (k <= n * p)
        return fmin(1, lower_tail(n, p, k));
    return fmax(0, 1 - lower_tail(n, 1 - p, n - k - 1));
}
