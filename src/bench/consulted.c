/* A stream tells how often a member was consulted so far; when that rises at a token, the member has read up to
 * there. */
#include "bench/consulted.h"

#include <stdlib.h>

#include "base/ctx.h"

static void note(const mid_stream *stream, uint32_t t, uint64_t *calls, uint32_t *upto)
{
    size_t i;

    for (i = 0; i < MID__MEMBER_MAX; i++) {
        const uint64_t now = mid_stream_calls(stream, i);
        if (now > calls[i])
            upto[i] = t;
        calls[i] = now;
    }
}

mid_status mid__consulted_add(mid_ctx *ctx, mid_stream *stream, const mid_monitor_ops *ops, const mid_trace *trace,
                              mid__consulted *sum)
{
    const uint32_t n_tok = mid_trace_n_tok(trace);
    float *scratch = ops->calls ? malloc((mid_trace_scratch(trace) + 1) * sizeof *scratch) : NULL;
    uint64_t calls[MID__MEMBER_MAX] = { 0 };
    uint32_t upto[MID__MEMBER_MAX] = { 0 }, t;
    mid_prompt prompt;
    mid_step step;
    double score;
    size_t i;
    mid_status status;

    if (!ops->calls)
        return MID_OK;
    if (!scratch)
        return mid__oom(ctx, ops->name);
    mid_trace_prompt(trace, scratch, &prompt);
    status = mid_stream_start(stream, &prompt);
    for (t = 1; status == MID_OK && t <= n_tok; t++) {
        mid_trace_step(trace, t - 1, scratch, &step);
        status = mid_stream_push(stream, &step, &score);
        note(stream, t, calls, upto);
    }
    for (i = 0; i < MID__MEMBER_MAX; i++) {
        sum->calls[i] += (double)calls[i];
        sum->read[i] += upto[i];
    }
    sum->n_tok += n_tok;
    free(scratch);
    return status;
}

bool mid__consulted_spares(const mid__consulted *sum, size_t n_member)
{
    size_t i;

    for (i = 0; i < n_member; i++)
        if (sum->calls[i] < sum->n_tok)
            return true;
    return false;
}
