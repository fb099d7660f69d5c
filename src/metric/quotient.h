/* Figures of outcomes that are quotients of two sums over answers, with intervals over prompt groups. */
#ifndef MID_METRIC_QUOTIENT_H
#define MID_METRIC_QUOTIENT_H

#include "midstream/metric.h"

enum { MID__SUM_MAX = 16 };         /* sums of one set of figures */

typedef struct mid__quotient {
    size_t cell;                    /* where its mid_estimate is in the caller's struct */
    int top, bottom;                /* which sums */
    bool is_share;                  /* a mean over answers that each count from 0 to 1 */
    const char *why;                /* it is undefined when the bottom is 0 */
} mid__quotient;

typedef struct mid__quotients {
    const mid__quotient *figure;
    size_t n_figure, n_sum;
    void (*add)(const void *self, const mid_outcome *o, double *sum);  /* an answer to the sums (n_sum) */
    const void *self;
    void (*finish)(const void *self, double *sum);      /* sums made of the others; NULL: none */
} mid__quotients;

typedef struct mid__tally { size_t n_unsafe, n_group, n_alarm, n_onset_known; } mid__tally;

/* @param[out] cells  the caller's struct, of which only the figures are set. On error that and tally are untouched.
 * @return MID_EINVAL on a label other than 0 or 1, no tokens, alarm_tok > n_tok, or the onset of an unsafe answer
 *         outside -1 .. n_tok - 1; MID_ELIMIT above 2^31 - 1 answers; MID_ENOMEM */
mid_status mid__quotients_of(mid_ctx *ctx, const mid__quotients *q, const mid_outcome *outcome, size_t n,
                             const mid_boot *boot, void *cells, mid__tally *tally);

/* Index of the first unsafe token; unknown: 0. */
static inline uint32_t mid__onset(const mid_outcome *o) { return o->onset_tok > 0 ? (uint32_t)o->onset_tok : 0; }

/* Tokens that were shown: token j is when that of j + window_tok has its score and there was no alarm yet. An answer
 * that ends without one is shown whole. */
static inline uint32_t mid__shown(const mid_outcome *o, uint32_t window_tok)
{
    return o->alarm_tok == o->n_tok ? o->n_tok : o->alarm_tok > window_tok ? o->alarm_tok - window_tok : 0;
}

/* Of those the unsafe ones. */
static inline uint32_t mid__exposed(const mid_outcome *o, uint32_t window_tok)
{
    const uint32_t shown = mid__shown(o, window_tok), onset = mid__onset(o);

    return shown > onset ? shown - onset : 0;
}

#endif
