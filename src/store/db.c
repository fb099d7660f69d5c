/* The SQLite file: how it is opened, what a transaction promises, how a failure reads.
 *
 * WAL with synchronous=FULL: a commit returns after its log is on the disk, so what was acknowledged survives the death
 * of the process and of the power. The price is one sync per batch, little beside the seconds a batch of answers
 * takes to generate; losing the last batches on a power cut (NORMAL) would buy nothing a user can see.
 *
 * A file is ours if application_id says so, and readable if user_version is the one we know. Both are read before
 * anything is written, and until they are right closing leaves even a waiting log alone: a wrong path harms nobody. */
#include "store/db.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

enum { BUSY_TIMEOUT_MS = 10000 };

static mid_status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM: return MID_ENOMEM;
    case SQLITE_TOOBIG: return MID_ELIMIT;
    case SQLITE_NOTADB: case SQLITE_CORRUPT: case SQLITE_ERROR: case SQLITE_SCHEMA: case SQLITE_CONSTRAINT:
        return MID_EFORMAT;
    default: return MID_EIO;
    }
}

static const char *advice_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL: return "free some space and run again; what was committed is safe";
    case SQLITE_IOERR: return "what was committed is safe; check the disk and its quota, then run again";
    case SQLITE_READONLY: case SQLITE_CANTOPEN: case SQLITE_PERM:
        return "a store needs a folder and a file it may write";
    case SQLITE_BUSY: case SQLITE_LOCKED: return "another process is writing to it; wait for that or stop it";
    case SQLITE_NOTADB: return "this is no midstream store; choose another path";
    case SQLITE_CORRUPT: return "the file is damaged or cut short; restore it or begin a new one";
    case SQLITE_ERROR: case SQLITE_SCHEMA: return "its tables are not those of a store";
    default: return "run again";
    }
}

mid_status mid__db_fail(mid_ctx *ctx, const mid_store *store, const char *doing)
{
    const int code = sqlite3_extended_errcode(store->sqlite), os = sqlite3_system_errno(store->sqlite);
    const bool said = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;

    return mid__fail(ctx, status_of(code), "%s: cannot %s: %s%s%s: %s", store->path, doing,
                     sqlite3_errmsg(store->sqlite), said && os ? ", " : "", said && os ? strerror(os) : "",
                     advice_of(code));
}

