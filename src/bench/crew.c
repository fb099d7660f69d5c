/* Messages between the ranks of a run. They are bytes in the order of this machine: an order names its answers' keys,
 * which hold the engine's build, so that ranks of different machines part before a number is read wrongly.
 *
 *   order    i_data is_second n, then of each answer: i_read, key, whether a server said something, and what
 *   answer   status, then its message; or, for MID_OK, judged and of each trace: how many bytes, and these */
#include "bench/crew.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

bool mid__crew_works(const mid__run *run) { return run->opts->crew && run->opts->crew->n_rank > 1; }

bool mid__crew_is_hand(const mid__run *run) { return mid__crew_works(run) && run->opts->crew->rank > 0; }

struct reader { const char *at; size_t n; };

static bool take(struct reader *r, void *to, size_t n)
{
    if (n > r->n)
        return false;
    memcpy(to, r->at, n);
    r->at += n;
    r->n -= n;
    return true;
}

static const char *take_text(struct reader *r)
{
    const char *text = r->at, *end = memchr(r->at, 0, r->n);

    if (!end)
        return NULL;
    r->n -= (size_t)(end + 1 - text);
    r->at = end + 1;
    return text;
}

static mid_status send_buf(mid_ctx *ctx, const mid_crew *crew, int rank, mid__buf *b)
{
    mid_status status = b->failed ? mid__oom(ctx, "a message") : crew->send(crew->user, rank, b->at, b->n);

    if (status != MID_OK && !b->failed)
        status = mid__fail(ctx, status, "rank %d cannot be reached", rank);
    mid__buf_clear(b);
    return status;
}

static mid_status receive(mid_ctx *ctx, const mid_crew *crew, int rank, void **bytes, struct reader *r)
{
    size_t n = 0;
    const mid_status status = crew->receive(crew->user, rank, bytes, &n);

    if (status != MID_OK)
        return mid__fail(ctx, status, "nothing comes from rank %d: it has ended; run again, and only what is missing is "
                         "made", rank);
    *r = (struct reader){ *bytes, n };
    return MID_OK;
}

static mid_status garbled(mid_ctx *ctx, int rank)
{
    return mid__fail(ctx, MID_EFORMAT, "rank %d says what is no message: start the same midstream on all ranks", rank);
}

mid_status mid__crew_order(mid_ctx *ctx, const mid_crew *crew, int rank, const mid__order *order)
{
    mid__buf b = { 0 };
    uint32_t i;

    mid__buf_put(&b, &order->i_data, sizeof order->i_data);
    mid__buf_put(&b, &order->is_second, sizeof order->is_second);
    mid__buf_put(&b, &order->n, sizeof order->n);
    for (i = 0; i < order->n; i++) {
        const char *said = order->answer[i].said;
        const uint8_t has_said = said != NULL;
        mid__buf_put(&b, &order->answer[i].i_read, sizeof order->answer[i].i_read);
        mid__buf_put(&b, &order->answer[i].key, sizeof order->answer[i].key);
        mid__buf_put(&b, &has_said, 1);
        if (said)
            mid__buf_put(&b, said, strlen(said) + 1);
    }
    return send_buf(ctx, crew, rank, &b);
}

void mid__crew_dismiss(const mid_crew *crew)
{
    const mid__order none = { .i_data = UINT32_MAX };
    int rank;

    for (rank = 1; rank < crew->n_rank; rank++)
        (void)mid__crew_order(NULL, crew, rank, &none);
}

