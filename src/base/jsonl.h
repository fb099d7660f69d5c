/* JSON Lines read one record at a time, with failures that say where: file:line:column. Columns count bytes from 1. */
#ifndef MID_BASE_JSONL_H
#define MID_BASE_JSONL_H

#include "yyjson.h"

#include "midstream/base.h"

typedef struct mid__jsonl {
    const char *path;               /* borrowed, for messages */
    const char *bytes;              /* (n) borrowed, the whole file */
    size_t n, at;
    size_t n_before;                /* bytes of the file before them, where bytes are only a piece of it */
    const char *line;               /* (n_line) the present record's text */
    size_t n_line, i_line;          /* i_line counts from 1 */
    yyjson_doc *doc;                /* owned: the present record */
} mid__jsonl;

void mid__jsonl_init(mid__jsonl *r, const char *path, const char *bytes, size_t n);
void mid__jsonl_clear(mid__jsonl *r);
/* The next record, always an object; NULL after the last. Blank lines and a byte order mark are passed over.
 * MID_EFORMAT: not JSON, not an object, not UTF-8, a NUL byte; MID_ELIMIT: longer than MID_LINE_LIMIT_BYTES. */
mid_status mid__jsonl_next(mid_ctx *ctx, mid__jsonl *r, yyjson_val **object);
/* MID_EFORMAT, "file:line:column: ...", at the value of key in the object at outer or, if NULL, in the record. */
mid_status mid__jsonl_fail(mid_ctx *ctx, const mid__jsonl *r, const char *outer, const char *key, const char *fmt, ...)
    MID_PRINTF(5, 6);
/* The value as JSON text cut to fit a message. */
const char *mid__jsonl_show(yyjson_val *value, char text[64]);

#endif
