/* A table as JSON lines: an object a row. What is not UTF-8 is U+FFFD; null, NaN and infinities are null. */
#include "base/ctx.h"
#include "bench/json.h"
#include "exchange/table.h"

enum { PENDING_BYTES = 1 << 16 };

struct lines { mid__file_out out; mid__buf pending; const mid__column *column; size_t n; };

static mid_status open_lines(mid_ctx *ctx, void *state, const char *path, const mid__column *column, size_t n)
{
    struct lines *l = state;
    mid__buf file = { 0 };
    mid_status status = mid__buf_fmt(&file, "%s.jsonl", path) ? mid__file_begin(ctx, file.at, &l->out)
                        : mid__oom(ctx, path);

    l->column = column;
    l->n = n;
    mid__buf_clear(&file);
    return status;
}

static mid_status flush(mid_ctx *ctx, struct lines *l)
{
    const mid_status status = l->pending.failed ? mid__oom(ctx, l->out.path)
                              : mid__file_put(ctx, &l->out, l->pending.at, l->pending.n);

    l->pending.n = 0;
    return status;
}

static mid_status put_row(mid_ctx *ctx, void *state, const mid__cell *cell)
{
    struct lines *l = state;
    mid__buf *b = &l->pending;
    size_t i;

    for (i = 0; i < l->n; i++) {
        mid__buf_text(b, i ? "," : "{");
        mid__json_text(b, l->column[i].name);
        mid__buf_text(b, ":");
        if (cell[i].null)
            mid__buf_text(b, "null");
        else if (l->column[i].kind == MID__INT64)
            mid__buf_fmt(b, "%lld", (long long)cell[i].whole);
        else if (l->column[i].kind >= MID__TEXT)
            mid__json_bytes(b, cell[i].bytes, cell[i].n);
        else
            mid__json_number(b, cell[i].real);
    }
    mid__buf_text(b, "}\n");
    return b->n < PENDING_BYTES && !b->failed ? MID_OK : flush(ctx, l);
}

static mid_status commit(mid_ctx *ctx, void *state)
{
    const mid_status status = flush(ctx, state);

    return status == MID_OK ? mid__file_commit(ctx, &((struct lines *)state)->out) : status;
}

static void close_lines(void *state)
{
    struct lines *l = state;

    mid__file_discard(&l->out);
    mid__buf_clear(&l->pending);
}

const mid__table_ops mid__table_jsonl = {
    .name = "jsonl", .texts = true, .state_size = sizeof(struct lines),
    .open = open_lines, .row = put_row, .commit = commit, .close = close_lines,
};
