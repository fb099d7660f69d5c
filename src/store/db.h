/* The SQLite file under the store: opened and marked as ours, transactions, failures as sentences. */
#ifndef MID_STORE_DB_H
#define MID_STORE_DB_H

#include <sqlite3.h>

#include "midstream/store.h"

enum {
    MID__DB_APPLICATION = 0x4d494453,       /* "MIDS" in the file's header */
    MID__DB_VERSION = 1                     /* user_version: changes with the tables */
};

#define MID__DB_STMT_MAX 24

struct mid_store {
    sqlite3 *sqlite;
    char *path;
    sqlite3_stmt *stmt[MID__DB_STMT_MAX];   /* prepared at first use, numbered by store.c */
    bool in_batch;
};

/* @param tables the statements that make an empty file a store. */
mid_status mid__db_open(mid_ctx *ctx, mid_store *store, const char *path, const char *tables);
void mid__db_close(mid_store *store);

/* Run statements without results; doing is what they are for, as in mid__db_fail(). */
mid_status mid__db_exec(mid_ctx *ctx, mid_store *store, const char *sql, const char *doing);
/* What SQLite's last failure means to a person: "run.db: cannot store a trace: database or disk is full: ...". */
mid_status mid__db_fail(mid_ctx *ctx, const mid_store *store, const char *doing);

/* Take over what another store has and this one has not; what both have stays as it is here. All or nothing. Bytes are
 * read back as they are taken, so that damage stays where it is: MID_EFORMAT. */
mid_status mid__store_take(mid_ctx *ctx, mid_store *store, mid_store *from);
/* Every fact of a store, in the order of names; a failure of fn ends it. */
typedef mid_status (*mid__fact_fn)(void *user, mid_ctx *ctx, const char *name, const char *value);
mid_status mid__store_facts(mid_ctx *ctx, mid_store *store, mid__fact_fn fn, void *user);

/* Before a put: MID_EIO if a batch is open here that SQLite has undone. That is enough for a put of one statement, which
 * is all or nothing by itself. */
mid_status mid__db_check_batch(mid_ctx *ctx, const mid_store *store);
/* A put of several statements is all or nothing, inside a batch and outside. */
mid_status mid__db_put_begin(mid_ctx *ctx, mid_store *store);
/* Keep the put if status is MID_OK, else undo it; returns the first failure. */
mid_status mid__db_put_end(mid_ctx *ctx, mid_store *store, mid_status status);

#endif
