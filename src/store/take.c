/* One store's rows into another. What both have stays as it is here: under a key is what was made from the same things,
 * and only its times differ. Each put finds out by itself what is there, so taking twice is taking once. */
#include "base/ctx.h"
#include "store/db.h"

struct taking { mid_ctx *ctx; mid_store *store, *from; };

typedef mid_status (*row_fn)(struct taking *t, sqlite3_stmt *row);

static const char *text_of(sqlite3_stmt *row, int i_column)
{
    const char *text = (const char *)sqlite3_column_text(row, i_column);

    return text ? text : "";
}

static mid_key key_of(sqlite3_stmt *row, int i_column)
{
    mid_key key;

    sqlite3_snprintf(sizeof key.hex, key.hex, "%s", text_of(row, i_column));
    return key;
}

/* fn on every row that sql gives of the store that is taken from. */
static mid_status each(struct taking *t, const char *sql, row_fn fn)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(t->from->sqlite, sql, -1, &row, NULL);
    mid_status status = MID_OK;

    while (code == SQLITE_OK && status == MID_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        status = fn(t, row);
        code = SQLITE_OK;
    }
    if (status == MID_OK && code != SQLITE_DONE)
        status = mid__db_fail(t->ctx, t->from, "read");
    sqlite3_finalize(row);
    return status;
}

static bool has(mid_store *store, const char *sql, sqlite3_stmt *row)
{
    sqlite3_stmt *stmt = NULL;
    bool found;
    int i;

    sqlite3_prepare_v2(store->sqlite, sql, -1, &stmt, NULL);
    for (i = 0; i < 2; i++)
        sqlite3_bind_value(stmt, i + 1, sqlite3_column_value(row, i));
    found = sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return found;
}

static mid_status take_trace(struct taking *t, sqlite3_stmt *row)
{
    const mid_key key = key_of(row, 0);
    mid_trace *trace = NULL;
    mid_status status;

    if (mid_store_has_trace(t->store, &key))
        return MID_OK;
    status = mid_store_get_trace(t->ctx, t->from, &key, &trace);
    if (status == MID_OK)
        status = mid_store_put_trace(t->ctx, t->store, &key, text_of(row, 1), trace);
    mid_trace_close(trace);
    return status;
}

static mid_status take_blob(struct taking *t, sqlite3_stmt *row)
{
    const mid_key key = key_of(row, 1);
    void *bytes = NULL;
    size_t n = 0;
    mid_status status;

    if (has(t->store, "SELECT 1 FROM blob WHERE kind=? AND key=?", row))
        return MID_OK;
    status = mid_store_get_blob(t->ctx, t->from, text_of(row, 0), &key, &bytes, &n);
    if (status == MID_OK)
        status = mid_store_put_blob(t->ctx, t->store, text_of(row, 0), &key, bytes, n);
    mid_free(bytes);
    return status;
}

static mid_status take_label(struct taking *t, sqlite3_stmt *row)
{
    const mid_key key = key_of(row, 0);
    mid_label label;
    mid_status status;

    if (has(t->store, "SELECT 1 FROM label WHERE trace=? AND labeler=?", row))
        return MID_OK;
    status = mid_store_get_label(t->ctx, t->from, &key, text_of(row, 1), &label);
    return status == MID_OK ? mid_store_put_label(t->ctx, t->store, &key, text_of(row, 1), &label) : status;
}

static mid_status take_fact(struct taking *t, sqlite3_stmt *row)
{
    char *value = NULL;

    if (mid_store_get_fact(NULL, t->store, text_of(row, 0), &value) == MID_OK) {
        mid_free(value);
        return MID_OK;
    }
    return mid_store_put_fact(t->ctx, t->store, text_of(row, 0), text_of(row, 1));
}

mid_status mid__store_take(mid_ctx *ctx, mid_store *store, mid_store *from)
{
    struct taking t = { ctx, store, from };
    mid_status status = mid__db_exec(ctx, from, "BEGIN", "read");       /* one state of it, whoever writes meanwhile */

    if (status != MID_OK)
        return status;
    status = mid_store_begin(ctx, store);
    if (status == MID_OK)
        status = each(&t, "SELECT key, sample_id FROM trace", take_trace);
    if (status == MID_OK)
        status = each(&t, "SELECT kind, key FROM blob WHERE kind<>'trace'", take_blob);
    if (status == MID_OK)
        status = each(&t, "SELECT trace, labeler FROM label", take_label);
    if (status == MID_OK)
        status = each(&t, "SELECT name, value FROM fact", take_fact);
    if (status == MID_OK)
        status = mid_store_commit(ctx, store);
    if (status != MID_OK)
        mid_store_rollback(store);
    sqlite3_exec(from->sqlite, "COMMIT", NULL, NULL, NULL);             /* it only read */
    return status;
}

mid_status mid__store_facts(mid_ctx *ctx, mid_store *store, mid__fact_fn fn, void *user)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(store->sqlite, "SELECT name, value FROM fact ORDER BY name", -1, &row, NULL);
    mid_status status = MID_OK;

    while (code == SQLITE_OK && status == MID_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        status = fn(user, ctx, text_of(row, 0), text_of(row, 1));
        code = SQLITE_OK;
    }
    if (status == MID_OK && code != SQLITE_DONE)
        status = mid__db_fail(ctx, store, "read");
    sqlite3_finalize(row);
    return status;
}
