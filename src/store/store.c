/* What the store keeps, and where.
 *
 *   blob   (kind, key)            how long some bytes are, and their CRC-32
 *   chunk  (kind, key, i_chunk)   the bytes, cut into pieces of at most 1 MiB; the only table with large rows
 *   trace  (key)                  sample and length of a trace, whose packed bytes are a blob of kind "trace"
 *   label  (trace, labeler)       a verdict; score NULL stands for NaN
 *   fact   (name)                 a text about the run
 *
 * Small rows live in their primary key's tree (WITHOUT ROWID). Chunks have an ordinary table: SQLite keeps long rows of
 * the other kind badly. Keys stay readable hex, so that the sqlite3 shell is a tool for a store. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "store/db.h"

#define CHUNK_BYTES ((size_t)1 << 20)
#define BLOB_LIMIT  ((size_t)1 << 30)
#define TRACE       "trace"

static const char TABLES[] =
    "CREATE TABLE blob(kind TEXT NOT NULL, key TEXT NOT NULL, n_byte INTEGER NOT NULL, crc INTEGER NOT NULL,"
    " PRIMARY KEY(kind, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE chunk(kind TEXT NOT NULL, key TEXT NOT NULL, i_chunk INTEGER NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY(kind, key, i_chunk)) STRICT;"
    "CREATE TABLE trace(key TEXT PRIMARY KEY, sample_id TEXT NOT NULL, n_tok INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE label(trace TEXT NOT NULL, labeler TEXT NOT NULL, unsafe INTEGER NOT NULL, score REAL,"
    " onset_byte INTEGER NOT NULL, PRIMARY KEY(trace, labeler)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;";

enum { HAS_TRACE, PUT_TRACE, PUT_BLOB, DROP_CHUNKS, PUT_CHUNK, GET_BLOB, GET_CHUNKS, PUT_LABEL, GET_LABEL, PUT_FACT,
       GET_FACT, COUNTS, EACH_TRACE, N_SQL };

static const char *const SQL[N_SQL] = {
    [HAS_TRACE] = "SELECT 1 FROM trace WHERE key=?",
    [PUT_TRACE] = "INSERT INTO trace VALUES(?,?,?)",
    [PUT_BLOB] = "INSERT OR REPLACE INTO blob VALUES(?,?,?,?)",
    [DROP_CHUNKS] = "DELETE FROM chunk WHERE kind=? AND key=?",
    [PUT_CHUNK] = "INSERT INTO chunk VALUES(?,?,?,?)",
    [GET_BLOB] = "SELECT n_byte, crc FROM blob WHERE kind=? AND key=?",
    [GET_CHUNKS] = "SELECT bytes FROM chunk WHERE kind=? AND key=? ORDER BY i_chunk",
    [PUT_LABEL] = "INSERT OR REPLACE INTO label VALUES(?,?,?,?,?)",
    [GET_LABEL] = "SELECT unsafe, score, onset_byte FROM label WHERE trace=? AND labeler=?",
    [PUT_FACT] = "INSERT OR REPLACE INTO fact VALUES(?,?)",
    [GET_FACT] = "SELECT value FROM fact WHERE name=?",
    [COUNTS] = "SELECT (SELECT count(*) FROM trace), (SELECT count(*) FROM label),"
               " (SELECT count(*) FROM blob WHERE kind<>'" TRACE "'), (SELECT coalesce(sum(n_tok), 0) FROM trace),"
               " (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)",
    [EACH_TRACE] = "SELECT key, sample_id FROM trace ORDER BY sample_id, key",
};

_Static_assert(N_SQL <= MID__DB_STMT_MAX, "room for every prepared statement");

mid_key mid_key_of(const char *part, ...)
{
    mid__sha256 sha;
    mid_key key;
    va_list args;

    mid__sha256_init(&sha);
    va_start(args, part);
    for (; part; part = va_arg(args, const char *)) {
        const uint64_t n = strlen(part);
        uint8_t length[8];
        int i;

        for (i = 0; i < 8; i++)
            length[i] = (uint8_t)(n >> 8 * i);
        mid__sha256_put(&sha, length, sizeof length);
        mid__sha256_put(&sha, part, n);
    }
    va_end(args);
    mid__sha256_hex(&sha, key.hex);
    return key;
}

/* ---- statements ---- */

/* A statement ready to step. types says what the arguments are: k a key's hex, t text, i int64_t, d double (NaN binds
 * NULL), b bytes and size_t. Bound memory must live until done(). */
