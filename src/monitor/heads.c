/* Checks on attention heads. */
#include "monitor/heads.h"

#include "base/ctx.h"

mid_status mid__heads_expect(mid_ctx *ctx, const char *monitor, const mid_signals *s)
{
    if (s->n_head_layer >= 1 && s->n_head >= s->n_head_layer && s->n_head % s->n_head_layer == 0)
        return MID_OK;
    return mid__fail(ctx, MID_ESIGNAL, "%s needs attention heads; this source has %d, %d per layer", monitor, s->n_head,
                     s->n_head_layer);
}

mid_status mid__heads_same(mid_ctx *ctx, const char *monitor, const mid_fit_set *set)
{
    const mid_signals *first = mid_trace_signals(set->answer[0].trace);
    size_t i;

    for (i = 1; i < set->n; i++) {
        const mid_signals *s = mid_trace_signals(set->answer[i].trace);
        if (s->n_head != first->n_head || s->n_head_layer != first->n_head_layer)
            return mid__fail(ctx, MID_EMISMATCH, "answer %zu has %d attention heads, answer 0 has %d: fit on one kind", i,
                             s->n_head, first->n_head);
    }
    return mid__heads_expect(ctx, monitor, first);
}
