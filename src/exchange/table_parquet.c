/* A table as Apache Parquet, the plainest file its specification allows (parquet-format 2.x): no compression, one data
 * page (v1) a column and row group, PLAIN values, definition levels as runs (RLE, bit width 1) in columns that may be
 * null, no statistics, a footer in Thrift's compact protocol. Numbers in comments are the field ids of parquet.thrift.
 * Written here because Debian has no C library for it and Arrow's C++ is a hundred times this file. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "exchange/table.h"

enum { GROUP_ROWS = 1 << 16, GROUP_BYTES = 1 << 26 };     /* a row group ends with the first that is reached */

/* ---- Thrift's compact protocol ----------------------------------------------------------------------------------- */

enum { T_I32 = 5, T_I64 = 6, T_BINARY = 8, T_LIST = 9, T_STRUCT = 12 };

/* Fields of a struct come in ascending order, each said as a step from the one before. */
typedef struct thrift { mid__buf *out; int last[8], depth; } thrift;

static void varint(mid__buf *out, uint64_t x)
{
    do {
        const uint8_t byte = (uint8_t)((x & 0x7f) | (x > 0x7f ? 0x80 : 0));
        mid__buf_put(out, &byte, 1);
        x >>= 7;
    } while (x);
}

static void zigzag(mid__buf *out, int64_t x) { varint(out, (uint64_t)x << 1 ^ (uint64_t)(x >> 63)); }

static void byte(mid__buf *out, int x)
{
    const uint8_t b = (uint8_t)x;

    mid__buf_put(out, &b, 1);
}

static void field(thrift *t, int id, int type)
{
    byte(t->out, (id - t->last[t->depth]) << 4 | type);
    t->last[t->depth] = id;
}

static void number(thrift *t, int id, int type, int64_t x)
{
    field(t, id, type);
    zigzag(t->out, x);
}

static void text(mid__buf *out, const char *s)
{
    varint(out, strlen(s));
    mid__buf_text(out, s);
}

static void list(thrift *t, int id, int type, size_t n)
{
    field(t, id, T_LIST);
    byte(t->out, (n < 15 ? (int)n : 15) << 4 | type);
    if (n >= 15)
        varint(t->out, n);
}

static void begin(thrift *t) { t->last[++t->depth] = 0; }

static void end(thrift *t)
{
    byte(t->out, 0);
    t->depth -= 1;
}

/* ---- columns and row groups -------------------------------------------------------------------------------------- */

typedef struct chunk { int64_t at, n_byte; } chunk;         /* a column's bytes in a row group, page header included */

struct parquet {
    mid__file_out out;
    const mid__column *column;
    size_t n;
    mid__buf *value, *level;        /* (n) of the row group being filled; level: runs of (uint64_t n << 1 | defined) */
    int64_t n_row, at;              /* rows in it; bytes written */
    size_t n_byte;
    mid__buf chunks, groups;        /* (n_group, n) of chunk; (n_group) int64_t: rows */
};

static mid_status open_parquet(mid_ctx *ctx, void *state, const char *path, const mid__column *column, size_t n)
{
    struct parquet *p = state;
    mid__buf file = { 0 };
    mid_status status;

    p->column = column;
    p->n = n;
    p->value = calloc(n + 1, sizeof *p->value);
    p->level = calloc(n + 1, sizeof *p->level);
    status = p->value && p->level && mid__buf_fmt(&file, "%s.parquet", path) ? mid__file_begin(ctx, file.at, &p->out)
             : mid__oom(ctx, path);
    if (status == MID_OK)
        status = mid__file_put(ctx, &p->out, "PAR1", 4);
    p->at = 4;
    mid__buf_clear(&file);
    return status;
}

static void put_value(mid__buf *out, mid__kind kind, const mid__cell *cell)
{
    const float single = (float)cell->real;
    const uint32_t n = (uint32_t)cell->n;

    if (kind == MID__INT64) {
        mid__buf_put(out, &cell->whole, 8);
    } else if (kind == MID__FLOAT) {
        mid__buf_put(out, &single, 4);
    } else if (kind == MID__DOUBLE) {
        mid__buf_put(out, &cell->real, 8);
    } else {
        mid__buf_put(out, &n, 4);
        mid__buf_put(out, cell->bytes, cell->n);
    }
}

