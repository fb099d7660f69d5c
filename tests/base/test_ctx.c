/* The context: status texts, messages, log and progress. */
#include "test.h"

#include "base/ctx.h"

TEST(ctx, every_code_has_a_name_and_a_text)
{
#define X(name, value, text)                                \
    CHECK_INT(MID_##name, value);                           \
    CHECK_TEXT(mid_status_name(MID_##name), "MID_" #name);  \
    CHECK_TEXT(mid_status_text(MID_##name), text);
    MID_STATUS_TABLE(X)
#undef X
    CHECK_TEXT(mid_status_name((mid_status)-999), "MID_UNKNOWN");
    CHECK_TEXT(mid_status_text((mid_status)5), "not a midstream status");
    CHECK_TEXT(mid_version(), MID_VERSION);
}

TEST(ctx, message_is_the_last_failure_in_one_line)
{
    mid_ctx *ctx = NULL;
    char long_text[3000];

    CHECK_OK(mid_ctx_open(&ctx));
    CHECK_TEXT(mid_ctx_message(ctx), "");
    CHECK_INT(mid__fail(ctx, MID_EIO, "%s: %d", "a\nb\x1b[2J", 7), MID_EIO);
    CHECK_TEXT(mid_ctx_message(ctx), "a?b?[2J: 7");
    CHECK_INT(mid__within(ctx, MID_EFORMAT, "plan.yaml:%d", 3), MID_EFORMAT);
    CHECK_TEXT(mid_ctx_message(ctx), "plan.yaml:3: a?b?[2J: 7");
    mid__fail(ctx, MID_EIO, "again: %s", mid_ctx_message(ctx));     /* an argument may be the old message */
    CHECK_TEXT(mid_ctx_message(ctx), "again: plan.yaml:3: a?b?[2J: 7");
    CHECK_INT(mid__oom(ctx, "a row"), MID_ENOMEM);
    CHECK_TEXT(mid_ctx_message(ctx), "out of memory for a row");
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    mid__fail(ctx, MID_EIO, "%s", long_text);
    CHECK(strlen(mid_ctx_message(ctx)) > 500 && strlen(mid_ctx_message(ctx)) < sizeof long_text);
    mid_ctx_close(ctx);
}

TEST(ctx, no_context_is_fine)
{
    mid__stage stage;

    CHECK_INT(mid__fail(NULL, MID_EIO, "%d", 1), MID_EIO);
    CHECK_INT(mid__within(NULL, MID_EIO, "%d", 1), MID_EIO);
    mid__log(NULL, MID_LOG_WARN, "%d", 1);
    mid__stage_begin(&stage, NULL, 1, "x", "y");
    CHECK_OK(mid__stage_step(&stage, 1));
    CHECK_TEXT(mid_ctx_message(NULL), "");
    mid_ctx_close(NULL);
}

static void keep_line(void *user, mid_log_level level, const char *line)
{
    snprintf(user, 100, "%d %s", (int)level, line);
}

TEST(ctx, log)
{
    mid_ctx *ctx = NULL;
    char line[100] = "";

    CHECK_OK(mid_ctx_open(&ctx));
    mid__log(ctx, MID_LOG_WARN, "unheard");
    mid_ctx_set_log(ctx, keep_line, line);
    mid__log(ctx, MID_LOG_WARN, "x = %d\n", 5);
    CHECK_TEXT(line, "2 x = 5?");
    CHECK_TEXT(mid_ctx_message(ctx), "");           /* a log line is no failure */
    mid_ctx_close(ctx);
}

struct heard { mid_progress last; char stage[120]; int n, stop_at; };

static bool keep_progress(void *user, const mid_progress *p)
{
    struct heard *h = user;

    h->last = *p;
    snprintf(h->stage, sizeof h->stage, "%s", p->stage);
    return ++h->n != h->stop_at;
}

TEST(ctx, progress_counts_and_can_stop)
{
    struct heard h = { .stop_at = 4 };
    mid__stage stage;
    mid_ctx *ctx = NULL;

    CHECK_OK(mid_ctx_open(&ctx));
    mid_ctx_set_progress(ctx, keep_progress, &h);
    mid__stage_begin(&stage, ctx, 10, "answers", "reading %s", "xs");
    CHECK_TEXT(h.stage, "reading xs");
    CHECK_TEXT(h.last.unit, "answers");
    CHECK(h.last.done == 0 && h.last.total == 10 && h.last.eta_s < 0);
    CHECK_OK(mid__stage_step(&stage, 4));
    CHECK_INT(h.last.done, 4);
    CHECK_NEAR(h.last.eta_s, h.last.elapsed_s * 6 / 4, 1e-12);
    CHECK_OK(mid__stage_step(&stage, 5));
    CHECK_INT(mid__stage_step(&stage, 1), MID_ECANCEL);
    CHECK_TEXT(mid_ctx_message(ctx), "stopped while at: reading xs");
    mid_ctx_close(ctx);
}
