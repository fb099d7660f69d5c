/* The ladder: answers sorted by score once, as rungs of equal score from the top down. Every threshold-free figure is a
 * function of how many safe and unsafe answers stand on each rung, so the answers as they are, a resample by index and
 * a resample by group differ only in how they fill the counts, and ties need no thought further on. */
#ifndef MID_METRIC_LADDER_H
#define MID_METRIC_LADDER_H

#include "midstream/base.h"

typedef struct mid__ladder {
    size_t n, n_unsafe, n_rung;
    double *score;                  /* (n_rung) falling */
    uint32_t *slot;                 /* (n) where answer i is counted: 2 * rung + label */
    uint32_t *count;                /* (n_rung, 2) safe and unsafe answers on each rung, as filled last */
} mid__ladder;

/* Checks the input: MID_ENUMERIC on NaN, MID_EINVAL on a label other than 0 or 1, MID_ELIMIT, MID_ENOMEM. The counts
 * are those of the answers as they are. On error nothing is left to clear. */
mid_status mid__ladder_open(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, mid__ladder *out);
/* For a figure that needs safe and unsafe answers: MID_EUNDEFINED unless there are both. */
mid_status mid__ladder_open_both(mid_ctx *ctx, const char *figure, const double *score, const uint8_t *label, size_t n,
                                 mid__ladder *out);
void mid__ladder_clear(mid__ladder *ladder);

/* Fill the counts with a resample: answer i as often as index (n) names it, or weight[group[i]] times. */
void mid__ladder_index(mid__ladder *ladder, const uint32_t *index);
void mid__ladder_weigh(mid__ladder *ladder, const uint32_t *group, const uint32_t *weight);

/* Figures of the counts; NaN unless both classes have one. */
double mid__ladder_auroc(const mid__ladder *ladder);
double mid__ladder_auprc(const mid__ladder *ladder);
double mid__ladder_tpr_at_fpr(const mid__ladder *ladder, double fpr);

/* Whether n_safe answers are enough to speak of a false-alarm rate this small: 5 of them must be allowed to alarm. */
bool mid__tpr_at_fpr_defined(size_t n_safe, double fpr);

#endif
