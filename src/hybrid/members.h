/* The members of a hybrid: monitors with their aggregators, named in one text, fitted together, and what they say of the
 * answers they were not fitted on. */
#ifndef MID_HYBRID_MEMBERS_H
#define MID_HYBRID_MEMBERS_H

#include "midstream/aggregator.h"

enum { MID__MEMBER_MAX = 16 };

typedef struct mid__members {
    size_t n;
    mid_monitor_spec spec[MID__MEMBER_MAX];
    char text[MID__MEMBER_MAX][MID_SPEC_BYTES];     /* as mid_monitor_spec_text() writes them */
    bool beside[MID__MEMBER_MAX];   /* it reads the second observer's steps */
} mid__members;

/* "probe_linear, ngram_lr+ema(0.9), beside:probe_linear". MID_EINVAL: unknown, named twice, too many, or fewer than two. */
mid_status mid__members_parse(mid_ctx *ctx, const char *of, mid__members *out);
/* All that any of them reads and builds on; the most transparent box. */
mid_status mid__members_reads(mid_ctx *ctx, const mid__members *members, mid_monitor_reads *out);

/* Scores after 1, 2, 4, ... 128 tokens and at an answer's end if that comes before (as in monitor/rows.h). Of a member
 * that learns they are by a fit without the answer's inner fold. */
typedef struct mid__member_rows {
    size_t n, n_member;
    double *score;                  /* (n, n_member); NaN: nothing to say yet */
    uint32_t *answer, *t;           /* (n) index into the fit set; tokens read, from 1 */
    uint8_t *label, *horizon;       /* (n) horizon: the first that the row stands for */
    double *weight;                 /* (n) an answer's rows weigh 1 in all */
} mid__member_rows;
void mid__member_rows_clear(mid__member_rows *rows);
/* Copies of the rows outside an inner fold. Clear *out whatever comes back. */
mid_status mid__member_rows_outside(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, int fold,
                                    mid__member_rows *out);

/* One member's scores. @param[out] column (n) */
void mid__member_column(const mid__member_rows *rows, size_t i_member, double *column);
/* AUROC of one column of scores (n), averaged over 1, 2, 4, ... 128 tokens; NaN: nothing to say.
 * @param[out] auroc  NaN where it is undefined. @return MID_ENOMEM */
mid_status mid__member_rows_auroc(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows,
                                  const double *column, double *auroc);

/* Fit every member on all answers, which goes into `out` under "m0.", "m1." ..., and on all but each inner fold, for the
 * rows. What the set's memo already has is not done again. */
mid_status mid__members_fit(mid_ctx *ctx, const mid__members *members, const mid_fit_set *set, mid__member_rows *rows,
                            mid_weights *out);
/* The i-th member ready for a source; from weights that mid__members_fit() filled. */
mid_status mid__member_open(mid_ctx *ctx, const mid__members *members, size_t i, const mid_weights *weights,
                            const mid_signals *signals, mid_monitor **out);

#endif
