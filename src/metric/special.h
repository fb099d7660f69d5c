/* Distributions that tests compare with: tails, to about 12 digits. */
#ifndef MID_METRIC_SPECIAL_H
#define MID_METRIC_SPECIAL_H

/* P[X > x], X ~ chi-squared with df degrees of freedom; x >= 0, df > 0. */
double mid__chi2_above(double x, double df);
/* P[X > x], X ~ F with df1 and df2 degrees of freedom; x >= 0, INFINITY included. */
double mid__f_above(double x, double df1, double df2);
/* P[range of k independent standard normals <= q]: the studentized range with infinitely many degrees of freedom. */
double mid__range_below(double q, double k);
/* The q of which mid__range_below() is p, 0 < p < 1. */
double mid__range_quantile(double p, double k);

#endif
