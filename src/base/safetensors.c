/* Weights as a safetensors file: 8 bytes of little-endian header length, a JSON header, the tensors' bytes.
 *
 * Same weights, same bytes: the header lists tensors by name, is written without spaces and padded with them to a
 * multiple of 8, and the data follows in the header's order without gaps.
 * Reading is stricter than the format asks for, since a file may be a stranger's: float32 only, at most two dimensions
 * (one counts as a single row), no field we do not know, and the tensors must tile the data exactly. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/file.h"
#include "base/weights.h"
#include "yyjson.h"

#define HEADER_LIMIT ((size_t)1 << 20)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors data is little-endian");

/* ---- writing ---- */

/* {"__metadata__":{...},"name":{"dtype":"F32","shape":[r,c],"data_offsets":[from,to]},...} */
static char *header_json(const mid_weights *w, size_t *n)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *entries = yyjson_mut_obj(doc);
    char *json = NULL;
    size_t i, from = 0;
    bool ok = true;

    yyjson_mut_doc_set_root(doc, root);
    for (i = 0; i < w->entry.n; i++)
        ok &= yyjson_mut_obj_add_str(doc, entries, w->entry.at[i].name, w->entry.at[i].text);
    ok &= yyjson_mut_obj_add_val(doc, root, MID__WEIGHTS_METADATA, entries);
    for (i = 0; i < w->tensor.n; i++) {
        const mid__item *t = &w->tensor.at[i];
        const size_t to = from + t->n_row * t->n_col * sizeof(float);
        const uint64_t shape[2] = { t->n_row, t->n_col }, offsets[2] = { from, to };
        yyjson_mut_val *field = yyjson_mut_obj(doc);

        ok &= yyjson_mut_obj_add_str(doc, field, "dtype", "F32");
        ok &= yyjson_mut_obj_add_val(doc, field, "shape", yyjson_mut_arr_with_uint64(doc, shape, 2));
        ok &= yyjson_mut_obj_add_val(doc, field, "data_offsets", yyjson_mut_arr_with_uint64(doc, offsets, 2));
        ok &= yyjson_mut_obj_add_val(doc, root, t->name, field);
        from = to;
    }
    if (ok)
        json = yyjson_mut_write(doc, 0, n);
    yyjson_mut_doc_free(doc);
    return json;
}

mid_status mid_weights_pack(mid_ctx *ctx, const mid_weights *weights, void **bytes, size_t *n)
{
    mid_status status = MID_OK;
    char *json = NULL, *taken;
    uint64_t n_header;
    mid__buf buf;
    size_t i, n_json;

    mid__buf_init(&buf, MID__WEIGHTS_FILE_LIMIT);
    json = header_json(weights, &n_json);
    if (!json) {
        status = mid__oom(ctx, "the header of weights");
        goto out;
    }
    if (n_json > HEADER_LIMIT - 8) {
        status = mid__fail(ctx, MID_ELIMIT, "weights have a header of %zu bytes: keep names and entries below %zu",
                           n_json, HEADER_LIMIT - 8);
        goto out;
    }
    n_header = (n_json + 7) / 8 * 8;
    mid__buf_put(&buf, &n_header, 8);
    mid__buf_put(&buf, json, n_json);
    mid__buf_put(&buf, "       ", n_header - n_json);
    for (i = 0; i < weights->tensor.n; i++) {
        const mid__item *t = &weights->tensor.at[i];
        mid__buf_put(&buf, t->data, t->n_row * t->n_col * sizeof(float));
    }
    taken = mid__buf_take(&buf, n);
    if (taken)
        *bytes = taken;
    else
        status = mid__fail(ctx, MID_ELIMIT, "weights do not fit in memory, or into the %zu bytes a file may have",
                           MID__WEIGHTS_FILE_LIMIT);
out:
    free(json);
    mid__buf_clear(&buf);
    return status;
}

mid_status mid_weights_save(mid_ctx *ctx, const mid_weights *weights, const char *path)
{
    void *bytes = NULL;
    size_t n = 0;
    mid_status status = mid_weights_pack(ctx, weights, &bytes, &n);

    if (status == MID_OK)
        status = mid__file_write(ctx, path, bytes, n);
    free(bytes);
    return status;
}

/* ---- reading ---- */

/* A tensor as the header describes it, before its bytes are looked at. */
struct view {
    const char *name;
    size_t n_row, n_col, from, to;
};

static mid_status fail_tensor(mid_ctx *ctx, const char *name, const char *what)
{
    return mid__fail(ctx, MID_EFORMAT, "tensor '%s': %s", name, what);
}

