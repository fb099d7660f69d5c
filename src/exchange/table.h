/* Tables on their way out: rows of cells, one format a file (table_jsonl.c, table_npy.c, table_parquet.c). */
#ifndef MID_EXCHANGE_TABLE_H
#define MID_EXCHANGE_TABLE_H

#include "base/buf.h"
#include "base/file.h"
#include "midstream/exchange.h"

/* A null float is a NaN to a format that has no null; whole numbers that may be null are not offered to one. */
typedef enum mid__kind { MID__INT64, MID__FLOAT, MID__DOUBLE, MID__TEXT, MID__BYTES } mid__kind;

typedef struct mid__column { const char *name; mid__kind kind; bool optional; } mid__column;

typedef struct mid__cell {
    bool null;
    int64_t whole;
    double real;                    /* FLOAT: exactly a float */
    const char *bytes;              /* (n) */
    size_t n;
} mid__cell;

typedef struct mid__table mid__table;
typedef struct mid__table_ops {
    const char *name;
    bool texts;                     /* can hold texts and nulls; else such a table goes out as JSON lines */
    size_t state_size;
    /* state is zeroed. path is without an end: the format adds its own. column (n) lives as long as the table. */
    mid_status (*open)(mid_ctx *ctx, void *state, const char *path, const mid__column *column, size_t n);
    mid_status (*row)(mid_ctx *ctx, void *state, const mid__cell *cell);
    mid_status (*commit)(mid_ctx *ctx, void *state);
    void (*close)(void *state);     /* frees, also after a failure; what was not committed is gone */
} mid__table_ops;

extern const mid__table_ops mid__table_jsonl, mid__table_npy, mid__table_parquet;

/* One array of numbers as an .npy file, whose number of rows is known only at its end. */
typedef struct mid__npy { mid__file_out out; mid__buf pending; char dtype[4], shape[64]; uint64_t n_row; } mid__npy;
/* @param dtype as numpy spells it, "<f8". @param shape what stands behind the number of rows: "" or " 3, 4". */
mid_status mid__npy_open(mid_ctx *ctx, mid__npy *a, const char *path, const char *dtype, const char *shape);
mid_status mid__npy_row(mid_ctx *ctx, mid__npy *a, const void *bytes, size_t n);
mid_status mid__npy_commit(mid_ctx *ctx, mid__npy *a);
void mid__npy_close(mid__npy *a);

#endif