/* One more level: longer the last run, or a new one. */
static void put_level(mid__buf *runs, bool defined)
{
    uint64_t *last = runs->n ? (uint64_t *)(void *)(runs->at + runs->n - sizeof *last) : NULL;
    const uint64_t run = 2 | defined;

    if (last && (*last & 1) == defined)
        *last += 2;
    else
        mid__buf_put(runs, &run, sizeof run);
}

/* The levels as a page has them: their length in bytes, then each run's. */
static void pack_levels(const mid__buf *runs, mid__buf *out)
{
    mid__buf packed = { 0 };
    uint32_t n;
    size_t i;

    for (i = 0; i < runs->n; i += sizeof(uint64_t)) {
        uint64_t run;
        memcpy(&run, runs->at + i, sizeof run);
        varint(&packed, run >> 1 << 1);                     /* an even number: a run, not bits */
        byte(&packed, (int)(run & 1));
    }
    n = (uint32_t)packed.n;
    mid__buf_put(out, &n, 4);
    mid__buf_put(out, packed.at, packed.n);
    out->failed |= packed.failed;
    mid__buf_clear(&packed);
}

static void page_header(mid__buf *out, size_t n_byte, int64_t n_row)
{
    thrift t = { .out = out };

    number(&t, 1, T_I32, 0);                                /* type: data page */
    number(&t, 2, T_I32, (int64_t)n_byte);                  /* uncompressed */
    number(&t, 3, T_I32, (int64_t)n_byte);                  /* compressed */
    field(&t, 5, T_STRUCT);
    begin(&t);
    number(&t, 1, T_I32, n_row);
    number(&t, 2, T_I32, 0);                                /* values: PLAIN */
    number(&t, 3, T_I32, 3);                                /* definition levels: RLE */
    number(&t, 4, T_I32, 3);                                /* repetition levels: RLE; there are none */
    end(&t);
    byte(out, 0);
}

static mid_status write_chunk(mid_ctx *ctx, struct parquet *p, size_t i)
{
    mid__buf head = { 0 }, levels = { 0 };
    chunk c = { p->at, 0 };
    mid_status status;

    if (p->column[i].optional)
        pack_levels(&p->level[i], &levels);
    page_header(&head, levels.n + p->value[i].n, p->n_row);
    c.n_byte = (int64_t)(head.n + levels.n + p->value[i].n);
    mid__buf_put(&p->chunks, &c, sizeof c);
    status = head.failed || levels.failed || p->value[i].failed || p->level[i].failed || p->chunks.failed
             ? mid__oom(ctx, p->out.path) : mid__file_put(ctx, &p->out, head.at, head.n);
    if (status == MID_OK)
        status = mid__file_put(ctx, &p->out, levels.at, levels.n);
    if (status == MID_OK)
        status = mid__file_put(ctx, &p->out, p->value[i].at, p->value[i].n);
    p->at += c.n_byte;
    p->value[i].n = p->level[i].n = 0;
    mid__buf_clear(&levels);
    mid__buf_clear(&head);
    return status;
}

static mid_status end_group(mid_ctx *ctx, struct parquet *p)
{
    mid_status status = MID_OK;
    size_t i;

    if (!p->n_row)
        return MID_OK;
    for (i = 0; i < p->n && status == MID_OK; i++)
        status = write_chunk(ctx, p, i);
    if (status == MID_OK && !mid__buf_put(&p->groups, &p->n_row, sizeof p->n_row))
        status = mid__oom(ctx, p->out.path);
    p->n_row = 0;
    p->n_byte = 0;
    return status;
}

static mid_status put_row(mid_ctx *ctx, void *state, const mid__cell *cell)
{
    struct parquet *p = state;
    size_t i;

    for (i = 0; i < p->n; i++) {
        if (p->column[i].optional)
            put_level(&p->level[i], !cell[i].null);
        if (!cell[i].null || !p->column[i].optional)
            put_value(&p->value[i], p->column[i].kind, &cell[i]);
        p->n_byte += 8 + cell[i].n;
    }
    p->n_row += 1;
    return p->n_row < GROUP_ROWS && p->n_byte < GROUP_BYTES ? MID_OK : end_group(ctx, p);
}

/* ---- the footer -------------------------------------------------------------------------------------------------- */

