/* The three bounds.
 *  - mean: conformal risk control (Angelopoulos et al. 2022, arXiv 2208.02814) for losses in 0 .. 1; with alarms or
 *    misses as the loss it is split conformal prediction.
 *  - exact: the binomial tail, that is Clopper & Pearson 1934 read as a test (Bates et al. 2021, arXiv 2101.02703;
 *    Learn then Test, arXiv 2110.01052, for the walk).
 *  - Hoeffding-Bentkus (as in both): with r the mean loss, min(exp(-n kl(r, rate)), e P[Bin(n, rate) <= ceil(n r)]).
 * Products that should be whole numbers are compared with a guard of 1e-9: .05 * (19 + 1) must allow one. */
#include "calibrate/bound.h"

#include <math.h>

#include "calibrate/binomial.h"

#define GUARD 1e-9
#define E 2.71828182845904523536

double mid__hoeffding_bentkus(double error, size_t n, double rate)
{
    const double r = error / (double)n;
    double kl, hoeffding, bentkus;

    if (r >= rate)
        return 1;
    kl = (r > 0 ? r * log(r / rate) : 0) + (1 - r) * log((1 - r) / (1 - rate));
    hoeffding = exp(-(double)n * kl);
    bentkus = E * mid__binomial_cdf(n, rate, (size_t)fmax(0, ceil(error - GUARD)));
    return fmin(1, fmin(hoeffding, bentkus));
}

bool mid__bound_keeps(const mid__bound *bound, double error, size_t n, double rate)
{
    if (n == 0)
        return false;
    switch (bound->method) {
    case MID__MEAN:
        return error + 1 <= rate * (double)(n + 1) + GUARD;
    case MID__EXACT:
        return mid__binomial_cdf(n, rate, (size_t)error) <= bound->delta * (1 + GUARD);
    case MID__HOEFFDING_BENTKUS:
        return mid__hoeffding_bentkus(error, n, rate) <= bound->delta * (1 + GUARD);
    }
    return false;
}

double mid__bound_rate(const mid__bound *bound, double error, size_t n)
{
    double low = 0, high = 1 - 1e-6, scale, digits;

    if (!mid__bound_keeps(bound, error, n, high))
        return INFINITY;
    while (high - low > 1e-12 * high) {
        const double middle = (low + high) / 2;
        if (mid__bound_keeps(bound, error, n, middle))
            high = middle;
        else
            low = middle;
    }
    scale = pow(10, 3 - floor(log10(high)));
    digits = ceil(high * scale - GUARD);
    while (digits < scale && !mid__bound_keeps(bound, error, n, digits / scale))
        digits += 1;
    return digits < scale ? digits / scale : INFINITY;
}

size_t mid__bound_needs(const mid__bound *bound, double rate)
{
    const double n = bound->method == MID__MEAN ? (1 - GUARD) / rate - 1
                     : (1 - GUARD) * log(bound->delta) / log1p(-rate);

    return n > 1 ? (size_t)fmin(ceil(n), 1e18) : 1;
}
