/* Bootstrap over prompt groups: figures with a 95 % percentile interval. */
#ifndef MID_METRIC_BOOT_H
#define MID_METRIC_BOOT_H

#include "midstream/metric.h"

enum { MID__FIGURE_MAX = 16 };      /* figures computed together */
#define MID__ROUNDING 1e-12         /* figures, of the order of 1, that lie no further apart are equal */

/* Compute the figures of a sample in which group g stands weight[g] times; NaN where one is undefined. */
typedef void (*mid__figures_fn)(void *self, const uint32_t *weight, double *figure);

/* Figures of the sample as it is, and their intervals over boot->n_draw draws (boot NULL: none). Draw i depends on the
 * seed, i and n_group alone: figures of different scores over the same groups come from the same draws and may be
 * compared draw by draw. Fewer than 10 groups, or draws that are all equal: no interval, lo = hi = NaN; but a
 * proportion that is 0 or 1 gets its exact bound. why is set to NULL. MID_ENOMEM.
 * @param n_prompt  (n_figure) groups a proportion is over; 0: no proportion. NULL: none is
 * @param[out] sd   (n_figure) standard deviation over the draws; NaN where there is no interval for lack of prompts or
 *                  of draws. NULL: not wanted
 * @param[out] out  (n_figure) */
mid_status mid__boot_run(mid_ctx *ctx, const mid_boot *boot, size_t n_group, mid__figures_fn figures, void *self,
                         size_t n_figure, const size_t *n_prompt, double *sd, mid_estimate *out);

/* An estimate that says why there is none. */
mid_estimate mid__undefined(const char *why);

#endif
