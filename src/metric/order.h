/* Order: sorting figures, numbering prompt groups. */
#ifndef MID_METRIC_ORDER_H
#define MID_METRIC_ORDER_H

#include "midstream/base.h"

/* Ascending; no NaN. */
void mid__sort_double(double *value, size_t n);
/* Replace group numbers, whatever they are, by 0 .. n_group - 1 in the order of the old numbers, so that two calls over
 * the same groups number them alike. MID_ELIMIT above 2^31 - 1 answers, MID_ENOMEM. */
mid_status mid__group_number(mid_ctx *ctx, uint32_t *group, size_t n, size_t *n_group);

#endif
