/* The forms that import reads, alphabetical, and what they share. Each record is read back the way a dataset reads it
 * before it is written, so what import leaves can be opened; ids are compared by a hash of 64 bits. */
#include "exchange/import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "midstream/sample.h"
#include "task/record.h"

enum { PENDING_BYTES = 1 << 16 };

static const mid_import_info *const imports[] = {
    &mid__import_csv.info, &mid__import_lm_eval.info, &mid__import_openai_chat.info, &mid__import_ragtruth.info, NULL,
};

const mid_import_info *const *mid_import_list(void) { return imports; }
mid_import_opts mid_import_opts_default(void) { return (mid_import_opts){ .size = sizeof(mid_import_opts) }; }

/* ---- lines ------------------------------------------------------------------------------------------------------- */

mid_status mid__lines_open(mid_ctx *ctx, const char *path, mid__lines *out)
{
    *out = (mid__lines){ .f = fopen(path, "rb") };
    mid__jsonl_init(&out->json, path, "", 0);
    if (!out->f)
        return mid__fail(ctx, errno == ENOENT ? MID_ENOTFOUND : MID_EIO, "%s: cannot open: %s", path, strerror(errno));
    return MID_OK;
}

void mid__lines_close(mid__lines *l)
{
    mid__jsonl_clear(&l->json);
    mid__buf_clear(&l->text);
    if (l->f)
        fclose(l->f);
    l->f = NULL;
}

/* The next line with its end, as far as one byte past the limit; empty at the end of the file. */
static mid_status take_line(mid_ctx *ctx, mid__lines *l)
{
    char chunk[4096];
    size_t n = 0;
    int c;

    l->n_before += l->text.n;
    l->text.n = 0;
    while (l->text.n + n <= MID_LINE_LIMIT_BYTES + 1 && (c = getc_unlocked(l->f)) != EOF) {
        chunk[n++] = (char)c;
        if (n == sizeof chunk || c == '\n') {
            mid__buf_put(&l->text, chunk, n);
            n = 0;
        }
        if (c == '\n')
            break;
    }
    mid__buf_put(&l->text, chunk, n);
    if (ferror(l->f))
        return mid__fail(ctx, MID_EIO, "%s: cannot read: %s", l->json.path, strerror(errno));
    return l->text.failed ? mid__oom(ctx, l->json.path) : MID_OK;
}

mid_status mid__lines_next(mid_ctx *ctx, mid__lines *l, yyjson_val **object)
{
    const char *path = l->json.path;
    mid_status status;

    *object = NULL;
    do {
        status = take_line(ctx, l);
        if (status != MID_OK || !l->text.n)
            return status;
        mid__jsonl_clear(&l->json);
        mid__jsonl_init(&l->json, path, l->text.at, l->text.n);
        l->json.i_line = l->i_line++;
        l->json.n_before = l->n_before;
        status = mid__jsonl_next(ctx, &l->json, object);
    } while (status == MID_OK && !*object);             /* a blank line */
    return status;
}

/* ---- a record ---------------------------------------------------------------------------------------------------- */

mid_status mid__row_begin(mid__import *im, mid__row *row)
{
    *row = (mid__row){ .doc = yyjson_mut_doc_new(NULL) };
    row->meta = row->doc ? yyjson_mut_obj(row->doc) : NULL;
    im->count->n_row += 1;
    return row->meta ? MID_OK : mid__oom(im->ctx, im->in);
}

void mid__row_clear(mid__row *row)
{
    yyjson_mut_doc_free(row->doc);
    row->doc = NULL;
}

yyjson_mut_val *mid__row_copy(mid__row *row, yyjson_val *value)
{
    return value && !yyjson_is_null(value) ? yyjson_val_mut_copy(row->doc, value) : NULL;
}

void mid__row_meta(mid__row *row, const char *key, yyjson_val *value)
{
    yyjson_mut_val *copy = mid__row_copy(row, value);

    if (copy)
        yyjson_mut_obj_add_val(row->doc, row->meta, key, copy);
}

void mid__row_name(const mid__import *im, mid__row *row, const char *fmt, ...)
{
    mid__buf id = { 0 };
    va_list args;
    bool ok;

    va_start(args, fmt);
    ok = mid__buf_fmt(&id, "%s-", im->name) && mid__buf_vfmt(&id, fmt, args);
    va_end(args);
    if (ok)
        row->id = yyjson_mut_strncpy(row->doc, id.at, id.n);
    mid__buf_clear(&id);
}