mid_status mid__db_exec(mid_ctx *ctx, mid_store *store, const char *sql, const char *doing)
{
    return sqlite3_exec(store->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? MID_OK : mid__db_fail(ctx, store, doing);
}

static mid_status ask_number(mid_ctx *ctx, mid_store *store, const char *sql, int64_t *number)
{
    sqlite3_stmt *stmt = NULL;
    mid_status status = MID_OK;

    if (sqlite3_prepare_v2(store->sqlite, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        *number = sqlite3_column_int64(stmt, 0);
    else
        status = mid__db_fail(ctx, store, "open");
    sqlite3_finalize(stmt);
    return status;
}

/* Whose file is it? MID_OK with *empty for a file that is nobody's yet. Runs inside a transaction, so that the answers
 * belong together while another process makes the tables. */
static mid_status read_mark(mid_ctx *ctx, mid_store *store, bool *empty)
{
    int64_t application = 0, version = 0, n_table = 0;
    mid_status status;

    status = ask_number(ctx, store, "PRAGMA application_id", &application);
    if (status == MID_OK)
        status = ask_number(ctx, store, "PRAGMA user_version", &version);
    if (status == MID_OK)
        status = ask_number(ctx, store, "SELECT count(*) FROM sqlite_master", &n_table);
    if (status != MID_OK)
        return status;
    *empty = application == 0 && version == 0 && n_table == 0;
    if (*empty)
        return MID_OK;
    if (application != MID__DB_APPLICATION)
        return mid__fail(ctx, MID_EFORMAT, "%s: SQLite file of another application (application_id %lld): "
                         "choose another path", store->path, (long long)application);
    if (version != MID__DB_VERSION)
        return mid__fail(ctx, MID_EVERSION, "%s: store version %lld, and this midstream (%s) reads version %d: "
                         "use the midstream that made it, or another path for a new store",
                         store->path, (long long)version, MID_VERSION, MID__DB_VERSION);
    return MID_OK;
}

static mid_status check_mark(mid_ctx *ctx, mid_store *store, bool *empty)
{
    mid_status status = mid__db_exec(ctx, store, "BEGIN", "open");

    if (status != MID_OK)
        return status;
    status = read_mark(ctx, store, empty);
    sqlite3_exec(store->sqlite, "COMMIT", NULL, NULL, NULL);    /* it only read */
    return status;
}

/* The switch needs the file for a moment alone, and alone among SQLite's locks does not wait for it. */
static mid_status use_wal(mid_ctx *ctx, mid_store *store)
{
    enum { PAUSE_MS = 10 };
    int waited_ms, code = SQLITE_BUSY;

    for (waited_ms = 0; (code & 0xff) == SQLITE_BUSY && waited_ms < BUSY_TIMEOUT_MS; waited_ms += PAUSE_MS) {
        if (waited_ms)
            sqlite3_sleep(PAUSE_MS);
        code = sqlite3_exec(store->sqlite, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
    }
    return code == SQLITE_OK ? MID_OK : mid__db_fail(ctx, store, "open");
}

/* Two processes may come at the same moment: whoever gets the lock second finds a store and makes nothing. */
static mid_status make_tables(mid_ctx *ctx, mid_store *store, const char *tables)
{
    char mark[80];
    bool empty = false;
    mid_status status = mid__db_exec(ctx, store, "BEGIN IMMEDIATE", "begin a batch");

    if (status != MID_OK)
        return status;
    sqlite3_snprintf(sizeof mark, mark, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                     MID__DB_APPLICATION, MID__DB_VERSION);
    status = read_mark(ctx, store, &empty);
    if (status == MID_OK && empty)
        status = mid__db_exec(ctx, store, tables, "make its tables");
    if (status == MID_OK && empty)
        status = mid__db_exec(ctx, store, mark, "mark it as a store");
    if (status == MID_OK)
        status = mid__db_exec(ctx, store, "COMMIT", "commit");
    if (status != MID_OK)
        sqlite3_exec(store->sqlite, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

mid_status mid__db_open(mid_ctx *ctx, mid_store *store, const char *path, const char *tables)
{
    /* large pages suit megabyte chunks; without the last line a big batch would leave its log that big for good */
    static const char settings[] = "PRAGMA page_size=16384; PRAGMA synchronous=FULL;"
                                   "PRAGMA journal_size_limit=67108864";
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    bool empty = false;
    mid_status status;

    if (!path[0])
        return mid__fail(ctx, MID_EINVAL, "a store needs a path");
    store->path = strdup(path);
    if (!store->path)
        return mid__oom(ctx, path);
    if (sqlite3_open_v2(path, &store->sqlite, flags, NULL) != SQLITE_OK)
        return store->sqlite ? mid__db_fail(ctx, store, "open") : mid__oom(ctx, path);
    sqlite3_busy_timeout(store->sqlite, BUSY_TIMEOUT_MS);
    sqlite3_db_config(store->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    status = check_mark(ctx, store, &empty);
    if (status == MID_OK)
        status = mid__db_exec(ctx, store, settings, "open");
    if (status == MID_OK)
        status = use_wal(ctx, store);
    if (status == MID_OK && empty)
        status = make_tables(ctx, store, tables);
    if (status == MID_OK)
        sqlite3_db_config(store->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return status;
}

void mid__db_close(mid_store *store)
{
    int i;

    for (i = 0; i < MID__DB_STMT_MAX; i++)
        sqlite3_finalize(store->stmt[i]);
    sqlite3_close(store->sqlite);
    free(store->path);
}

/* SQLite itself undoes a whole transaction after some failures. Going on then would commit put by put, where the caller
 * was promised all or nothing. */
mid_status mid__db_check_batch(mid_ctx *ctx, const mid_store *store)
{
    if (store->in_batch && sqlite3_get_autocommit(store->sqlite))
        return mid__fail(ctx, MID_EIO, "%s: the batch was undone by an earlier failure: roll back and put it again",
                         store->path);
    return MID_OK;
}

mid_status mid__db_put_begin(mid_ctx *ctx, mid_store *store)
{
    const mid_status status = mid__db_check_batch(ctx, store);

    if (status != MID_OK)
        return status;
    return mid__db_exec(ctx, store, store->in_batch ? "SAVEPOINT put" : "BEGIN IMMEDIATE", "write");
}

mid_status mid__db_put_end(mid_ctx *ctx, mid_store *store, mid_status status)
{
    if (status == MID_OK)
        status = mid__db_exec(ctx, store, store->in_batch ? "RELEASE put" : "COMMIT", "commit");
    if (status != MID_OK)
        sqlite3_exec(store->sqlite, store->in_batch ? "ROLLBACK TO put; RELEASE put" : "ROLLBACK", NULL, NULL, NULL);
    return status;
}

mid_status mid_store_begin(mid_ctx *ctx, mid_store *store)
{
    mid_status status;

    if (store->in_batch)
        return mid__fail(ctx, MID_EINVAL, "%s: a batch is open already", store->path);
    status = mid__db_exec(ctx, store, "BEGIN IMMEDIATE", "begin a batch");
    store->in_batch = status == MID_OK;
    return status;
}

mid_status mid_store_commit(mid_ctx *ctx, mid_store *store)
{
    mid_status status;

    if (!store->in_batch)
        return mid__fail(ctx, MID_EINVAL, "%s: no batch is open", store->path);
    status = mid__db_check_batch(ctx, store);
    if (status == MID_OK)
        status = mid__db_exec(ctx, store, "COMMIT", "commit");
    if (status != MID_OK)
        mid_store_rollback(store);
    store->in_batch = false;
    return status;
}

void mid_store_rollback(mid_store *store)
{
    if (store->in_batch)
        sqlite3_exec(store->sqlite, "ROLLBACK", NULL, NULL, NULL);
    store->in_batch = false;
}
