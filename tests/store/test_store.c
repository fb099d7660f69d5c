/* The store gives back what was put, refuses what is not its own, and loses nothing that was committed: not to a full
 * disk, not to a failed batch, not to kill -9. */
#include "test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "store/db.h"

static mid_store *open_store(const char *path)
{
    mid_store *store = NULL;

    CHECK_OK(mid_store_open(test_ctx(), path, &store));
    return store;
}

static mid_key key_of_number(uint64_t i)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)i);
    return mid_key_of("number", text, NULL);
}

/* A trace of n_tok steps with n_embd wide rows in 2 layers; its numbers tell which one it is. */
static mid_trace *make_trace(uint64_t which, int n_tok, int n_embd)
{
    const mid_signals s = { .have = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_HIDDEN | MID_SIG_SPREAD | MID_SIG_ATTENTION,
                            .n_layer = 2, .layer = { 0, 5 }, .n_embd = n_embd, .n_head = 2, .n_head_layer = 1 };
    const char *const other[] = { "another answer", "" };
    const mid_prompt prompt = { .text = "", .n_tok = 7, .affirm = 0.5f, .sample = other, .n_sample = 2 };
    const float attention[2 * MID_ATTENTION_N] = { 0.5f, 0.25f }, spread[MID_SPREAD_N] = { (float)which };
    float *hidden = calloc(2 * (size_t)n_embd, sizeof *hidden);
    mid_trace *trace = NULL;
    mid_step step = { .have = s.have, .n_text = 2, .text = "ab", .hidden = hidden,
                      .attention = attention, .spread = spread };

    if (!hidden || mid_trace_open(NULL, &s, &prompt, &trace) != MID_OK)
        abort();
    for (; step.i_tok < (uint32_t)n_tok; step.i_tok++, step.at_byte += 2) {
        hidden[0] = (float)(which % 2048);
        step.lp = -(float)step.i_tok;
        step.token = (int32_t)which;
        if (mid_trace_append(trace, &step) != MID_OK)
            abort();
    }
    free(hidden);
    return trace;
}

static mid_status put_number(mid_store *store, uint64_t i, int n_tok, int n_embd)
{
    const mid_key key = key_of_number(i);
    mid_trace *trace = make_trace(i, n_tok, n_embd);
    mid_status status = mid_store_put_trace(test_ctx(), store, &key, "sample", trace);

    mid_trace_close(trace);
    return status;
}

static void check_number(mid_store *store, uint64_t i, int n_tok, int n_embd)
{
    const mid_key key = key_of_number(i);
    mid_trace *trace = NULL, *want = make_trace(i, n_tok, n_embd);
    void *a, *b;
    size_t n_a, n_b;

    CHECK_OK(mid_store_get_trace(test_ctx(), store, &key, &trace));
    CHECK_OK(mid_trace_pack(test_ctx(), trace, &a, &n_a));
    CHECK_OK(mid_trace_pack(test_ctx(), want, &b, &n_b));
    CHECK_INT(n_a, n_b);
    assert_memory_equal(a, b, n_a);
    mid_free(a);
    mid_free(b);
    mid_trace_close(trace);
    mid_trace_close(want);
}