static char *row_text(const mid__import *im, const mid__row *row, size_t *n)
{
    const struct { const char *key; yyjson_mut_val *value; } field[] = {
        { "id", row->id }, { "task", yyjson_mut_str(row->doc, im->task) }, { "prompt", row->prompt },
        { "response", row->response }, { "response_model", row->response_model }, { "references", row->references },
        { "bad_references", row->bad_references }, { "label", row->label }, { "label_source", row->label_source },
        { "category", row->category }, { "lang", row->lang }, { "meta", row->meta },
    };
    yyjson_mut_val *object = yyjson_mut_obj(row->doc);
    size_t i;

    for (i = 0; i < sizeof field / sizeof *field; i++)
        yyjson_mut_obj_add_val(row->doc, object, field[i].key, field[i].value ? field[i].value
                               : yyjson_mut_null(row->doc));
    return yyjson_mut_val_write(object, YYJSON_WRITE_NOFLAG, n);
}

static size_t slot_of(const mid__import *im, uint64_t hash)
{
    size_t i = hash & (im->n_slot - 1);

    while (im->id[i] && im->id[i] != hash)
        i = (i + 1) & (im->n_slot - 1);
    return i;
}

static bool grow_ids(mid__import *im)
{
    mid__import bigger = { .n_slot = im->n_slot ? 2 * im->n_slot : 1024 };
    size_t i;

    if (2 * (im->count->n_written + 1) <= im->n_slot)
        return true;
    bigger.id = calloc(bigger.n_slot, sizeof *bigger.id);
    if (!bigger.id)
        return false;
    for (i = 0; i < im->n_slot; i++)
        if (im->id[i])
            bigger.id[slot_of(&bigger, im->id[i])] = im->id[i];
    free(im->id);
    im->id = bigger.id;
    im->n_slot = bigger.n_slot;
    return true;
}

static mid_status note_id(mid__import *im, const char *id)
{
    const uint64_t hash = mid__fnv(MID__FNV_START, id, strlen(id)) | 1;     /* never 0 */
    size_t slot;

    if (!grow_ids(im))
        return mid__oom(im->ctx, im->in);
    slot = slot_of(im, hash);
    if (im->id[slot])
        return mid__fail(im->ctx, MID_EFORMAT, "the id \"%.100s\" was used before; ids must differ", id);
    im->id[slot] = hash;
    return MID_OK;
}

/* As a dataset would read it. */
static mid_status check_record(mid__import *im, const char *text, size_t n)
{
    mid__jsonl line;
    mid__arena arena = { 0 };
    mid_sample sample;
    yyjson_val *object;
    mid_status status;

    mid__jsonl_init(&line, "its record", text, n);
    status = mid__jsonl_next(im->ctx, &line, &object);
    if (status == MID_OK)
        status = mid__record_read(im->ctx, &line, object, &arena, &sample);
    if (status == MID_OK)
        status = note_id(im, sample.id);
    mid__arena_clear(&arena);
    mid__jsonl_clear(&line);
    return status;
}

static mid_status flush(mid__import *im)
{
    const mid_status status = im->pending.failed ? mid__oom(im->ctx, im->in)
                              : mid__file_put(im->ctx, &im->out, im->pending.at, im->pending.n);

    im->pending.n = 0;
    return status;
}

mid_status mid__import_put(mid__import *im, const char *file, size_t i_line, const mid__row *row)
{
    size_t n;
    char *text = row_text(im, row, &n);
    mid_status status = text ? check_record(im, text, n) : mid__oom(im->ctx, im->in);

    if (status != MID_OK)
        status = mid__within(im->ctx, status, "%s:%zu", file, i_line);
    if (status == MID_OK) {
        mid__buf_put(&im->pending, text, n);
        mid__buf_text(&im->pending, "\n");
        im->count->n_written += 1;
    }
    if (status == MID_OK && im->pending.n >= PENDING_BYTES)
        status = flush(im);
    free(text);
    return status;
}

void mid__import_skip(mid__import *im, const char *why)
{
    mid_import_count *c = im->count;
    size_t i;

    for (i = 0; i < c->n_why && c->skipped[i].why != why; i++)
        ;
    if (i == c->n_why && i < MID_IMPORT_WHY_MAX)
        c->skipped[c->n_why++] = (struct mid_import_why){ why, 0 };
    c->skipped[i < MID_IMPORT_WHY_MAX ? i : MID_IMPORT_WHY_MAX - 1].n += 1;
}

