/* Distributions.
 *  - chi-squared by the regularised incomplete gamma function, F by that of beta: the series or continued fraction that
 *    converges fast on the side in question (DLMF 8.7.1, 8.9.2 and 8.17.22), the latter by Lentz's method
 *  - the range of k normals: the smallest lies at z and the k - 1 others in z .. z + q (Tippett 1925; Hartley 1942)
 *        P(q) = k integral phi(z) [Phi(z + q) - Phi(z)]^(k - 1) dz,
 *    by the trapezoidal rule, whose error falls faster than any power of the step for such integrands */
#include "metric/special.h"

#include <float.h>
#include <math.h>

#define TINY 1e-300
enum { TERM_MAX = 100000 };

/* ---- gamma ------------------------------------------------------------------------------------------------------- */

static double gamma_below(double a, double x)
{
    double term = 1 / a, sum = term;
    int i;

    for (i = 1; i < TERM_MAX && term > sum * DBL_EPSILON / 4; i++) {
        term *= x / (a + i);
        sum += term;
    }
    return sum * exp(a * log(x) - x - lgamma(a));
}

static double gamma_above(double a, double x)
{
    double b = x + 1 - a, c = 1 / TINY, d = 1 / b, h = d;
    int i;

    for (i = 1; i < TERM_MAX; i++) {
        const double an = -i * (i - a);
        b += 2;
        d = an * d + b;
        c = b + an / c;
        d = 1 / (fabs(d) < TINY ? TINY : d);
        c = fabs(c) < TINY ? TINY : c;
        h *= d * c;
        if (fabs(d * c - 1) < DBL_EPSILON)
            break;
    }
    return h * exp(a * log(x) - x - lgamma(a));
}

double mid__chi2_above(double x, double df)
{
    const double a = df / 2, half = x / 2;

    if (half <= 0)
        return 1;
    return half < a + 1 ? 1 - gamma_below(a, half) : gamma_above(a, half);
}

/* ---- beta -------------------------------------------------------------------------------------------------------- */

/* The continued fraction of I_x(a, b), for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1), h;
    int m, odd;

    d = 1 / (fabs(d) < TINY ? TINY : d);
    h = d;
    for (m = 1; m < TERM_MAX; m++) {
        double step = 1;
        for (odd = 0; odd < 2; odd++) {
            const double e = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                                 : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + e * d;
            c = 1 + e / c;
            d = 1 / (fabs(d) < TINY ? TINY : d);
            c = fabs(c) < TINY ? TINY : c;
            step = d * c;
            h *= step;
        }
        if (fabs(step - 1) < DBL_EPSILON)
            break;
    }
    return h;
}

/* I_x(a, b), y = 1 - x. */
static double beta_below(double a, double b, double x, double y)
{
    double front;

    if (x <= 0 || y <= 0)
        return x <= 0 ? 0 : 1;
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, y) / b;
}

double mid__f_above(double x, double df1, double df2)
{
    const double share = x == INFINITY ? 0 : df2 / (df2 + df1 * x);

    return x <= 0 ? 1 : beta_below(df2 / 2, df1 / 2, share, 1 - share);
}

/* ---- range ------------------------------------------------------------------------------------------------------- */

double mid__range_below(double q, double k)
{
    const double step = 0.02, reach = 9;
    double z, sum = 0;

    if (q <= 0)
        return 0;
    for (z = -reach - q; z <= reach; z += step) {
        const double within = z > 0 ? (erfc(z * M_SQRT1_2) - erfc((z + q) * M_SQRT1_2)) / 2
                                    : (erfc(-(z + q) * M_SQRT1_2) - erfc(-z * M_SQRT1_2)) / 2;
        sum += exp(-z * z / 2) * pow(within, k - 1);
    }
    return fmin(1, k * sum * step / sqrt(2 * M_PI));
}

double mid__range_quantile(double p, double k)
{
    double low = 0, high = 1;

    while (mid__range_below(high, k) < p && high < 64)
        high *= 2;
    while (high - low > 1e-13 * high) {
        const double middle = (low + high) / 2;
        if (middle == low || middle == high)
            break;
        if (mid__range_below(middle, k) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}
