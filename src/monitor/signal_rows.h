/* Training rows from signals other than hidden rows: what a function reads off each step, seen at the usual prefixes. */
#ifndef MID_MONITOR_SIGNAL_ROWS_H
#define MID_MONITOR_SIGNAL_ROWS_H

#include "monitor/rows.h"

/* The d values of one step (i_tok from 0) of an answer to a prompt. False: not a number, the step is left out. */
typedef bool (*mid__read_fn)(const void *user, const mid_prompt *prompt, const mid_step *step, float *value);

/**
 * Rows at 1, 2, 4, ... 128 tokens (and an earlier end): the mean of the last `window` values, or of all so far (window 0).
 * @param needs  MID_SIG_* a step must have to count. Answers without a step that counts give no row.
 */
mid_status mid__signal_rows(mid_ctx *ctx, const mid_fit_set *set, uint32_t needs, size_t d, mid__read_fn read,
                            const void *user, uint32_t window, mid__rows *out);
/* Floats that mid_trace_step() needs for any answer of the set: one may carry signals that another does not. */
size_t mid__fit_scratch(const mid_fit_set *set);
/* Mean AUROC over the horizons of one column of the rows, by itself as a score. NaN: undefined. */
mid_status mid__column_auroc(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, size_t column, double *auroc);

#endif
