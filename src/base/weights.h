/* Weights from inside: what weights.c keeps and safetensors.c writes and reads. */
#ifndef MID_BASE_WEIGHTS_H
#define MID_BASE_WEIGHTS_H

#include "midstream/weights.h"

#define MID__WEIGHTS_FILE_LIMIT ((size_t)1 << 30)
#define MID__WEIGHTS_COUNT_MAX  4096                    /* tensors, and as many entries */
#define MID__WEIGHTS_METADATA   "__metadata__"          /* safetensors' word for entries, so no tensor's name */

/* A tensor, or a text entry: one has data, the other text. */
typedef struct mid__item {
    char *name;
    float *data;                    /* (n_row, n_col) */
    size_t n_row, n_col;
    char *text;
} mid__item;

typedef struct mid__items {
    mid__item *at;                  /* sorted by name */
    size_t n, cap;
} mid__items;

struct mid_weights { mid__items tensor, entry; };

/* NULL if there is none. */
const mid__item *mid__items_find(const mid__items *items, const char *name);
/* Numbers in a shape; 0 if there are none or too many for a file. */
size_t mid__weights_n(size_t n_row, size_t n_col);
/* All of `from` into `into`, every name with the prefix before it; and the part of `from` under a prefix, without it:
 * MID_EFORMAT if there is none. *out owned. */
mid_status mid__weights_put_all(mid_ctx *ctx, mid_weights *into, const char *prefix, const mid_weights *from);
mid_status mid__weights_take(mid_ctx *ctx, const mid_weights *from, const char *prefix, mid_weights **out);

#endif
