/* A stream tells how often a member was consulted so far; when that rises at a token, the member has read up to
 * there. */
#include "bench/consulted.h"

#include "monitor/monitor.h"

/* Of one answer. */
struct count { uint64_t calls[MID__MEMBER_MAX]; uint32_t upto[MID__MEMBER_MAX]; };

static void note(void *user, const mid_stream *stream, uint32_t i_tok)
{
    struct count *c = user;
    size_t i;

    for (i = 0; i < MID__MEMBER_MAX; i++) {
        const uint64_t now = mid_stream_calls(stream, i);
        if (now > c->calls[i])
            c->upto[i] = i_tok + 1;
        c->calls[i] = now;
    }
}

mid_status mid__consulted_score(mid_ctx *ctx, mid_stream *stream, const mid_monitor_ops *ops, const mid_trace *trace,
                                double *score, float *cost_us, mid__consulted *sum)
{
    struct count c = { { 0 }, { 0 } };
    const mid_status status = mid__stream_score(ctx, stream, trace, score, cost_us, ops->calls && sum ? note : NULL, &c);
    size_t i;

    if (status != MID_OK || !ops->calls || !sum)
        return status;
    for (i = 0; i < MID__MEMBER_MAX; i++) {
        sum->calls[i] += (double)c.calls[i];
        sum->read[i] += c.upto[i];
    }
    sum->n_tok += mid_trace_n_tok(trace);
    return MID_OK;
}

bool mid__consulted_spares(const mid__consulted *sum, size_t n_member)
{
    size_t i;

    for (i = 0; i < n_member; i++)
        if (sum->calls[i] < sum->n_tok)
            return true;
    return false;
}
