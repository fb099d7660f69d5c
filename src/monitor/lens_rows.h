/* Training rows of one logit-lens figure: a column per tapped layer. */
#ifndef MID_MONITOR_LENS_ROWS_H
#define MID_MONITOR_LENS_ROWS_H

#include "monitor/signal_rows.h"

/* @param figure  MID_LENS_*. Rows are means over the tokens so far. */
mid_status mid__lens_rows(mid_ctx *ctx, const mid_fit_set *set, int figure, mid__rows *out);

#endif