static const int type_of[] = {
    [MID__INT64] = 2, [MID__FLOAT] = 4, [MID__DOUBLE] = 5, [MID__TEXT] = 6, [MID__BYTES] = 6,
};

static void put_schema(thrift *t, const struct parquet *p)
{
    size_t i;

    list(t, 2, T_STRUCT, p->n + 1);
    begin(t);
    field(t, 4, T_BINARY);
    text(t->out, "schema");
    number(t, 5, T_I32, (int64_t)p->n);                     /* children */
    end(t);
    for (i = 0; i < p->n; i++) {
        begin(t);
        number(t, 1, T_I32, type_of[p->column[i].kind]);
        number(t, 3, T_I32, p->column[i].optional);         /* 0 required, 1 optional */
        field(t, 4, T_BINARY);
        text(t->out, p->column[i].name);
        if (p->column[i].kind == MID__TEXT)
            number(t, 6, T_I32, 0);                         /* converted type: UTF8 */
        end(t);
    }
}

static void put_column(thrift *t, const mid__column *column, const chunk *c, int64_t n_row)
{
    begin(t);
    number(t, 2, T_I64, c->at);
    field(t, 3, T_STRUCT);
    begin(t);
    number(t, 1, T_I32, type_of[column->kind]);
    list(t, 2, T_I32, 2);
    zigzag(t->out, 0);                                      /* PLAIN */
    zigzag(t->out, 3);                                      /* RLE */
    list(t, 3, T_BINARY, 1);
    text(t->out, column->name);
    number(t, 4, T_I32, 0);                                 /* no compression */
    number(t, 5, T_I64, n_row);
    number(t, 6, T_I64, c->n_byte);
    number(t, 7, T_I64, c->n_byte);
    number(t, 9, T_I64, c->at);
    end(t);
    end(t);
}

static void put_footer(mid__buf *out, const struct parquet *p)
{
    const chunk *c = (const chunk *)(const void *)p->chunks.at;
    const int64_t *rows = (const int64_t *)(const void *)p->groups.at;
    const size_t n_group = p->groups.n / sizeof *rows;
    thrift t = { .out = out };
    int64_t n_row = 0, n_byte;
    size_t i, k;

    for (k = 0; k < n_group; k++)
        n_row += rows[k];
    number(&t, 1, T_I32, 1);                                /* version */
    put_schema(&t, p);
    number(&t, 3, T_I64, n_row);
    list(&t, 4, T_STRUCT, n_group);
    for (k = 0; k < n_group; k++) {
        begin(&t);
        list(&t, 1, T_STRUCT, p->n);
        for (i = 0, n_byte = 0; i < p->n; i++) {
            put_column(&t, &p->column[i], &c[k * p->n + i], rows[k]);
            n_byte += c[k * p->n + i].n_byte;
        }
        number(&t, 2, T_I64, n_byte);
        number(&t, 3, T_I64, rows[k]);
        end(&t);
    }
    field(&t, 6, T_BINARY);
    text(out, "midstream " MID_VERSION);
    byte(out, 0);
}

static mid_status commit(mid_ctx *ctx, void *state)
{
    struct parquet *p = state;
    mid__buf footer = { 0 };
    mid_status status = end_group(ctx, p);
    uint32_t n;

    if (status != MID_OK)                                   /* a group has not all its chunks */
        return status;
    put_footer(&footer, p);
    n = (uint32_t)footer.n;
    mid__buf_put(&footer, &n, 4);
    mid__buf_text(&footer, "PAR1");
    status = footer.failed ? mid__oom(ctx, p->out.path) : mid__file_put(ctx, &p->out, footer.at, footer.n);
    mid__buf_clear(&footer);
    return status == MID_OK ? mid__file_commit(ctx, &p->out) : status;
}

static void close_parquet(void *state)
{
    struct parquet *p = state;
    size_t i;

    mid__file_discard(&p->out);
    for (i = 0; i < p->n; i++) {
        if (p->value)
            mid__buf_clear(&p->value[i]);
        if (p->level)
            mid__buf_clear(&p->level[i]);
    }
    free(p->value);
    free(p->level);
    mid__buf_clear(&p->chunks);
    mid__buf_clear(&p->groups);
}

const mid__table_ops mid__table_parquet = {
    .name = "parquet", .texts = true, .state_size = sizeof(struct parquet),
    .open = open_parquet, .row = put_row, .commit = commit, .close = close_parquet,
};