mid_status mid__crew_wait(mid_ctx *ctx, const mid_crew *crew, mid__order *order)
{
    struct reader r = { NULL, 0 };
    uint8_t has_said;
    uint32_t i;
    bool ok;
    mid_status status;

    memset(order, 0, sizeof *order);
    status = receive(ctx, crew, 0, &order->bytes, &r);
    if (status != MID_OK)
        return status;
    ok = take(&r, &order->i_data, sizeof order->i_data) && take(&r, &order->is_second, sizeof order->is_second) &&
         take(&r, &order->n, sizeof order->n) && order->n <= MID_GROUP_N;
    for (i = 0; ok && i < order->n; i++) {
        ok = take(&r, &order->answer[i].i_read, sizeof order->answer[i].i_read) &&
             take(&r, &order->answer[i].key, sizeof order->answer[i].key) && take(&r, &has_said, 1);
        if (ok && has_said)
            ok = (order->answer[i].said = take_text(&r)) != NULL;
    }
    if (ok && r.n == 0)
        return MID_OK;
    mid__order_clear(order);
    return garbled(ctx, 0);
}

void mid__order_clear(mid__order *order)
{
    free(order->bytes);
    memset(order, 0, sizeof *order);
}

mid_status mid__crew_hand_in(mid_ctx *ctx, const mid_crew *crew, size_t n, mid_trace *const *trace,
                             const mid__judged *judged)
{
    const int32_t code = MID_OK;
    mid__buf b = { 0 };
    mid_status status = MID_OK;
    size_t i;

    mid__buf_put(&b, &code, sizeof code);
    mid__buf_put(&b, judged, sizeof *judged);
    for (i = 0; status == MID_OK && i < n; i++) {
        void *bytes = NULL;
        size_t n_byte = 0;
        status = mid_trace_pack(ctx, trace[i], &bytes, &n_byte);
        mid__buf_put(&b, &n_byte, sizeof n_byte);
        mid__buf_put(&b, bytes, n_byte);
        mid_free(bytes);
    }
    if (status == MID_OK)
        return send_buf(ctx, crew, 0, &b);
    mid__buf_clear(&b);
    return status;
}

void mid__crew_fail(mid_ctx *ctx, const mid_crew *crew, mid_status status)
{
    const int32_t code = status;
    mid__buf b = { 0 };

    mid__buf_put(&b, &code, sizeof code);
    mid__buf_put(&b, mid_ctx_message(ctx), strlen(mid_ctx_message(ctx)) + 1);
    (void)send_buf(NULL, crew, 0, &b);          /* where rank 0 is gone nobody needs to be told */
}

static mid_status read_answer(mid_ctx *ctx, int rank, struct reader *r, size_t n, mid_trace **trace,
                              mid__judged *judged)
{
    int32_t code = MID_OK;
    const char *message;
    size_t i, n_byte = 0;
    bool ok = take(r, &code, sizeof code);
    mid_status status = MID_OK;

    if (ok && code != MID_OK) {
        message = take_text(r);
        return mid__fail(ctx, (mid_status)code, "rank %d: %s", rank, message ? message : "failed");
    }
    ok = ok && take(r, judged, sizeof *judged);
    for (i = 0; ok && status == MID_OK && i < n; i++) {
        ok = take(r, &n_byte, sizeof n_byte) && n_byte <= r->n;
        if (!ok)
            break;
        status = mid_trace_unpack(ctx, r->at, n_byte, &trace[i]);
        r->at += n_byte;
        r->n -= n_byte;
    }
    if (status == MID_OK && (!ok || r->n))
        status = garbled(ctx, rank);
    return status;
}

mid_status mid__crew_collect(mid_ctx *ctx, const mid_crew *crew, int rank, size_t n, mid_trace **trace,
                             mid__judged *judged)
{
    struct reader r = { NULL, 0 };
    void *bytes = NULL;
    size_t i;
    mid_status status = receive(ctx, crew, rank, &bytes, &r);

    memset(trace, 0, n * sizeof *trace);
    if (status == MID_OK)
        status = read_answer(ctx, rank, &r, n, trace, judged);
    for (i = 0; status != MID_OK && i < n; i++) {
        mid_trace_close(trace[i]);
        trace[i] = NULL;
    }
    free(bytes);
    return status;
}
