/* What the store costs beside a bare SQLite loop: the same rows, alternating rounds, the least of a few. Wall
 * time is what counts; processor time is printed beside it for a machine with other work.
 *   scores  a row is a token's three scores, those of a monitor's fits (rank, rule, cal). Ours are put as a run puts them:
 *           a monitor's scores of a set are one blob, and each monitor's a transaction of its own, on the disk when
 *           it returns. The loop binds and steps one INSERT a row in one transaction of a file set up alike.
 *   labels  a row is a verdict under a trace's key: mid_store_put_label() in one batch, and a loop into a table alike.
 * Every row of ours is read back and compared. bench_store DIR [N_MONITOR N_ANSWER N_TOK [N_ROUND]] */
#include "midstream.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { N_SCORE = 3, N_COST = 2 };       /* of a row; what stands before a blob's rows: two costs */

struct rows {
    size_t n_monitor, n_answer, n_tok;  /* n_tok: of all answers */
    double *score;                      /* (N_COST + N_SCORE * n_tok) */
    mid_key *scores, *trace;            /* (n_monitor), (n_answer) */
};

/* Wall and processor time, of a moment or spent. */
struct time { double wall_s, cpu_s; };

static struct time now(void)
{
    struct timespec wall, cpu;

    clock_gettime(CLOCK_MONOTONIC, &wall);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return (struct time){ (double)wall.tv_sec + 1e-9 * (double)wall.tv_nsec, (double)cpu.tv_sec + 1e-9 * (double)cpu.tv_nsec };
}

static struct time since(struct time start)
{
    const struct time end = now();

    return (struct time){ end.wall_s - start.wall_s, end.cpu_s - start.cpu_s };
}

static void keep_least(struct time *least, struct time t)
{
    least->wall_s = fmin(least->wall_s, t.wall_s);
    least->cpu_s = fmin(least->cpu_s, t.cpu_s);
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_store: %s\n", what);
    exit(1);
}

static void must(mid_ctx *ctx, mid_status status)
{
    if (status != MID_OK)
        fail(mid_ctx_message(ctx));
}

static void must_sql(sqlite3 *db, bool fine)
{
    if (!fine)
        fail(sqlite3_errmsg(db));
}

/* A path in the folder, where no file is left of an earlier round. */
static void fresh(char path[4096], const char *dir, const char *name)
{
    static const char *const end[] = { "-wal", "-shm", "" };
    size_t i;

    for (i = 0; i < 3; i++) {
        snprintf(path, 4096, "%s/%s%s", dir, name, end[i]);
        unlink(path);
    }
}

static void make_rows(struct rows *r)
{
    size_t i;
    char number[24];

    r->score = malloc((N_COST + N_SCORE * r->n_tok) * sizeof *r->score);
    r->scores = malloc(r->n_monitor * sizeof *r->scores);
    r->trace = malloc(r->n_answer * sizeof *r->trace);
    if (!r->score || !r->scores || !r->trace)
        fail("out of memory");
    for (i = 0; i < N_COST + N_SCORE * r->n_tok; i++)
        r->score[i] = sin((double)i);
    for (i = 0; i < r->n_monitor; i++) {
        snprintf(number, sizeof number, "%zu", i);
        r->scores[i] = mid_key_of("scores", number, NULL);
    }
    for (i = 0; i < r->n_answer; i++) {
        snprintf(number, sizeof number, "%zu", i);
        r->trace[i] = mid_key_of("trace", number, NULL);
    }
}

static mid_label label_at(size_t i) { return (mid_label){ .unsafe = (int)(i % 2), .score = 0.5, .onset_byte = -1 }; }

static mid_store *open_ours(mid_ctx *ctx, const char *dir)
{
    mid_store *store;
    char path[4096];

    fresh(path, dir, "ours.db");
    must(ctx, mid_store_open(ctx, path, &store));
    return store;
}

static sqlite3 *open_bare(const char *dir, const char *table)
{
    sqlite3 *db;
    char path[4096];

    fresh(path, dir, "bare.db");
    must_sql(NULL, sqlite3_open(path, &db) == SQLITE_OK);
    must_sql(db, sqlite3_exec(db, "PRAGMA page_size=16384; PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL", NULL,
                              NULL, NULL) == SQLITE_OK);
    must_sql(db, sqlite3_exec(db, table, NULL, NULL, NULL) == SQLITE_OK);
    return db;
}

/* ---- scores ---- */

static struct time scores_ours(mid_ctx *ctx, const char *dir, const struct rows *r)
{
    const size_t n = (N_COST + N_SCORE * r->n_tok) * sizeof *r->score;
    mid_store *store = open_ours(ctx, dir);
    const struct time start = now();
    struct time spent;
    size_t i;

    for (i = 0; i < r->n_monitor; i++)
        must(ctx, mid_store_put_blob(ctx, store, "scores", &r->scores[i], r->score, n));
    spent = since(start);
    for (i = 0; i < r->n_monitor; i++) {
        void *bytes;
        size_t n_back;
        must(ctx, mid_store_get_blob(ctx, store, "scores", &r->scores[i], &bytes, &n_back));
        if (n_back != n || memcmp(bytes, r->score, n) != 0)
            fail("scores came back as others");
        mid_free(bytes);
    }
    mid_store_close(store);
    return spent;
}

static struct time scores_bare(const char *dir, const struct rows *r)
{
    struct time start, spent;
    const double *rank = r->score + N_COST;
    sqlite3_stmt *insert;
    sqlite3 *db;
    size_t i, t;

