/* Importing from inside: one descriptor a file, listed in import.c, which also does what all forms share: the lines of
 * the input, the record and its checks, ids, counts, the output. */
#ifndef MID_EXCHANGE_IMPORT_H
#define MID_EXCHANGE_IMPORT_H

#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/jsonl.h"
#include "midstream/exchange.h"

/* A file of JSON lines, of which one is in memory. */
typedef struct mid__lines {
    FILE *f;
    mid__buf text;                  /* the line */
    mid__jsonl json;                /* reads it; json.i_line and mid__jsonl_fail() are the file's */
    size_t i_line, n_before;
} mid__lines;
mid_status mid__lines_open(mid_ctx *ctx, const char *path, mid__lines *out);
mid_status mid__lines_next(mid_ctx *ctx, mid__lines *l, yyjson_val **object);   /* NULL after the last */
void mid__lines_close(mid__lines *l);

/* One import under way. */
typedef struct mid__import {
    mid_ctx *ctx;
    const char *in, *name, *task;
    const mid_import_opts *opts;
    mid_import_count *count;
    mid__file_out out;
    mid__buf pending;               /* lines not yet written */
    uint64_t *id;                   /* (n_slot) hashes of ids so far, 0 free; at most half full */
    size_t n_slot;
} mid__import;

/* A record being made: values in doc; NULL: null. id and prompt must be there. */
typedef struct mid__row {
    yyjson_mut_doc *doc;
    yyjson_mut_val *id, *prompt, *response, *response_model, *references, *bad_references, *label, *label_source,
        *category, *lang, *meta;
} mid__row;
mid_status mid__row_begin(mid__import *im, mid__row *row);      /* meta is an empty object */
void mid__row_clear(mid__row *row);
/* A copy of a value found elsewhere; NULL for none and for null. */
yyjson_mut_val *mid__row_copy(mid__row *row, yyjson_val *value);
/* Put a copy into meta; nothing for none and for null. */
void mid__row_meta(mid__row *row, const char *key, yyjson_val *value);
/* "NAME-TEXT" as an id. */
void mid__row_name(const mid__import *im, mid__row *row, const char *fmt, ...) MID_PRINTF(3, 4);

/* Each line of a file of JSON lines, with a row begun for it. user comes back with each. */
typedef mid_status (*mid__take)(mid__import *im, const mid__lines *lines, yyjson_val *object, const void *user,
                                mid__row *row);
mid_status mid__import_each(mid__import *im, const char *path, mid__take take, const void *user);
/* Write the record made of row i_line of a file; one that no dataset could hold is MID_EFORMAT, "file:line: ...". */
mid_status mid__import_put(mid__import *im, const char *file, size_t i_line, const mid__row *row);
/* Leave a row out. @param why static. */
void mid__import_skip(mid__import *im, const char *why);
/* What field is called in the file; NULL: opts.map does not say. */
const char *mid__import_source(const mid__import *im, const char *field);

typedef struct mid__import_ops {
    mid_import_info info;           /* first, so that a list of these is a list of infos too */
    mid_status (*read)(mid__import *im);
} mid__import_ops;

extern const mid__import_ops mid__import_csv, mid__import_lm_eval, mid__import_openai_chat, mid__import_ragtruth;

#endif
