/* Fit answers scored by a monitor that is ready but for a choice: which of its candidates ranks them best. */
#ifndef MID_MONITOR_REPLAY_H
#define MID_MONITOR_REPLAY_H

#include "monitor/monitor.h"

/* Open a monitor on weights that are complete and give the mean over the horizons 1, 2, 4, ... 128 tokens of the AUROC of
 * its scores on the fit answers (mid__rows_auroc()); 0 where undefined. Refused steps leave the score as it was; an answer
 * without any score before a horizon has none there. */
mid_status mid__replay_auroc(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_fit_set *set, const mid_param *params,
                             const mid_weights *weights, double *auroc);

#endif