/* Array of up to 2 counts; -1: it is something else. */
static int counts_of(yyjson_val *array, size_t count[2])
{
    const size_t n = yyjson_arr_size(array);
    size_t i;

    if (!yyjson_is_arr(array) || n > 2)
        return -1;
    for (i = 0; i < n; i++) {
        yyjson_val *value = yyjson_arr_get(array, i);
        if (!yyjson_is_uint(value) || yyjson_get_uint(value) > MID__WEIGHTS_FILE_LIMIT)
            return -1;
        count[i] = (size_t)yyjson_get_uint(value);
    }
    return (int)n;
}

static mid_status read_view(mid_ctx *ctx, const char *name, yyjson_val *field, size_t n_data, struct view *view)
{
    size_t shape[2] = { 1, 1 }, offsets[2], n;
    int n_dim;

    view->name = name;
    if (!yyjson_is_obj(field) || yyjson_obj_size(field) != 3)
        return fail_tensor(ctx, name, "must be an object of dtype, shape and data_offsets");
    if (!yyjson_equals_str(yyjson_obj_get(field, "dtype"), "F32"))
        return fail_tensor(ctx, name, "dtype must be \"F32\"; convert it first");
    n_dim = counts_of(yyjson_obj_get(field, "shape"), shape);
    if (n_dim < 0 || counts_of(yyjson_obj_get(field, "data_offsets"), offsets) != 2)
        return fail_tensor(ctx, name, "shape must be at most 2 counts and data_offsets must be 2, all below 1 GiB");
    view->n_row = n_dim == 2 ? shape[0] : 1;
    view->n_col = n_dim == 2 ? shape[1] : shape[0];
    view->from = offsets[0];
    view->to = offsets[1];
    n = mid__weights_n(view->n_row, view->n_col);
    if (n == 0)
        return fail_tensor(ctx, name, "has no numbers, or more than 1 GiB of them");
    if (view->from > view->to || view->to > n_data || view->to - view->from != n * sizeof(float))
        return mid__fail(ctx, MID_EFORMAT, "tensor '%s': shape (%zu, %zu) needs %zu bytes, data_offsets give "
                         "%zu to %zu of %zu", name, view->n_row, view->n_col, n * sizeof(float),
                         view->from, view->to, n_data);
    return MID_OK;
}

/* A key or text without zero bytes inside, and within the limits that setting it would check. */
static const char *plain(yyjson_val *value)
{
    const char *text = yyjson_get_str(value);

    return text && strlen(text) == yyjson_get_len(value) ? text : NULL;
}

static mid_status read_entries(mid_ctx *ctx, yyjson_val *entries, mid_weights *w)
{
    yyjson_obj_iter it;
    yyjson_val *key;
    mid_status status = MID_OK;

    if (!yyjson_is_obj(entries))
        return mid__fail(ctx, MID_EFORMAT, MID__WEIGHTS_METADATA ": must be an object of texts");
    it = yyjson_obj_iter_with(entries);
    while (status == MID_OK && (key = yyjson_obj_iter_next(&it))) {
        const char *name = plain(key), *text = plain(yyjson_obj_iter_get_val(key));

        if (!name || !text)
            return mid__fail(ctx, MID_EFORMAT, MID__WEIGHTS_METADATA " '%.40s': must be a text without zero bytes",
                             yyjson_get_str(key));
        if (mid__items_find(&w->entry, name))
            return mid__fail(ctx, MID_EFORMAT, MID__WEIGHTS_METADATA " '%.40s': is there twice", name);
        status = mid_weights_set_text(ctx, w, name, text);
    }
    return status;
}

static int by_place(const void *a, const void *b)
{
    const struct view *x = a, *y = b;

    return (x->from > y->from) - (x->from < y->from);
}

/* Copy the tensors out of data, in its order, checking that each begins where the one before ended. */
static mid_status read_data(mid_ctx *ctx, struct view *view, size_t n_view, const char *data, size_t n_data,
                            mid_weights *w)
{
    size_t i, at = 0;
    mid_status status = MID_OK;

    if (n_view)
        qsort(view, n_view, sizeof *view, by_place);
    for (i = 0; i < n_view && status == MID_OK; at = view[i++].to) {
        const size_t n = view[i].to - view[i].from;
        float *copy;

        if (view[i].from != at)
            return mid__fail(ctx, MID_EFORMAT, "tensor '%s': begins at byte %zu of the data, where %zu was due: "
                             "tensors overlap or leave a gap", view[i].name, view[i].from, at);
        if (mid__items_find(&w->tensor, view[i].name))
            return fail_tensor(ctx, view[i].name, "is there twice");
        copy = malloc(n);                       /* the bytes need not be aligned for floats */
        if (!copy)
            return mid__oom(ctx, view[i].name);
        memcpy(copy, data + view[i].from, n);
        status = mid_weights_set(ctx, w, view[i].name, copy, view[i].n_row, view[i].n_col);
        free(copy);
    }
    if (status == MID_OK && at != n_data)
        return mid__fail(ctx, MID_EFORMAT, "weights: %zu bytes of data, and the tensors cover %zu", n_data, at);
    return status;
}