static void ask_text(sqlite3 *db, const char *sql, char *text, size_t n)
{
    sqlite3_stmt *stmt = NULL;

    CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    CHECK_INT(sqlite3_step(stmt), SQLITE_ROW);
    snprintf(text, n, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
}

static void check_sound(mid_store *store)
{
    char text[200];

    ask_text(store->sqlite, "PRAGMA integrity_check", text, sizeof text);
    CHECK_TEXT(text, "ok");
}

/* Python: hashlib.sha256(b"".join(len(p).to_bytes(8, "little") + p for p in parts)).hexdigest() */
TEST(store, key_golden)
{
    const mid_key a_b = mid_key_of("a", "b", NULL), ab = mid_key_of("ab", NULL), none = mid_key_of(NULL);

    CHECK_TEXT(a_b.hex, "cf6ab613e3942391f88ed698557e1680f160bd10e88c6b668c50360c10930e2b");
    CHECK_TEXT(ab.hex, "5dff2b3fa79721a8181b9beb1db6bcce93b482f9aa3a5c9b864fc4429e31d5f2");
    CHECK_TEXT(none.hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(store, keeps_traces)
{
    const char *path = test_path("traces.db");
    mid_store *store = open_store(path);
    const mid_key there = key_of_number(1), none = key_of_number(9), bad = { "short" };
    mid_trace *trace = NULL, *other = make_trace(2, 3, 4);
    mid_store_count count;
    char text[40];

    CHECK(!mid_store_has_trace(store, &there));
    CHECK_OK(put_number(store, 1, 5, 8));
    CHECK_OK(put_number(store, 2, 700, 1024));              /* 2.9 MB: three chunks */
    CHECK_OK(put_number(store, 3, 0, 8));
    CHECK(mid_store_has_trace(store, &there));
    CHECK_OK(mid_store_put_trace(test_ctx(), store, &there, "other", other));   /* is there: changes nothing */
    mid_store_close(store);
    store = open_store(path);
    check_number(store, 1, 5, 8);
    check_number(store, 2, 700, 1024);
    check_number(store, 3, 0, 8);
    CHECK_FAILS(mid_store_get_trace(test_ctx(), store, &none, &trace), MID_ENOTFOUND);
    CHECK_FAILS(mid_store_put_trace(test_ctx(), store, &bad, "s", other), MID_EINVAL);
    CHECK_OK(mid_store_counts(test_ctx(), store, &count));
    CHECK_INT(count.n_trace, 3);
    CHECK_INT(count.n_tok, 705);
    CHECK_INT(count.n_blob + count.n_label, 0);
    CHECK(count.bytes > 2800000 && count.bytes < 4000000);
    ask_text(store->sqlite, "PRAGMA journal_mode", text, sizeof text);
    CHECK_TEXT(text, "wal");
    ask_text(store->sqlite, "SELECT sample_id FROM trace WHERE n_tok=5", text, sizeof text);
    CHECK_TEXT(text, "sample");
    check_sound(store);
    mid_trace_close(other);
    mid_store_close(store);
    mid_store_close(NULL);
}

TEST(store, keeps_labels)
{
    const mid_label said = { 1, 0.1, 123456789012 }, unsure = { -1, NAN, -1 }, bad = { 2, 0, 0 };
    const mid_key key = key_of_number(1);
    mid_store *store = open_store(test_path("labels.db"));
    mid_label got = { 0, 7, 7 };

    CHECK_FAILS(mid_store_get_label(test_ctx(), store, &key, "rule", &got), MID_ENOTFOUND);
    CHECK(got.score == 7);
    CHECK_OK(mid_store_put_label(test_ctx(), store, &key, "rule", &said));
    CHECK_OK(mid_store_put_label(test_ctx(), store, &key, "human", &unsure));
    CHECK_OK(mid_store_get_label(test_ctx(), store, &key, "rule", &got));
    CHECK(got.unsafe == 1 && got.score == 0.1 && got.onset_byte == 123456789012);
    CHECK_OK(mid_store_get_label(test_ctx(), store, &key, "human", &got));
    CHECK(got.unsafe == -1 && isnan(got.score) && got.onset_byte == -1);
    CHECK_FAILS(mid_store_put_label(test_ctx(), store, &key, "rule", &bad), MID_EINVAL);
    CHECK_OK(mid_store_put_label(test_ctx(), store, &key, "rule", &unsure));    /* a label may be changed */
    CHECK_OK(mid_store_get_label(test_ctx(), store, &key, "rule", &got));
    CHECK_INT(got.unsafe, -1);
    mid_store_close(store);
}

TEST(store, keeps_blobs_and_facts)
{
    enum { N = (1 << 21) + 5 };
    const mid_key key = key_of_number(1);
    mid_store *store = open_store(test_path("blobs.db"));
    char *bytes = malloc(N), *value;
    void *got;
    size_t n, i;

    assert_non_null(bytes);
    for (i = 0; i < N; i++)
        bytes[i] = (char)(i * i >> 3);
    CHECK_OK(mid_store_put_blob(test_ctx(), store, "weights", &key, bytes, N));
    CHECK_OK(mid_store_put_blob(test_ctx(), store, "scores", &key, NULL, 0));
    CHECK_FAILS(mid_store_put_blob(test_ctx(), store, "trace", &key, bytes, 1), MID_EINVAL);
    CHECK_OK(mid_store_get_blob(test_ctx(), store, "weights", &key, &got, &n));
    CHECK_INT(n, N);
    assert_memory_equal(got, bytes, N);
    mid_free(got);
    CHECK_OK(mid_store_get_blob(test_ctx(), store, "scores", &key, &got, &n));
    CHECK_INT(n, 0);
    mid_free(got);
    CHECK_OK(mid_store_put_blob(test_ctx(), store, "weights", &key, "ab", 2));   /* shorter now */
    CHECK_OK(mid_store_get_blob(test_ctx(), store, "weights", &key, &got, &n));
    CHECK_INT(n, 2);
    CHECK_TEXT((char *)got, "ab");
    mid_free(got);
    CHECK_FAILS(mid_store_get_blob(test_ctx(), store, "cells", &key, &got, &n), MID_ENOTFOUND);
    CHECK_FAILS(mid_store_get_fact(test_ctx(), store, "plan", &value), MID_ENOTFOUND);
    CHECK_OK(mid_store_put_fact(test_ctx(), store, "plan", "a"));
    CHECK_OK(mid_store_put_fact(test_ctx(), store, "plan", "b \xc3\xa9"));
    CHECK_OK(mid_store_get_fact(test_ctx(), store, "plan", &value));
    CHECK_TEXT(value, "b \xc3\xa9");
    mid_free(value);
    free(bytes);
    mid_store_close(store);
}

TEST(store, a_batch_is_all_or_nothing)
{
    const mid_key two = key_of_number(2);
    mid_store *store = open_store(test_path("batch.db"));

    CHECK_FAILS(mid_store_commit(test_ctx(), store), MID_EINVAL);
    CHECK_OK(mid_store_begin(test_ctx(), store));
    CHECK_FAILS(mid_store_begin(test_ctx(), store), MID_EINVAL);
    CHECK_OK(put_number(store, 1, 3, 4));
    CHECK_OK(mid_store_commit(test_ctx(), store));
    CHECK_OK(mid_store_begin(test_ctx(), store));
    CHECK_OK(put_number(store, 2, 3, 4));
    CHECK(mid_store_has_trace(store, &two));
    mid_store_rollback(store);
    CHECK(!mid_store_has_trace(store, &two));
    CHECK_OK(mid_store_begin(test_ctx(), store));
    CHECK_OK(put_number(store, 2, 3, 4));
    mid_store_close(store);                                 /* without commit */
    store = open_store(test_path("batch.db"));
    CHECK(!mid_store_has_trace(store, &two));
    check_number(store, 1, 3, 4);
    mid_store_close(store);
}

TEST(store, two_open_at_once)
{
    const char *path = test_path("two.db");
    mid_store *a = open_store(path), *b = open_store(path);

    CHECK_OK(mid_store_begin(test_ctx(), a));
    CHECK_OK(put_number(a, 1, 3, 4));
    sqlite3_busy_timeout(b->sqlite, 10);
    CHECK_FAILS(put_number(b, 2, 3, 4), MID_EIO);
    CHECK_SAYS("another process is writing");
    CHECK_OK(mid_store_commit(test_ctx(), a));
    CHECK_OK(put_number(b, 2, 3, 4));
    check_number(b, 1, 3, 4);
    check_number(a, 2, 3, 4);
    mid_store_close(a);
    mid_store_close(b);
}

/* Six processes come to a path at the same moment, many times over: each finds or makes the same store. */
TEST(store, opened_by_many_at_birth)
{
    enum { N_ROUND = 20, N_CHILD = 6 };
    int fd[2], how, round, i, n_failed = 0;
    char name[20], c;

    for (round = 0; round < N_ROUND; round++) {
        snprintf(name, sizeof name, "birth%d.db", round);
        CHECK_INT(pipe(fd), 0);
        for (i = 0; i < N_CHILD; i++) {
            const pid_t child = fork();
            mid_store *store = NULL;

            CHECK(child >= 0);
            if (child > 0)
                continue;
            close(fd[1]);
            if (read(fd[0], &c, 1) != 0 || mid_store_open(test_ctx(), test_path(name), &store) != MID_OK ||
                mid_store_put_fact(test_ctx(), store, "a", "b") != MID_OK) {
                fprintf(stderr, "%s\n", mid_ctx_message(test_ctx()));
                _exit(1);
            }
            mid_store_close(store);
            _exit(0);
        }
        close(fd[0]);
        close(fd[1]);                                       /* the start signal */
        for (i = 0; i < N_CHILD; i++) {
            CHECK(wait(&how) > 0);
            n_failed += how != 0;
        }
    }
    CHECK_INT(n_failed, 0);
}

/* ---- what is not a store ---- */

/* Opening fails with this status and words, names the path, and leaves the file as it was. */
static void check_refused(const char *path, mid_status want, const char *says)
{
    char before[65], after[65];
    mid_store *store = NULL;

    CHECK_OK(mid__file_hash(test_ctx(), path, before));
    CHECK_FAILS(mid_store_open(test_ctx(), path, &store), want);
    CHECK_SAYS(says);
    CHECK_SAYS(path);
    CHECK(store == NULL);
    CHECK_OK(mid__file_hash(test_ctx(), path, after));
    CHECK_TEXT(before, after);
}

static void exec_on(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

TEST(store, refuses_what_is_no_database)
{
    char text[5000];
    mid_store *store = NULL;

    memset(text, 'x', sizeof text);
    check_refused(test_write("text", text, sizeof text), MID_EFORMAT, "no midstream store");
    check_refused(test_write("short", "hello", 5), MID_EFORMAT, "no midstream store");
    CHECK_FAILS(mid_store_open(test_ctx(), test_dir(), &store), MID_EIO);
    CHECK_FAILS(mid_store_open(test_ctx(), test_path("no/such/folder.db"), &store), MID_EIO);
    CHECK_SAYS("may write");
    CHECK_FAILS(mid_store_open(test_ctx(), "", &store), MID_EINVAL);
}

TEST(store, refuses_other_applications)
{
    const char *path = test_path("other.db"), *marked = test_path("marked.db");

    exec_on(path, "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    check_refused(path, MID_EFORMAT, "another application");
    exec_on(marked, "PRAGMA application_id=77; PRAGMA journal_mode=WAL");
    check_refused(marked, MID_EFORMAT, "application_id 77");
}

TEST(store, refuses_other_versions)
{
    const char *path = test_path("newer.db");
    mid_store *store = open_store(path);

    CHECK_OK(put_number(store, 1, 3, 4));
    mid_store_close(store);
    exec_on(path, "PRAGMA user_version=2");
    check_refused(path, MID_EVERSION, "store version 2, and this midstream (" MID_VERSION ") reads version 1");
    CHECK_SAYS("use the midstream that made it");
    exec_on(path, "PRAGMA user_version=1");
    store = open_store(path);
    check_number(store, 1, 3, 4);
    mid_store_close(store);
}

TEST(store, refuses_a_cut_file)
{
    static const double share[] = { 0.9, 0.5, 0.1, 0.01 };
    const char *path = test_path("whole.db");
    mid_store *store = open_store(path);
    char *bytes;
    size_t n, i;

    CHECK_OK(put_number(store, 1, 400, 512));
    mid_store_close(store);
    CHECK_OK(mid__file_read(test_ctx(), path, 0, &bytes, &n));
    for (i = 0; i < 4; i++)
        check_refused(test_write("cut.db", bytes, (size_t)(share[i] * (double)n)), MID_EFORMAT, "damaged or cut short");
    check_refused(test_write("cut.db", bytes, 50), MID_EFORMAT, "damaged or cut short");
    free(bytes);
}

/* A trace whose bytes were changed behind our back is refused by name; its neighbours are fine. */
TEST(store, notices_damaged_rows)
{
    static const char *const harm[] = {
        "UPDATE chunk SET bytes=zeroblob(length(bytes)) WHERE key='%s'",
        "UPDATE chunk SET bytes=zeroblob(10 + length(bytes)) WHERE key='%s'",
        "DELETE FROM chunk WHERE key='%s'",
        "UPDATE blob SET n_byte=-1 WHERE key='%s'",
        "UPDATE blob SET n_byte=1099511627776 WHERE key='%s'",
        "UPDATE blob SET crc=1 WHERE key='%s'",
    };
    mid_store *store = open_store(test_path("harm.db"));
    mid_trace *trace = NULL;
    char sql[200];
    uint64_t i;

    CHECK_OK(put_number(store, 99, 3, 4));
    for (i = 0; i < sizeof harm / sizeof harm[0]; i++) {
        const mid_key key = key_of_number(i);

        CHECK_OK(put_number(store, i, 3, 4));
        snprintf(sql, sizeof sql, harm[i], key.hex);
        CHECK_INT(sqlite3_exec(store->sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
        CHECK_FAILS(mid_store_get_trace(test_ctx(), store, &key, &trace), MID_EFORMAT);
        CHECK_SAYS(key.hex);
        CHECK_SAYS("harm.db");
    }
    check_number(store, 99, 3, 4);
    mid_store_close(store);
}

/* ---- no room, no permission ---- */

TEST(store, needs_permission)
{
    const char *folder = test_path("locked");
    mid_store *store = NULL;
    mid_status fresh, old;
    char path[600], again[600];

    snprintf(path, sizeof path, "%s/old.db", folder);
    snprintf(again, sizeof again, "%s/new.db", folder);
    CHECK_INT(mkdir(folder, 0755), 0);
    store = open_store(path);
    CHECK_OK(put_number(store, 1, 3, 4));
    mid_store_close(store);
    CHECK_INT(chmod(path, 0444), 0);
    CHECK_INT(chmod(folder, 0555), 0);
    CHECK_INT(chmod(test_dir(), 0755), 0);
    if (geteuid() == 0)                                     /* root may write anywhere */
        CHECK_INT(seteuid(65534), 0);
    fresh = mid_store_open(test_ctx(), again, &store);
    CHECK_SAYS("may write");
    CHECK_SAYS("new.db");
    old = mid_store_open(test_ctx(), path, &store);
    CHECK_SAYS("may write");
    if (getuid() == 0)
        CHECK_INT(seteuid(0), 0);
    CHECK_INT(chmod(folder, 0755), 0);
    CHECK_INT(chmod(path, 0644), 0);
    CHECK_INT(fresh, MID_EIO);
    CHECK_INT(old, MID_EIO);
    store = open_store(path);
    check_number(store, 1, 3, 4);
    mid_store_close(store);
}

/* Put traces of 100 KB, three to a batch, until one fails; *n_kept of them were committed before. */
static mid_status fill_until_full(mid_store *store, uint64_t *n_kept)
{
    mid_status status = MID_OK;
    uint64_t i;

    for (*n_kept = 0; *n_kept < 300; *n_kept += 3) {
        status = mid_store_begin(test_ctx(), store);
        for (i = 0; i < 3 && status == MID_OK; i++)
            status = put_number(store, *n_kept + i, 50, 512);
        if (status == MID_OK)
            status = mid_store_commit(test_ctx(), store);
        if (status != MID_OK)
            break;
    }
    mid_store_rollback(store);
    return status;
}

static void check_full(mid_status status, const char *says, uint64_t n_kept)
{
    CHECK_INT(status, MID_EIO);
    CHECK_SAYS(says);
    CHECK_SAYS("what was committed is safe");
    CHECK(n_kept >= 3);
}

static void check_kept(mid_store *store, uint64_t n_kept)
{
    mid_store_count count;
    uint64_t i;

    check_sound(store);
    CHECK_OK(mid_store_counts(test_ctx(), store, &count));
    CHECK_INT(count.n_trace, n_kept);
    for (i = 0; i < n_kept; i++)
        check_number(store, i, 50, 512);
}

TEST(store, full_by_page_limit)
{
    const char *path = test_path("pages.db");
    mid_store *store = open_store(path);
    mid_status status;
    uint64_t n_kept;

    CHECK_INT(sqlite3_exec(store->sqlite, "PRAGMA max_page_count=100", NULL, NULL, NULL), SQLITE_OK);
    status = fill_until_full(store, &n_kept);
    check_full(status, "full", n_kept);
    check_kept(store, n_kept);
    CHECK_INT(sqlite3_exec(store->sqlite, "PRAGMA max_page_count=100000", NULL, NULL, NULL), SQLITE_OK);
    CHECK_OK(put_number(store, n_kept, 50, 512));           /* goes on in the same session once there is room */
    mid_store_close(store);
    store = open_store(path);
    check_kept(store, n_kept + 1);
    mid_store_close(store);
}

/* After SQLite undid a whole batch by itself, no later put may slip in alone and no commit may say it was done. */
TEST(store, a_lost_batch_stays_lost)
{
    mid_store *store = open_store(test_path("lost.db"));
    mid_store_count count;

    CHECK_OK(mid_store_begin(test_ctx(), store));
    CHECK_OK(put_number(store, 1, 3, 4));
    CHECK_INT(sqlite3_exec(store->sqlite, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    CHECK_FAILS(put_number(store, 2, 3, 4), MID_EIO);
    CHECK_SAYS("undone");
    CHECK_FAILS(mid_store_commit(test_ctx(), store), MID_EIO);
    CHECK_OK(mid_store_counts(test_ctx(), store, &count));
    CHECK_INT(count.n_trace, 0);
    CHECK_OK(put_number(store, 2, 3, 4));
    mid_store_close(store);
}

TEST(store, full_by_file_limit)
{
    const char *path = test_path("limit.db");
    mid_store *store = open_store(path);
    struct rlimit was, small;
    mid_status status;
    uint64_t n_kept;

    CHECK_INT(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = 2 << 20;
    signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
    status = fill_until_full(store, &n_kept);
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &was), 0);
    check_full(status, "disk I/O error", n_kept);
    mid_store_close(store);
    store = open_store(path);
    check_kept(store, n_kept);
    mid_store_close(store);
}

TEST(store, full_disk)
{
    const char *folder = test_path("tmpfs");
    mid_store *store;
    mid_status status;
    uint64_t n_kept;
    char path[600];

    CHECK_INT(mkdir(folder, 0755), 0);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", folder, "tmpfs", 0, "size=3m") != 0) {
        print_message("skipped: mounting a small tmpfs needs root\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/full.db", folder);
    store = open_store(path);
    status = fill_until_full(store, &n_kept);
    check_full(status, "full", n_kept);
    check_kept(store, n_kept);
    mid_store_close(store);
    CHECK_INT(mount("none", folder, "tmpfs", MS_REMOUNT, "size=30m"), 0);
    store = open_store(path);
    check_kept(store, n_kept);
    CHECK_OK(put_number(store, n_kept, 50, 512));           /* and goes on */
    check_kept(store, n_kept + 1);
    mid_store_close(store);
    CHECK_INT(umount(folder), 0);
}

/* ---- kill -9 ---- */

/* In the child: put traces from i on, three to a batch, and tell through the pipe how many are committed. */
static void put_for_ever(const char *path, uint64_t i, int ack)
{
    mid_store *store = NULL;

    if (mid_store_open(NULL, path, &store) != MID_OK)
        _exit(1);
    for (;;) {
        const uint64_t end = i + 3;

        if (mid_store_begin(NULL, store) != MID_OK)
            _exit(2);
        for (; i < end; i++)
            if (put_number(store, i, 4 + (int)(i % 40), 64) != MID_OK)
                _exit(3);
        if (mid_store_commit(NULL, store) != MID_OK || write(ack, &i, sizeof i) != sizeof i)
            _exit(4);
    }
}

/* One life: kill the child after a while; returns how many traces it was told are safe. */
static uint64_t live_and_die(const char *path, uint64_t n_acked, unsigned life_us)
{
    int fd[2], how;
    uint64_t n;
    pid_t child;

    CHECK_INT(pipe(fd), 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(fd[0]);
        put_for_ever(path, n_acked, fd[1]);
    }
    close(fd[1]);
    usleep(life_us);
    CHECK_INT(kill(child, SIGKILL), 0);
    CHECK_INT(waitpid(child, &how, 0), child);
    CHECK(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);    /* not by a failure of its own */
    while (read(fd[0], &n, sizeof n) == sizeof n)
        n_acked = n;
    close(fd[0]);
    return n_acked;
}

TEST(store, survives_kill)
{
    enum { N_ROUND = 60 };
    const uint64_t seed = (uint64_t)getpid();
    const char *path = test_path("kill.db");
    uint64_t n_acked = 0, n_before, i;
    mid_store_count count;
    mid_store *store;
    mid__rng rng;
    int round;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (round = 0; round < N_ROUND || n_acked < N_ROUND; round++) {     /* a busy machine needs more and longer lives */
        n_before = n_acked;
        n_acked = live_and_die(path, n_acked, 500 + mid__rng_below(&rng, 40000) * (1 + (unsigned)(round / N_ROUND)));
        store = open_store(path);
        check_sound(store);
        CHECK_OK(mid_store_counts(test_ctx(), store, &count));
        CHECK(count.n_trace == n_acked || count.n_trace == n_acked + 3);    /* killed before its word got out */
        n_acked = count.n_trace;
        for (i = n_before; i < n_acked; i++)
            check_number(store, i, 4 + (int)(i % 40), 64);
        mid_store_close(store);
    }
    store = open_store(path);
    for (i = 0; i < n_acked; i++)
        check_number(store, i, 4 + (int)(i % 40), 64);
    mid_store_close(store);
    print_message("%d kills, %llu acknowledged traces, all there\n", round, (unsigned long long)n_acked);
}
