/* The context: last message, log and progress callbacks. The library itself never prints. */
#include "base/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MESSAGE_BYTES = 1024 };

struct mid_ctx {
    char message[MESSAGE_BYTES];
    mid_log_fn log;
    void *log_user;
    mid_progress_fn progress;
    void *progress_user;
    const struct mid_monitor_ops **monitor;     /* (n_monitor) */
    size_t n_monitor;
};

const char *mid_version(void) { return MID_VERSION; }

const char *mid_status_name(mid_status status)
{
    switch ((int)status) {
#define X(name, value, text) case value: return "MID_" #name;
    MID_STATUS_TABLE(X)
#undef X
    default: return "MID_UNKNOWN";
    }
}

const char *mid_status_text(mid_status status)
{
    switch ((int)status) {
#define X(name, value, text) case value: return text;
    MID_STATUS_TABLE(X)
#undef X
    default: return "not a midstream status";
    }
}

mid_status mid_ctx_open(mid_ctx **out)
{
    mid_ctx *ctx = calloc(1, sizeof *ctx);

    if (!ctx)
        return MID_ENOMEM;
    *out = ctx;
    return MID_OK;
}

void mid_ctx_close(mid_ctx *ctx)
{
    if (ctx)
        free(ctx->monitor);
    free(ctx);
}

mid_status mid__ctx_keep_monitor(mid_ctx *ctx, const struct mid_monitor_ops *ops)
{
    const struct mid_monitor_ops **more = realloc(ctx->monitor, (ctx->n_monitor + 1) * sizeof *more);

    if (!more)
        return mid__oom(ctx, "a monitor");
    ctx->monitor = more;
    ctx->monitor[ctx->n_monitor++] = ops;
    return MID_OK;
}

const struct mid_monitor_ops *mid__ctx_monitor(const mid_ctx *ctx, size_t i)
{
    return ctx && i < ctx->n_monitor ? ctx->monitor[i] : NULL;
}

const char *mid_ctx_message(const mid_ctx *ctx) { return ctx ? ctx->message : ""; }

void mid_ctx_set_log(mid_ctx *ctx, mid_log_fn fn, void *user)
{
    ctx->log = fn;
    ctx->log_user = user;
}

void mid_ctx_set_progress(mid_ctx *ctx, mid_progress_fn fn, void *user)
{
    ctx->progress = fn;
    ctx->progress_user = user;
}

/* A message is one line: control characters of the input it quotes become '?'. */
static void one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

mid_status mid__fail(mid_ctx *ctx, mid_status status, const char *fmt, ...)
{
    char text[MESSAGE_BYTES];       /* apart, since an argument may be the old message */
    va_list args;

    if (!ctx)
        return status;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    one_line(text);
    memcpy(ctx->message, text, sizeof text);
    return status;
}

mid_status mid__oom(mid_ctx *ctx, const char *what)
{
    return mid__fail(ctx, MID_ENOMEM, "out of memory for %s", what);
}

mid_status mid__within(mid_ctx *ctx, mid_status status, const char *fmt, ...)
{
    char where[MESSAGE_BYTES / 2];
    va_list args;

    if (!ctx)
        return status;
    va_start(args, fmt);
    vsnprintf(where, sizeof where, fmt, args);
    va_end(args);
    return mid__fail(ctx, status, "%s: %s", where, ctx->message);
}

void mid__log(mid_ctx *ctx, mid_log_level level, const char *fmt, ...)
{
    char line[MESSAGE_BYTES];
    va_list args;

    if (!ctx || !ctx->log)
        return;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    one_line(line);
    ctx->log(ctx->log_user, level, line);
}

double mid__now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static mid_status report(mid__stage *stage)
{
    mid_ctx *ctx = stage->ctx;
    mid_progress p;

    if (!ctx || !ctx->progress)
        return MID_OK;
    p.stage = stage->name;
    p.done = stage->done;
    p.total = stage->total;
    p.unit = stage->unit;
    p.elapsed_s = stage->last_s - stage->start_s;
    p.eta_s = -1;
    if (stage->done > 0 && stage->total >= stage->done)
        p.eta_s = p.elapsed_s * (double)(stage->total - stage->done) / (double)stage->done;
    if (!ctx->progress(ctx->progress_user, &p))
        return mid__fail(ctx, MID_ECANCEL, "stopped while at: %s", stage->name);
    return MID_OK;
}

void mid__stage_begin(mid__stage *stage, mid_ctx *ctx, uint64_t total, const char *unit, const char *fmt, ...)
{
    va_list args;

    memset(stage, 0, sizeof *stage);
    stage->ctx = ctx;
    stage->unit = unit;
    stage->total = total;
    va_start(args, fmt);
    vsnprintf(stage->name, sizeof stage->name, fmt, args);
    va_end(args);
    stage->start_s = stage->last_s = mid__now_s();
    (void)report(stage);            /* a wish to stop is heard at the first step */
}

mid_status mid__stage_step(mid__stage *stage, uint64_t n_done)
{
    stage->done += n_done;
    if (stage->total && stage->done > stage->total)
        stage->done = stage->total;     /* a last group may be smaller than its unit */
    stage->last_s = mid__now_s();
    return report(stage);
}
