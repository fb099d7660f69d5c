/* Weights in memory: tensors and text entries, each sorted by name, so that the same weights give the same bytes.
 * Every number is finite from the moment it is set. safetensors.c has the file form. */
#include "base/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/utf8.h"
#include "yyjson.h"

enum { NAME_MAX_BYTES = 255 };

mid_status mid_weights_open(mid_ctx *ctx, mid_weights **out)
{
    mid_weights *w = calloc(1, sizeof *w);

    if (!w)
        return mid__oom(ctx, "weights");
    *out = w;
    return MID_OK;
}

static void items_clear(mid__items *items)
{
    size_t i;

    for (i = 0; i < items->n; i++) {
        free(items->at[i].name);
        free(items->at[i].data);
        free(items->at[i].text);
    }
    free(items->at);
}

void mid_weights_close(mid_weights *weights)
{
    if (!weights)
        return;
    items_clear(&weights->tensor);
    items_clear(&weights->entry);
    free(weights);
}

/* Where name is, or where it would go. */
static size_t find(const mid__items *items, const char *name, bool *there)
{
    size_t lo = 0, hi = items->n;

    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (strcmp(items->at[mid].name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *there = lo < items->n && strcmp(items->at[lo].name, name) == 0;
    return lo;
}

const mid__item *mid__items_find(const mid__items *items, const char *name)
{
    bool there;
    const size_t i = find(items, name, &there);

    return there ? &items->at[i] : NULL;
}

static mid_status check_name(mid_ctx *ctx, const char *name)
{
    const size_t n = strlen(name);

    if (n == 0 || n > NAME_MAX_BYTES || mid__utf8_valid(name, n) < n || strcmp(name, MID__WEIGHTS_METADATA) == 0)
        return mid__fail(ctx, MID_EINVAL, "name '%.40s' in weights: 1 to %d bytes of UTF-8 that are not %s",
                         name, NAME_MAX_BYTES, MID__WEIGHTS_METADATA);
    return MID_OK;
}

/* The item called name, made if need be; what it held is freed. Nothing changes on failure. */
static mid_status replace(mid_ctx *ctx, mid__items *items, const char *name, mid__item **out)
{
    bool there;
    const size_t i = find(items, name, &there);
    mid__item *at;
    char *copy;

    if (there) {
        free(items->at[i].data);
        free(items->at[i].text);
        *out = &items->at[i];
        return MID_OK;
    }
    if (items->n == MID__WEIGHTS_COUNT_MAX)
        return mid__fail(ctx, MID_ELIMIT, "weights hold at most %d tensors, and as many entries",
                         MID__WEIGHTS_COUNT_MAX);
    if (items->n == items->cap) {
        at = realloc(items->at, (2 * items->cap + 8) * sizeof *at);
        if (!at)
            return mid__oom(ctx, "weights");
        items->at = at;
        items->cap = 2 * items->cap + 8;
    }
    copy = strdup(name);
    if (!copy)
        return mid__oom(ctx, "weights");
    memmove(items->at + i + 1, items->at + i, (items->n - i) * sizeof *items->at);
    memset(&items->at[i], 0, sizeof items->at[i]);
    items->at[i].name = copy;
    items->n++;
    *out = &items->at[i];
    return MID_OK;
}

size_t mid__weights_n(size_t n_row, size_t n_col)
{
    const size_t most = MID__WEIGHTS_FILE_LIMIT / sizeof(float);

    return n_row == 0 || n_col > most / n_row ? 0 : n_row * n_col;
}

static mid_status check_finite(mid_ctx *ctx, const char *name, const float *data, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!isfinite(data[i]))
            return mid__fail(ctx, MID_ENUMERIC, "tensor '%s': number %zu of %zu is %g", name, i, n, (double)data[i]);
    return MID_OK;
}

mid_status mid_weights_set(mid_ctx *ctx, mid_weights *weights, const char *name,
                           const float *data, size_t n_row, size_t n_col)
{
    const size_t n = mid__weights_n(n_row, n_col);
    mid_status status = check_name(ctx, name);
    mid__item *item;
    float *copy;

    if (status == MID_OK && n == 0)
        status = mid__fail(ctx, MID_EINVAL, "tensor '%s' of shape (%zu, %zu): 1 to %zu numbers can be kept",
                           name, n_row, n_col, MID__WEIGHTS_FILE_LIMIT / sizeof(float));
    if (status == MID_OK)
        status = check_finite(ctx, name, data, n);
    if (status != MID_OK)
        return status;
    copy = malloc(n * sizeof *copy);
    if (!copy)
        return mid__oom(ctx, name);
    memcpy(copy, data, n * sizeof *copy);
    status = replace(ctx, &weights->tensor, name, &item);
    if (status != MID_OK) {
        free(copy);
        return status;
    }
    item->data = copy;
    item->n_row = n_row;
    item->n_col = n_col;
    return MID_OK;
}

mid_status mid_weights_get(mid_ctx *ctx, const mid_weights *weights, const char *name,
                           const float **data, size_t *n_row, size_t *n_col)
{
    const mid__item *item = mid__items_find(&weights->tensor, name);

    if (!item)
        return mid__fail(ctx, MID_EFORMAT, "weights have no tensor '%s'", name);
    *data = item->data;
    *n_row = item->n_row;
    *n_col = item->n_col;
    return MID_OK;
}

mid_status mid_weights_expect(mid_ctx *ctx, const mid_weights *weights, const char *name,
                              size_t n_row, size_t n_col, const float **data)
{
    const mid__item *item = mid__items_find(&weights->tensor, name);

    if (!item)
        return mid__fail(ctx, MID_EFORMAT, "weights have no tensor '%s'", name);
    if (item->n_row != n_row || item->n_col != n_col)
        return mid__fail(ctx, MID_EFORMAT, "tensor '%s' is (%zu, %zu), and (%zu, %zu) is needed",
                         name, item->n_row, item->n_col, n_row, n_col);
    *data = item->data;
    return MID_OK;
}

mid_status mid_weights_set_text(mid_ctx *ctx, mid_weights *weights, const char *key, const char *value)
{
    mid_status status = check_name(ctx, key);
    mid__item *item;
    char *copy;

    if (status == MID_OK && mid__utf8_valid(value, strlen(value)) < strlen(value))
        status = mid__fail(ctx, MID_EINVAL, "entry '%s': byte %zu is not UTF-8",
                           key, mid__utf8_valid(value, strlen(value)));
    if (status != MID_OK)
        return status;
    copy = strdup(value);
    if (!copy)
        return mid__oom(ctx, key);
    status = replace(ctx, &weights->entry, key, &item);
    if (status != MID_OK) {
        free(copy);
        return status;
    }
    item->text = copy;
    return MID_OK;
}

const char *mid_weights_text(const mid_weights *weights, const char *key)
{
    const mid__item *item = mid__items_find(&weights->entry, key);

    return item ? item->text : NULL;
}

mid_status mid_weights_set_number(mid_ctx *ctx, mid_weights *weights, const char *key, double value)
{
    char text[32], *comma;

    snprintf(text, sizeof text, "%.17g", value);
    comma = strchr(text, ',');
    if (comma)                                  /* a program may have set a locale */
        *comma = '.';
    return mid_weights_set_text(ctx, weights, key, text);
}

double mid_weights_number(const mid_weights *weights, const char *key)
{
    const char *text = mid_weights_text(weights, key), *end;
    yyjson_val number;

    if (!text)
        return NAN;
    end = yyjson_read_number(text, &number, YYJSON_READ_ALLOW_INF_AND_NAN, NULL, NULL);
    return end && *end == 0 ? yyjson_get_num(&number) : NAN;
}

/* ---- weights within weights --------------------------------------------------------------------------------------- */

mid_status mid__weights_put_all(mid_ctx *ctx, mid_weights *into, const char *prefix, const mid_weights *from)
{
    char name[NAME_MAX_BYTES + 2];
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; status == MID_OK && i < from->tensor.n; i++) {
        const mid__item *t = &from->tensor.at[i];
        snprintf(name, sizeof name, "%s%s", prefix, t->name);
        status = mid_weights_set(ctx, into, name, t->data, t->n_row, t->n_col);
    }
    for (i = 0; status == MID_OK && i < from->entry.n; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, from->entry.at[i].name);
        status = mid_weights_set_text(ctx, into, name, from->entry.at[i].text);
    }
    return status;
}

mid_status mid__weights_take(mid_ctx *ctx, const mid_weights *from, const char *prefix, mid_weights **out)
{
    const size_t n = strlen(prefix);
    mid_weights *w = NULL;
    mid_status status = mid_weights_open(ctx, &w);
    size_t i;

    for (i = 0; status == MID_OK && i < from->tensor.n; i++) {
        const mid__item *t = &from->tensor.at[i];
        if (strncmp(t->name, prefix, n) == 0)
            status = mid_weights_set(ctx, w, t->name + n, t->data, t->n_row, t->n_col);
    }
    for (i = 0; status == MID_OK && i < from->entry.n; i++)
        if (strncmp(from->entry.at[i].name, prefix, n) == 0)
            status = mid_weights_set_text(ctx, w, from->entry.at[i].name + n, from->entry.at[i].text);
    if (status == MID_OK && w->tensor.n + w->entry.n == 0)
        status = mid__fail(ctx, MID_EFORMAT, "weights have nothing under '%s'", prefix);
    if (status == MID_OK)
        *out = w;
    else
        mid_weights_close(w);
    return status;
}
