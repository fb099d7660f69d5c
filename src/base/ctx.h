/* The context from inside: how every room reports a failure, a log line, progress. */
#ifndef MID_BASE_CTX_H
#define MID_BASE_CTX_H

#include "midstream/base.h"

/* Set the context's message and return status, so that a failure is one line: return mid__fail(ctx, MID_EIO, "...", ...).
 * ctx may be NULL. */
mid_status mid__fail(mid_ctx *ctx, mid_status status, const char *fmt, ...) MID_PRINTF(3, 4);
/* "out of memory" with what it was for. */
mid_status mid__oom(mid_ctx *ctx, const char *what);
/* Put "where: " before the message of a failure that a deeper call reported; returns status. */
mid_status mid__within(mid_ctx *ctx, mid_status status, const char *fmt, ...) MID_PRINTF(3, 4);

void mid__log(mid_ctx *ctx, mid_log_level level, const char *fmt, ...) MID_PRINTF(3, 4);

/* Progress of one stage: begin, then step as work gets done. step returns MID_ECANCEL when the caller asked to stop. */
typedef struct mid__stage {
    mid_ctx *ctx;
    char name[120];
    const char *unit;
    uint64_t done, total;
    double start_s, last_s;
} mid__stage;
void mid__stage_begin(mid__stage *stage, mid_ctx *ctx, uint64_t total, const char *unit, const char *fmt, ...) MID_PRINTF(5, 6);
mid_status mid__stage_step(mid__stage *stage, uint64_t n_done);

/* What mid_ctx_add_monitor() added, borrowed: the i-th, NULL behind the last. Base keeps the list and looks at nothing in it. */
struct mid_monitor_ops;
mid_status mid__ctx_keep_monitor(mid_ctx *ctx, const struct mid_monitor_ops *ops);
const struct mid_monitor_ops *mid__ctx_monitor(const mid_ctx *ctx, size_t i);

/* Seconds of a clock that never jumps. */
double mid__now_s(void);

#endif