static mid_status ready(mid_ctx *ctx, mid_store *store, int i_sql, sqlite3_stmt **out, const char *types, ...)
{
    sqlite3_stmt *stmt = store->stmt[i_sql];
    int i, code = SQLITE_OK;
    va_list args;

    if (!stmt) {
        if (sqlite3_prepare_v3(store->sqlite, SQL[i_sql], -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
            return mid__db_fail(ctx, store, "use");
        store->stmt[i_sql] = stmt;
    }
    va_start(args, types);
    for (i = 1; *types && code == SQLITE_OK; i++, types++) {
        const void *at = strchr("ktb", *types) ? va_arg(args, const void *) : NULL;

        if (*types == 'k' && strnlen(at, MID_KEY_N) != MID_KEY_N - 1) {
            va_end(args);
            return mid__fail(ctx, MID_EINVAL, "%s: a key has %d characters; make it with mid_key_of()",
                             store->path, MID_KEY_N - 1);
        }
        if (*types == 'k' || *types == 't')
            code = sqlite3_bind_text(stmt, i, at, -1, SQLITE_STATIC);
        else if (*types == 'b')
            code = sqlite3_bind_blob64(stmt, i, at, va_arg(args, size_t), SQLITE_STATIC);
        else if (*types == 'i')
            code = sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
        else
            code = sqlite3_bind_double(stmt, i, va_arg(args, double));
    }
    va_end(args);
    *out = stmt;
    return code == SQLITE_OK ? MID_OK : mid__db_fail(ctx, store, "use");
}

static void done(sqlite3_stmt *stmt)
{
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

/* Run a statement that gives no rows. */
static mid_status run(mid_ctx *ctx, mid_store *store, sqlite3_stmt *stmt, const char *doing)
{
    const mid_status status = sqlite3_step(stmt) == SQLITE_DONE ? MID_OK : mid__db_fail(ctx, store, doing);

    done(stmt);
    return status;
}

/* Step to the one row of a query; done() is the caller's on MID_OK only. */
static mid_status one_row(mid_ctx *ctx, mid_store *store, sqlite3_stmt *stmt, const char *what)
{
    const int code = sqlite3_step(stmt);
    mid_status status = MID_OK;

    if (code == SQLITE_DONE)
        status = mid__fail(ctx, MID_ENOTFOUND, "%s: no such %s", store->path, what);
    else if (code != SQLITE_ROW)
        status = mid__db_fail(ctx, store, "read");
    if (status != MID_OK)
        done(stmt);
    return status;
}

/* ---- open, close ---- */

mid_status mid_store_open(mid_ctx *ctx, const char *path, mid_store **out)
{
    mid_store *store = calloc(1, sizeof *store);
    mid_status status;

    if (!store)
        return mid__oom(ctx, path);
    status = mid__db_open(ctx, store, path, TABLES);
    if (status == MID_OK)
        *out = store;
    else
        mid_store_close(store);
    return status;
}

void mid_store_close(mid_store *store)
{
    if (!store)
        return;
    mid_store_rollback(store);
    mid__db_close(store);
    free(store);
}

/* ---- bytes in chunks ---- */

static mid_status put_bytes(mid_ctx *ctx, mid_store *store, const char *kind, const mid_key *key,
                            const char *bytes, size_t n)
{
    sqlite3_stmt *stmt;
    size_t at;
    mid_status status = ready(ctx, store, PUT_BLOB, &stmt, "tkii", kind, key->hex, (int64_t)n,
                              (int64_t)mid__crc32(bytes, n));

    if (status == MID_OK)
        status = run(ctx, store, stmt, "store bytes");
    if (status == MID_OK)
        status = ready(ctx, store, DROP_CHUNKS, &stmt, "tk", kind, key->hex);
    if (status == MID_OK)
        status = run(ctx, store, stmt, "store bytes");
    for (at = 0; at < n && status == MID_OK; at += CHUNK_BYTES) {
        const size_t n_chunk = n - at < CHUNK_BYTES ? n - at : CHUNK_BYTES;

        status = ready(ctx, store, PUT_CHUNK, &stmt, "tkib", kind, key->hex, (int64_t)(at / CHUNK_BYTES),
                       bytes + at, n_chunk);
        if (status == MID_OK)
            status = run(ctx, store, stmt, "store bytes");
    }
    return status;
}

/* Fill at (n) from the chunks; they must give exactly n bytes with this CRC. */
static mid_status read_chunks(mid_ctx *ctx, mid_store *store, const char *kind, const mid_key *key,
                              char *at, size_t n, uint32_t crc)
{
    sqlite3_stmt *stmt;
    size_t have = 0;
    int code;
    mid_status status = ready(ctx, store, GET_CHUNKS, &stmt, "tk", kind, key->hex);

    if (status != MID_OK)
        return status;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(stmt, 0);
        const size_t n_chunk = (size_t)sqlite3_column_bytes(stmt, 0);

        if (n_chunk > n - have)
            break;
        if (n_chunk)
            memcpy(at + have, bytes, n_chunk);
        have += n_chunk;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = mid__db_fail(ctx, store, "read bytes");
    else if (code == SQLITE_ROW || have < n || mid__crc32(at, n) != crc)
        status = mid__fail(ctx, MID_EFORMAT, "%s: %s %s is damaged: its bytes are not the %zu that were stored",
                           store->path, kind, key->hex, n);
    done(stmt);
    return status;
}

static mid_status get_bytes(mid_ctx *ctx, mid_store *store, const char *kind, const mid_key *key,
                            void **bytes, size_t *n)
{
    sqlite3_stmt *stmt;
    int64_t n_byte, crc;
    char *at;
    mid_status status = ready(ctx, store, GET_BLOB, &stmt, "tk", kind, key->hex);

    if (status == MID_OK)
        status = one_row(ctx, store, stmt, kind);
    if (status != MID_OK)
        return status;
    n_byte = sqlite3_column_int64(stmt, 0);
    crc = sqlite3_column_int64(stmt, 1);
    done(stmt);
    if (n_byte < 0 || (uint64_t)n_byte > BLOB_LIMIT)
        return mid__fail(ctx, MID_EFORMAT, "%s: %s %s is damaged: %lld bytes, the limit is %zu",
                         store->path, kind, key->hex, (long long)n_byte, BLOB_LIMIT);
    at = malloc((size_t)n_byte + 1);
    if (!at)
        return mid__oom(ctx, kind);
    at[n_byte] = 0;
    status = read_chunks(ctx, store, kind, key, at, (size_t)n_byte, (uint32_t)crc);
    if (status != MID_OK) {
        free(at);
        return status;
    }
    *bytes = at;
    *n = (size_t)n_byte;
    return MID_OK;
}

/* ---- traces ---- */

bool mid_store_has_trace(mid_store *store, const mid_key *key)
{
    sqlite3_stmt *stmt;
    bool has;

    if (ready(NULL, store, HAS_TRACE, &stmt, "k", key->hex) != MID_OK)
        return false;
    has = sqlite3_step(stmt) == SQLITE_ROW;
    done(stmt);
    return has;
}

static mid_status put_trace(mid_ctx *ctx, mid_store *store, const mid_key *key, const char *sample_id,
                            const mid_trace *trace)
{
    sqlite3_stmt *stmt;
    void *bytes = NULL;
    size_t n = 0;
    mid_status status = mid_trace_pack(ctx, trace, &bytes, &n);

    if (status == MID_OK && n > BLOB_LIMIT)
        status = mid__fail(ctx, MID_ELIMIT, "%s: a trace of %zu bytes, the limit is %zu: tap fewer layers",
                           store->path, n, BLOB_LIMIT);
    if (status == MID_OK)
        status = ready(ctx, store, PUT_TRACE, &stmt, "kti", key->hex, sample_id, (int64_t)mid_trace_n_tok(trace));
    if (status == MID_OK)
        status = run(ctx, store, stmt, "store a trace");
    if (status == MID_OK)
        status = put_bytes(ctx, store, TRACE, key, bytes, n);
    mid_free(bytes);
    return status;
}

mid_status mid_store_put_trace(mid_ctx *ctx, mid_store *store, const mid_key *key, const char *sample_id,
                               const mid_trace *trace)
{
    mid_status status = mid__db_put_begin(ctx, store);

    if (status != MID_OK)
        return status;
    if (!mid_store_has_trace(store, key))       /* asked under the writer's lock, so nobody comes between */
        status = put_trace(ctx, store, key, sample_id, trace);
    return mid__db_put_end(ctx, store, status);
}

mid_status mid_store_get_trace(mid_ctx *ctx, mid_store *store, const mid_key *key, mid_trace **out)
{
    void *bytes = NULL;
    size_t n = 0;
    mid_status status = get_bytes(ctx, store, TRACE, key, &bytes, &n);

    if (status != MID_OK)
        return status;
    status = mid_trace_unpack(ctx, bytes, n, out);
    free(bytes);
    return status == MID_OK ? MID_OK : mid__within(ctx, status, "%s: trace %s", store->path, key->hex);
}

mid_status mid_store_each_trace(mid_ctx *ctx, mid_store *store, mid_store_trace_fn fn, void *user)
{
    sqlite3_stmt *stmt;
    int code = SQLITE_DONE;
    mid_status status = ready(ctx, store, EACH_TRACE, &stmt, "");

    if (status != MID_OK)
        return status;
    while (status == MID_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        mid_key key;
        snprintf(key.hex, sizeof key.hex, "%s", (const char *)sqlite3_column_text(stmt, 0));
        status = fn(user, &key, (const char *)sqlite3_column_text(stmt, 1));
    }
    if (status == MID_OK && code != SQLITE_DONE)
        status = mid__db_fail(ctx, store, "list traces");
    done(stmt);
    return status;
}

/* ---- labels ---- */

static bool is_verdict(int64_t unsafe) { return unsafe >= -1 && unsafe <= 1; }

mid_status mid_store_put_label(mid_ctx *ctx, mid_store *store, const mid_key *trace, const char *labeler,
                               const mid_label *label)
{
    sqlite3_stmt *stmt;
    mid_status status;

    if (!is_verdict(label->unsafe))
        return mid__fail(ctx, MID_EINVAL, "label of %s: unsafe is %d, and can be 1, 0 or -1", labeler, label->unsafe);
    status = mid__db_check_batch(ctx, store);
    if (status == MID_OK)
        status = ready(ctx, store, PUT_LABEL, &stmt, "ktidi", trace->hex, labeler, (int64_t)label->unsafe,
                       label->score, label->onset_byte);
    return status == MID_OK ? run(ctx, store, stmt, "store a label") : status;
}

mid_status mid_store_get_label(mid_ctx *ctx, mid_store *store, const mid_key *trace, const char *labeler,
                               mid_label *label)
{
    sqlite3_stmt *stmt;
    mid_status status = ready(ctx, store, GET_LABEL, &stmt, "kt", trace->hex, labeler);

    if (status == MID_OK)
        status = one_row(ctx, store, stmt, "label");
    if (status != MID_OK)
        return status;
    if (is_verdict(sqlite3_column_int64(stmt, 0))) {
        label->unsafe = sqlite3_column_int(stmt, 0);
        label->score = sqlite3_column_type(stmt, 1) == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, 1);
        label->onset_byte = sqlite3_column_int64(stmt, 2);
    } else {
        status = mid__fail(ctx, MID_EFORMAT, "%s: label of %s is damaged: neither 1, 0 nor -1", store->path, labeler);
    }
    done(stmt);
    return status;
}

/* ---- blobs, facts, counts ---- */

mid_status mid_store_put_blob(mid_ctx *ctx, mid_store *store, const char *kind, const mid_key *key,
                              const void *bytes, size_t n)
{
    mid_status status;

    if (strcmp(kind, TRACE) == 0)
        return mid__fail(ctx, MID_EINVAL, "blob of kind '%s': traces go through mid_store_put_trace()", kind);
    if (n > BLOB_LIMIT)
        return mid__fail(ctx, MID_ELIMIT, "%s: a blob of %zu bytes, the limit is %zu", store->path, n, BLOB_LIMIT);
    status = mid__db_put_begin(ctx, store);
    if (status != MID_OK)
        return status;
    return mid__db_put_end(ctx, store, put_bytes(ctx, store, kind, key, bytes, n));
}

mid_status mid_store_get_blob(mid_ctx *ctx, mid_store *store, const char *kind, const mid_key *key,
                              void **bytes, size_t *n)
{
    return get_bytes(ctx, store, kind, key, bytes, n);
}

mid_status mid_store_put_fact(mid_ctx *ctx, mid_store *store, const char *name, const char *value)
{
    sqlite3_stmt *stmt;
    mid_status status = mid__db_check_batch(ctx, store);

    if (status == MID_OK)
        status = ready(ctx, store, PUT_FACT, &stmt, "tt", name, value);
    return status == MID_OK ? run(ctx, store, stmt, "store a fact") : status;
}

mid_status mid_store_get_fact(mid_ctx *ctx, mid_store *store, const char *name, char **value)
{
    sqlite3_stmt *stmt;
    const char *text;
    char *copy;
    mid_status status = ready(ctx, store, GET_FACT, &stmt, "t", name);

    if (status == MID_OK)
        status = one_row(ctx, store, stmt, name);
    if (status != MID_OK)
        return status;
    text = (const char *)sqlite3_column_text(stmt, 0);
    copy = text ? strdup(text) : NULL;
    done(stmt);
    if (!copy)
        return mid__oom(ctx, name);
    *value = copy;
    return MID_OK;
}

mid_status mid_store_counts(mid_ctx *ctx, mid_store *store, mid_store_count *out)
{
    sqlite3_stmt *stmt;
    mid_status status = ready(ctx, store, COUNTS, &stmt, "");

    if (status == MID_OK)
        status = one_row(ctx, store, stmt, "count");
    if (status != MID_OK)
        return status;
    out->n_trace = (uint64_t)sqlite3_column_int64(stmt, 0);
    out->n_label = (uint64_t)sqlite3_column_int64(stmt, 1);
    out->n_blob = (uint64_t)sqlite3_column_int64(stmt, 2);
    out->n_tok = (uint64_t)sqlite3_column_int64(stmt, 3);
    out->bytes = (uint64_t)sqlite3_column_int64(stmt, 4);
    done(stmt);
    return MID_OK;
}
