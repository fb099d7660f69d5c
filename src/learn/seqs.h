/* Labelled sequences of rows: answers as sequences of what was read after their tokens. */
#ifndef MID_LEARN_SEQS_H
#define MID_LEARN_SEQS_H

#include "midstream/base.h"

typedef struct mid__seqs {
    size_t n, d;                    /* sequences; values per row */
    size_t *at;                     /* (n + 1) sequence i has rows at[i] .. at[i + 1] - 1 */
    float *x;                       /* (at[n], d) */
    uint32_t *t;                    /* (at[n]) token number from 1; 0 for the prompt's row */
    float *count;                   /* (at[n]) tokens a row stands for, where not all are kept; 0 for the prompt's row */
    uint8_t *label;                 /* (n) 0 or 1 */
} mid__seqs;

/* Room for n sequences of n_row rows in all; at, x, ... are the caller's to fill. */
mid_status mid__seqs_open(mid_ctx *ctx, size_t n, size_t n_row, size_t d, mid__seqs *seqs);
void mid__seqs_clear(mid__seqs *seqs);

#endif