mid_status mid__import_each(mid__import *im, const char *path, mid__take take, const void *user)
{
    mid__lines l;
    mid__row row;
    yyjson_val *object;
    mid_status status = mid__lines_open(im->ctx, path, &l);

    do {
        if (status == MID_OK)
            status = mid__lines_next(im->ctx, &l, &object);
        if (status == MID_OK && object) {
            status = mid__row_begin(im, &row);
            if (status == MID_OK)
                status = take(im, &l, object, user, &row);
            mid__row_clear(&row);
        }
    } while (status == MID_OK && object);
    mid__lines_close(&l);
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

const char *mid__import_source(const mid__import *im, const char *field)
{
    size_t i;

    for (i = im->opts->n_map; i-- > 0;)
        if (strcmp(im->opts->map[i].field, field) == 0)
            return im->opts->map[i].source;
    return NULL;
}

static mid_status find(mid_ctx *ctx, const char *from, const mid__import_ops **out)
{
    size_t i;

    for (i = 0; imports[i]; i++)
        if (strcmp(imports[i]->name, from) == 0) {
            *out = (const mid__import_ops *)(const void *)imports[i];       /* info is its first member */
            return MID_OK;
        }
    return mid__fail(ctx, MID_EINVAL, "no form '%s'; there are csv, lm-eval, openai-chat, ragtruth", from);
}

static mid_status check_map(mid_ctx *ctx, const mid_import_info *info, const mid_import_opts *opts)
{
    size_t i, k;

    for (i = 0; i < opts->n_map; i++) {
        for (k = 0; info->map && info->map[k] && strcmp(info->map[k], opts->map[i].field) != 0; k++)
            ;
        if (!info->map || !info->map[k]) {
            mid__buf all = { 0 };
            mid_status status;
            for (k = 0; info->map && info->map[k]; k++)
                mid__buf_fmt(&all, "%s%s", k ? ", " : "", info->map[k]);
            status = mid__fail(ctx, MID_EINVAL, "a map of '%s', which %s does not have; it can map %s",
                               opts->map[i].field, info->name, all.n ? all.at : "nothing");
            mid__buf_clear(&all);
            return status;
        }
    }
    return MID_OK;
}

/* The last part of a path without what follows its last full stop; free it. */
static char *own_name(const char *path)
{
    size_t end = strlen(path), at, dot;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (at = end; at > 0 && path[at - 1] != '/'; at--)
        ;
    for (dot = end; dot > at + 1 && path[dot - 1] != '.'; dot--)
        ;
    return strndup(path + at, (dot > at + 1 ? dot - 1 : end) - at);
}

mid_status mid_import(mid_ctx *ctx, const char *from, const char *in, const char *out, const mid_import_opts *opts,
                      mid_import_count *count)
{
    const mid_import_opts none = mid_import_opts_default(), *o = opts ? opts : &none;
    mid_import_count counted = { 0 };
    mid__import im = { .ctx = ctx, .in = in, .opts = o, .count = &counted };
    const mid__import_ops *ops = NULL;
    char *name = own_name(in);
    mid_status status = name ? find(ctx, from, &ops) : mid__oom(ctx, in);

    if (status == MID_OK)
        status = check_map(ctx, &ops->info, o);
    if (status == MID_OK)
        status = mid__file_begin(ctx, out, &im.out);
    if (status == MID_OK) {
        im.name = name;
        im.task = o->task ? o->task : ops->info.task;
        status = ops->read(&im);
    }
    if (status == MID_OK)
        status = flush(&im);
    if (status == MID_OK && !counted.n_written)
        status = mid__fail(ctx, MID_EFORMAT, "%s: none of its %llu rows made a record%s%s", in,
                           (unsigned long long)counted.n_row, counted.n_why ? ": " : "",
                           counted.n_why ? counted.skipped[0].why : "");
    if (status == MID_OK)
        status = mid__file_commit(ctx, &im.out);
    if (status == MID_OK)
        *count = counted;
    mid__file_discard(&im.out);
    mid__buf_clear(&im.pending);
    free(im.id);
    free(name);
    return status;
}
