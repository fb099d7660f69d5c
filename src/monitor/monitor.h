/* What the rooms share about monitors beyond the public header. */
#ifndef MID_MONITOR_MONITOR_H
#define MID_MONITOR_MONITOR_H

#include "midstream/monitor.h"

/* A parameter's value from a complete list (fit and open get one); the name must be in the descriptor. */
double mid__param_number(const mid_param *params, const char *name);
const char *mid__param_text(const mid_param *params, const char *name);
/* defaults + overrides -> a complete list, (n + 1) with the end mark, owned (free); refuses unknown names. what: "monitor x". */
mid_status mid__param_merge(mid_ctx *ctx, const char *what, const mid_param *defaults, const mid_param *overrides,
                            mid_param **out);

/* Labels are 0 or 1 (MID_EINVAL), and both are there: MID_EUNDEFINED with the counts if one class is missing. */
mid_status mid__fit_set_check(mid_ctx *ctx, const mid_fit_set *set);

#endif
