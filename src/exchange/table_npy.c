/* Arrays as numpy's .npy, format 1.0 (numpy.lib.format): a magic, the length of a header, a Python literal that says
 * type and shape, then the values, little-endian. The header has room for any number of rows and is written again at
 * the end.
 * A table is one file a column of numbers, PATH.COLUMN.npy; texts have no place in it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ctx.h"
#include "exchange/table.h"

enum { HEADER_BYTES = 256, PENDING_BYTES = 1 << 16 };     /* magic and length included; a multiple of 64 */

static void header_of(const mid__npy *a, char text[HEADER_BYTES])
{
    int n;

    memset(text, ' ', HEADER_BYTES);
    memcpy(text, "\x93NUMPY\x01\x00", 8);
    text[8] = (char)((HEADER_BYTES - 10) & 0xff);
    text[9] = (char)((HEADER_BYTES - 10) >> 8);
    n = snprintf(text + 10, HEADER_BYTES - 10, "{'descr': '%s', 'fortran_order': False, 'shape': (%llu,%s), }",
                 a->dtype, (unsigned long long)a->n_row, a->shape);
    text[10 + n] = ' ';
    text[HEADER_BYTES - 1] = '\n';
}

mid_status mid__npy_open(mid_ctx *ctx, mid__npy *a, const char *path, const char *dtype, const char *shape)
{
    char header[HEADER_BYTES];

    *a = (mid__npy){ .n_row = 0 };
    snprintf(a->dtype, sizeof a->dtype, "%s", dtype);
    snprintf(a->shape, sizeof a->shape, "%s", shape);
    header_of(a, header);
    mid__buf_put(&a->pending, header, sizeof header);
    return mid__file_begin(ctx, path, &a->out);
}

static mid_status flush(mid_ctx *ctx, mid__npy *a)
{
    const mid_status status = a->pending.failed ? mid__oom(ctx, a->out.path)
                              : mid__file_put(ctx, &a->out, a->pending.at, a->pending.n);

    a->pending.n = 0;
    return status;
}

mid_status mid__npy_row(mid_ctx *ctx, mid__npy *a, const void *bytes, size_t n)
{
    mid__buf_put(&a->pending, bytes, n);
    a->n_row += 1;
    return a->pending.n < PENDING_BYTES && !a->pending.failed ? MID_OK : flush(ctx, a);
}

mid_status mid__npy_commit(mid_ctx *ctx, mid__npy *a)
{
    char header[HEADER_BYTES];
    mid_status status = flush(ctx, a);

    header_of(a, header);
    if (status == MID_OK && lseek(a->out.fd, 0, SEEK_SET) != 0)
        status = mid__fail(ctx, MID_EIO, "%s: cannot go back to the header; write to a plain file", a->out.path);
    if (status == MID_OK)
        status = mid__file_put(ctx, &a->out, header, sizeof header);
    return status == MID_OK ? mid__file_commit(ctx, &a->out) : status;
}

void mid__npy_close(mid__npy *a)
{
    mid__file_discard(&a->out);
    mid__buf_clear(&a->pending);
}

/* ---- a table ----------------------------------------------------------------------------------------------------- */

struct arrays { mid__npy *array; const mid__column *column; size_t n; };       /* (n), of texts unused */

static mid_status open_arrays(mid_ctx *ctx, void *state, const char *path, const mid__column *column, size_t n)
{
    static const char *const dtype[] = { [MID__INT64] = "<i8", [MID__FLOAT] = "<f4", [MID__DOUBLE] = "<f8" };
    struct arrays *t = state;
    mid_status status = MID_OK;
    size_t i;

    t->column = column;
    t->n = n;
    t->array = calloc(n + 1, sizeof *t->array);
    if (!t->array)
        return mid__oom(ctx, path);
    for (i = 0; i < n && status == MID_OK; i++) {
        mid__buf file = { 0 };
        if (column[i].kind >= MID__TEXT)
            continue;
        status = mid__buf_fmt(&file, "%s.%s.npy", path, column[i].name)
                 ? mid__npy_open(ctx, &t->array[i], file.at, dtype[column[i].kind], "") : mid__oom(ctx, path);
        mid__buf_clear(&file);
    }
    return status;
}

static mid_status put_row(mid_ctx *ctx, void *state, const mid__cell *cell)
{
    struct arrays *t = state;
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; i < t->n && status == MID_OK; i++) {
        const double real = cell[i].null ? (double)NAN : cell[i].real;
        const float single = (float)real;
        if (t->column[i].kind == MID__INT64)
            status = mid__npy_row(ctx, &t->array[i], &cell[i].whole, sizeof cell[i].whole);
        else if (t->column[i].kind == MID__FLOAT)
            status = mid__npy_row(ctx, &t->array[i], &single, sizeof single);
        else if (t->column[i].kind == MID__DOUBLE)
            status = mid__npy_row(ctx, &t->array[i], &real, sizeof real);
    }
    return status;
}

static mid_status commit(mid_ctx *ctx, void *state)
{
    struct arrays *t = state;
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; i < t->n && status == MID_OK; i++)
        if (t->column[i].kind < MID__TEXT)
            status = mid__npy_commit(ctx, &t->array[i]);
    return status;
}

static void close_arrays(void *state)
{
    struct arrays *t = state;
    size_t i;

    for (i = 0; t->array && i < t->n; i++)
        mid__npy_close(&t->array[i]);
    free(t->array);
}

const mid__table_ops mid__table_npy = {
    .name = "npy", .state_size = sizeof(struct arrays),
    .open = open_arrays, .row = put_row, .commit = commit, .close = close_arrays,
};
