/* YAML with places: a file as a tree whose every value knows its line and column, so that whoever reads it can say
 * exactly where something is wrong. Plans and the guard's config are read through this. Parsing is libyaml's.
 *
 * Refused, since a config needs none of them and each is a way to surprise the reader: anchors and aliases, tags, a
 * second document, the same key twice in a map, more than MID__YAML_DEPTH levels, more than MID__YAML_LIMIT_BYTES. */
#ifndef MID_BASE_YAML_H
#define MID_BASE_YAML_H

#include "base/buf.h"

enum { MID__YAML_DEPTH = 16, MID__YAML_LIMIT_BYTES = 1 << 20 };

typedef enum mid__yaml_kind { MID__YAML_SCALAR, MID__YAML_LIST, MID__YAML_MAP } mid__yaml_kind;

typedef struct mid__yaml mid__yaml;
struct mid__yaml {
    mid__yaml_kind kind;
    int line, column;               /* both from 1 */
    const char *key;                /* in a map: its key, and where that stands; else NULL */
    int key_line, key_column;
    const char *text;               /* a scalar's text */
    bool quoted;                    /* a quoted scalar is a text, whatever it looks like */
    size_t n;                       /* entries of a list or map */
    mid__yaml *first, *last, *next; /* its entries; the next one beside it */
};

/* What a failure needs to be told well. file and arena are borrowed as long as the tree is used. */
typedef struct mid__yaml_file {
    mid_ctx *ctx;
    const char *path;
    mid__arena *arena;              /* the tree's memory */
} mid__yaml_file;

/* @return MID_ENOTFOUND, MID_EIO, MID_ELIMIT, MID_EFORMAT with path:line:column, MID_ENOMEM. */
mid_status mid__yaml_load(const mid__yaml_file *file, mid__yaml **root);
/* An entry by key; NULL: none (or not a map). */
const mid__yaml *mid__yaml_find(const mid__yaml *map, const char *key);

/* MID_EFORMAT at a value: "path:line:column: ...". */
mid_status mid__yaml_fail(const mid__yaml_file *file, const mid__yaml *at, const char *fmt, ...) MID_PRINTF(3, 4);
/* The value named `word` is none of the n names: says which there are and which one may have been meant.
 * what: "key", "monitor", ... A key's place is that of the key, anything else's that of the value. */
mid_status mid__yaml_unknown(const mid__yaml_file *file, const mid__yaml *at, const char *what, const char *word,
                             const char *const *name, size_t n);

/* A value as a type, inside [lo, hi]. The message names the key, what was found and what is expected. */
mid_status mid__yaml_text(const mid__yaml_file *file, const mid__yaml *at, const char **text);
mid_status mid__yaml_number(const mid__yaml_file *file, const mid__yaml *at, double lo, double hi, double *number);
mid_status mid__yaml_whole(const mid__yaml_file *file, const mid__yaml *at, int64_t lo, int64_t hi, int64_t *number);
mid_status mid__yaml_flag(const mid__yaml_file *file, const mid__yaml *at, bool *flag);
mid_status mid__yaml_expect(const mid__yaml_file *file, const mid__yaml *at, mid__yaml_kind kind);

#endif