static mid_status read_header(mid_ctx *ctx, yyjson_val *root, const char *data, size_t n_data, mid_weights *w)
{
    const size_t n_field = yyjson_obj_size(root);
    bool has_entries = false;
    size_t n_view = 0;
    yyjson_obj_iter it;
    yyjson_val *key;
    struct view *view;
    mid_status status = MID_OK;

    if (!yyjson_is_obj(root) || n_field > MID__WEIGHTS_COUNT_MAX)
        return mid__fail(ctx, MID_EFORMAT, "weights: the header must be an object of at most %d tensors",
                         MID__WEIGHTS_COUNT_MAX);
    view = calloc(n_field + 1, sizeof *view);
    if (!view)
        return mid__oom(ctx, "weights");
    it = yyjson_obj_iter_with(root);
    while (status == MID_OK && (key = yyjson_obj_iter_next(&it))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);

        if (!plain(key))
            status = mid__fail(ctx, MID_EFORMAT, "tensor '%.40s': a zero byte inside its name", yyjson_get_str(key));
        else if (strcmp(plain(key), MID__WEIGHTS_METADATA) != 0)
            status = read_view(ctx, plain(key), value, n_data, &view[n_view++]);
        else if (has_entries)
            status = mid__fail(ctx, MID_EFORMAT, MID__WEIGHTS_METADATA ": is there twice");
        else
            status = read_entries(ctx, value, w), has_entries = true;
    }
    if (status == MID_OK)
        status = read_data(ctx, view, n_view, data, n_data, w);
    free(view);
    return status;
}

mid_status mid_weights_unpack(mid_ctx *ctx, const void *bytes, size_t n, mid_weights **out)
{
    const char *at = bytes;
    mid_status status;
    mid_weights *w = NULL;
    yyjson_doc *doc = NULL;
    yyjson_read_err error;
    uint64_t n_header;

    if (n < 8 || n > MID__WEIGHTS_FILE_LIMIT)
        return mid__fail(ctx, MID_EFORMAT, "weights of %zu bytes: 8 to %zu can be read", n, MID__WEIGHTS_FILE_LIMIT);
    memcpy(&n_header, at, 8);
    if (n_header > HEADER_LIMIT || n_header > n - 8)
        return mid__fail(ctx, MID_EFORMAT, "weights say their header has %llu bytes: %zu are there, the limit is %zu",
                         (unsigned long long)n_header, n - 8, HEADER_LIMIT);
    status = mid_weights_open(ctx, &w);
    if (status != MID_OK)
        return status;
    /* yyjson takes the bytes as read-only without its in-place flag, and does not recurse, so depth costs no stack */
    doc = yyjson_read_opts((char *)(uintptr_t)(at + 8), (size_t)n_header, 0, NULL, &error);
    if (!doc) {
        status = error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? mid__oom(ctx, "the header of weights")
               : mid__fail(ctx, MID_EFORMAT, "weights: header byte %zu: %s", error.pos, error.msg);
        goto out;
    }
    status = read_header(ctx, yyjson_doc_get_root(doc), at + 8 + n_header, n - 8 - (size_t)n_header, w);
    if (status == MID_EINVAL || status == MID_ELIMIT)   /* a limit on what can be set is here a fault of the bytes */
        status = MID_EFORMAT;
    if (status == MID_OK) {
        *out = w;
        w = NULL;
    }
out:
    yyjson_doc_free(doc);
    mid_weights_close(w);
    return status;
}

mid_status mid_weights_load(mid_ctx *ctx, const char *path, mid_weights **out)
{
    char *bytes = NULL;
    size_t n = 0;
    mid_status status = mid__file_read(ctx, path, MID__WEIGHTS_FILE_LIMIT, &bytes, &n);

    if (status != MID_OK)
        return status;
    status = mid_weights_unpack(ctx, bytes, n, out);
    free(bytes);
    return status == MID_OK ? MID_OK : mid__within(ctx, status, "%s", path);
}
