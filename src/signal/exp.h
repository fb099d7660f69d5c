/* e^x on lanes, for sums over a row of logits.
 * e^x for x <= 0 is 2^n p(r), |r| <= ln(2)/2, p the degree-6 Taylor polynomial (error < 2^-23); below -87 it is to be
 * taken at -87, 1.6e-38, which no sum that holds e^0 can feel. */
#ifndef MID_SIGNAL_EXP_H
#define MID_SIGNAL_EXP_H

#include "base/kernel.h"

typedef mid__lanes lanes;
typedef mid__int_lanes int_lanes;

static inline __attribute__((always_inline)) lanes pick(int_lanes mask, lanes yes, lanes no)
{
    return (lanes)((mask & (int_lanes)yes) | (~mask & (int_lanes)no));
}

/* The larger of each lane and low; NaN becomes low. */
static inline __attribute__((always_inline)) lanes at_least(lanes x, float low)
{
    const lanes all_low = mid__lanes_of(low);

    return pick(x > all_low, x, all_low);
}

/* e^x for -87 <= x <= 0. */
static inline __attribute__((always_inline)) lanes exp_of(lanes x)
{
    const lanes magic = mid__lanes_of(12582912.0f);         /* 1.5 * 2^23: adding it rounds to an integer */
    const lanes n = (x * 1.44269504f + magic) - magic;
    const lanes r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    const int_lanes bits = (__builtin_convertvector(n, int_lanes) + 127) << 23;
    lanes p = mid__lanes_of(1.0f / 720.0f);

    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * (lanes)bits;
}

/* The lanes added up in double, in their order. */
static inline __attribute__((always_inline)) double lanes_sum(lanes x)
{
    double sum = 0;
    int k;

    for (k = 0; k < MID__N_LANE; k++)
        sum += (double)x[k];
    return sum;
}

#endif
