/* What a token's distribution says about it, as the trained grey monitors read it. */
#ifndef MID_MONITOR_LOGPROB_H
#define MID_MONITOR_LOGPROB_H

#include <math.h>

#include "midstream/trace.h"

/* -ln p and H, in nats. False if one is missing or no number. */
static inline bool mid__surprisal_entropy(const mid_step *step, float *x)
{
    x[0] = -step->lp;
    x[1] = step->entropy_nats;
    return !((MID_SIG_LOGPROB | MID_SIG_ENTROPY) & ~step->have) && isfinite(x[0]) && isfinite(x[1]);
}

/* And the margin: ln of how much more likely the most likely token is than the second. */
static inline bool mid__surprisal_entropy_margin(const mid_step *step, float *x)
{
    if (!mid__surprisal_entropy(step, x) || !(step->have & MID_SIG_TOP) || step->n_top < 2)
        return false;
    x[2] = step->top_lp[0] - step->top_lp[1];
    return isfinite(x[2]);
}

#endif
