/* Bounds: how many errors on calibration prompts still allow to say that the true rate is at most so much. One
 * number of errors decides, so a rule is this predicate walked along a line of thresholds. */
#ifndef MID_CALIBRATE_BOUND_H
#define MID_CALIBRATE_BOUND_H

#include <stdbool.h>
#include <stddef.h>

typedef enum mid__method {
    MID__MEAN,                      /* (errors + 1) / (n + 1) <= rate: on average over calibration sets */
    MID__EXACT,                     /* P[Bin(n, rate) <= errors] <= delta: for errors that happen or not */
    MID__HOEFFDING_BENTKUS          /* the same for losses anywhere in 0 .. 1, which cost a little more */
} mid__method;

typedef struct mid__bound {
    mid__method method;
    double delta;                   /* share of calibration sets that may be wrong; not for MID__MEAN */
} mid__bound;

/* @param error  number of errors, or sum of losses, of n prompts. @param rate  above 0, below 1 */
bool mid__bound_keeps(const mid__bound *bound, double error, size_t n, double rate);
/* Smallest rate that is kept, rounded up to four digits so that what is printed can be asked for; INFINITY: none. */
double mid__bound_rate(const mid__bound *bound, double error, size_t n);
/* Fewest prompts that keep a rate, none of them an error. */
size_t mid__bound_needs(const mid__bound *bound, double rate);
/* p-value of "the mean loss is at least rate" by Hoeffding-Bentkus. */
double mid__hoeffding_bentkus(double error, size_t n, double rate);

#endif
