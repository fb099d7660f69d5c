/* Attention heads as monitors see them. */
#ifndef MID_MONITOR_HEADS_H
#define MID_MONITOR_HEADS_H

#include "monitor/monitor.h"

/* The MID_ATTENTION_N figures of one head. */
static inline const float *mid__head_at(const mid_step *step, size_t head)
{
    return step->attention + head * MID_ATTENTION_N;
}

/* MID_ESIGNAL if the source does not say which heads it has. */
mid_status mid__heads_expect(mid_ctx *ctx, const char *monitor, const mid_signals *signals);
/* And all answers of a fit set have the same: MID_EMISMATCH. */
mid_status mid__heads_same(mid_ctx *ctx, const char *monitor, const mid_fit_set *set);

#endif