    db = open_bare(dir, "CREATE TABLE score(scores INTEGER, i_tok INTEGER, rank REAL, rule REAL, cal REAL)");
    start = now();
    must_sql(db, sqlite3_prepare_v2(db, "INSERT INTO score VALUES(?,?,?,?,?)", -1, &insert, NULL) == SQLITE_OK);
    must_sql(db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
    for (i = 0; i < r->n_monitor; i++)
        for (t = 0; t < r->n_tok; t++) {
            sqlite3_bind_int64(insert, 1, (sqlite3_int64)i);
            sqlite3_bind_int64(insert, 2, (sqlite3_int64)t);
            sqlite3_bind_double(insert, 3, rank[t]);
            sqlite3_bind_double(insert, 4, rank[r->n_tok + t]);
            sqlite3_bind_double(insert, 5, rank[2 * r->n_tok + t]);
            must_sql(db, sqlite3_step(insert) == SQLITE_DONE);
            sqlite3_reset(insert);
        }
    must_sql(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    spent = since(start);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return spent;
}

/* ---- labels ---- */

static struct time labels_ours(mid_ctx *ctx, const char *dir, const struct rows *r)
{
    mid_store *store = open_ours(ctx, dir);
    const struct time start = now();
    struct time spent;
    size_t i;

    must(ctx, mid_store_begin(ctx, store));
    for (i = 0; i < r->n_answer; i++) {
        const mid_label label = label_at(i);
        must(ctx, mid_store_put_label(ctx, store, &r->trace[i], "alias", &label));
    }
    must(ctx, mid_store_commit(ctx, store));
    spent = since(start);
    for (i = 0; i < r->n_answer; i++) {
        mid_label back;
        must(ctx, mid_store_get_label(ctx, store, &r->trace[i], "alias", &back));
        if (back.unsafe != label_at(i).unsafe || back.score != 0.5 || back.onset_byte != -1)
            fail("a label came back as another");
    }
    mid_store_close(store);
    return spent;
}

static struct time labels_bare(const char *dir, const struct rows *r)
{
    struct time start, spent;
    sqlite3_stmt *insert;
    sqlite3 *db;
    size_t i;

    db = open_bare(dir, "CREATE TABLE label(trace TEXT NOT NULL, labeler TEXT NOT NULL, unsafe INTEGER NOT NULL,"
                        " score REAL, onset_byte INTEGER NOT NULL, PRIMARY KEY(trace, labeler)) STRICT, WITHOUT ROWID");
    start = now();
    must_sql(db, sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO label VALUES(?,?,?,?,?)", -1, &insert, NULL) == SQLITE_OK);
    must_sql(db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
    for (i = 0; i < r->n_answer; i++) {
        const mid_label label = label_at(i);
        sqlite3_bind_text(insert, 1, r->trace[i].hex, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, "alias", -1, SQLITE_STATIC);
        sqlite3_bind_int64(insert, 3, label.unsafe);
        sqlite3_bind_double(insert, 4, label.score);
        sqlite3_bind_int64(insert, 5, label.onset_byte);
        must_sql(db, sqlite3_step(insert) == SQLITE_DONE);
        sqlite3_reset(insert);
    }
    must_sql(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    spent = since(start);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return spent;
}

/* Reached: at least 0.4 times the loop's rate or, for scores, a million rows a second. */
static bool tell(const char *what, size_t n, struct time ours, struct time bare, bool or_million)
{
    const double rate = (double)n / ours.wall_s, bare_rate = (double)n / bare.wall_s;
    const bool reached = rate >= 0.4 * bare_rate || (or_million && rate >= 1e6);

    printf("store_%s  ours %.3f M rows/s  bare loop %.3f M rows/s  ratio %.2f (goal 0.4%s: %s)  by processor time %.2f\n", what,
           rate / 1e6, bare_rate / 1e6, rate / bare_rate, or_million ? " or 1 M rows/s" : "", reached ? "reached" : "missed",
           bare.cpu_s / ours.cpu_s);
    return reached;
}

int main(int argc, char **argv)
{
    struct rows r = { .n_monitor = 21, .n_answer = 1000, .n_tok = 1000 * 50 };
    struct time least[4] = { { INFINITY, INFINITY }, { INFINITY, INFINITY }, { INFINITY, INFINITY }, { INFINITY, INFINITY } };
    int n_round = 5, i;
    bool reached;
    mid_ctx *ctx;

    if (argc < 2 || mid_ctx_open(&ctx) != MID_OK) {
        fprintf(stderr, "usage: bench_store DIR [N_MONITOR N_ANSWER N_TOK [N_ROUND]]\n");
        return 2;
    }
    if (argc > 4) {
        r.n_monitor = strtoul(argv[2], NULL, 10);
        r.n_answer = strtoul(argv[3], NULL, 10);
        r.n_tok = r.n_answer * strtoul(argv[4], NULL, 10);
    }
    if (argc > 5)
        n_round = atoi(argv[5]);
    make_rows(&r);
    for (i = 0; i < n_round; i++) {
        keep_least(&least[0], scores_ours(ctx, argv[1], &r));
        keep_least(&least[1], scores_bare(argv[1], &r));
        keep_least(&least[2], labels_ours(ctx, argv[1], &r));
        keep_least(&least[3], labels_bare(argv[1], &r));
    }
    printf("%zu rows of scores in %zu commits, %zu labels in one; %d rounds\n", r.n_monitor * r.n_tok, r.n_monitor, r.n_answer,
           n_round);
    reached = tell("scores", r.n_monitor * r.n_tok, least[0], least[1], true);
    reached &= tell("labels", r.n_answer, least[2], least[3], false);
    free(r.score);
    free(r.scores);
    free(r.trace);
    mid_ctx_close(ctx);
    return !reached;
}
