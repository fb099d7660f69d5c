/* Scores of different monitors made comparable. What is learned is kept as one tensor per member.
 *   z         (s - mean_b) / sd_b, over all fit answers' rows of the position band
 *   rank      share of the safe answers' rows of the position band that lie below s, half of those that equal it; beyond
 *             the largest it goes on linearly, a tenth for each width of the top tenth, so that what is higher than all
 *             that is safe still has an order
 *   isotonic  P(unsafe | s), rising in s, over all rows: pool adjacent violators, linear between the blocks' centres
 * Position band b holds the tokens 2^b .. 2^(b+1) - 1, the last all from 128 on; a band with few rows takes those of the
 * bands before it along. Bands take away what an answer's length tells; where that lowers the member's own AUROC (averaged
 * over 1, 2, 4, ... 128 tokens), all its rows are one band. */
#ifndef MID_HYBRID_NORMAL_H
#define MID_HYBRID_NORMAL_H

#include "hybrid/members.h"

typedef enum { MID__NORMAL_Z, MID__NORMAL_RANK, MID__NORMAL_ISOTONIC } mid__normal_kind;

enum { MID__N_BAND = 8 };
int mid__band(uint32_t t);
/* ln t / ln 128, 1 from token 128 on: where a token stands, for what learns from it. */
double mid__position(uint32_t t);

typedef struct mid__normal {
    mid__normal_kind kind;
    size_t n;                       /* members */
    struct { size_t n_row, n_col; const float *x; } member[MID__MEMBER_MAX];    /* in the same block */
} mid__normal;

/* Learn each member's, into tensors "normal.0", "normal.1" ... MID_EUNDEFINED: a member never had a score. */
mid_status mid__normal_learn(mid_ctx *ctx, mid__normal_kind kind, const mid_fit_set *set, const mid__member_rows *rows,
                             mid_weights *out);
/* *out is one block: free(). MID_EFORMAT for tensors of another shape, or that do not rise where they must. */
mid_status mid__normal_open(mid_ctx *ctx, mid__normal_kind kind, const mid_weights *weights, size_t n, mid__normal **out);
/* For plans that begin with a mid__normal * and own nothing else. */
void mid__normal_close(void *plan);
/* NaN stays NaN. */
double mid__normal_of(const mid__normal *normal, size_t i_member, double s, uint32_t t);
/* Of all rows. @param[out] out (n, n_member), which may be the rows' own scores. */
void mid__normal_rows(const mid__normal *normal, const mid__member_rows *rows, double *out);

#endif
