/* What a run's cells say about methods beside each other: docs/statistics.md. */
#ifndef MID_BENCH_STATISTICS_H
#define MID_BENCH_STATISTICS_H

#include "base/buf.h"
#include "midstream/plan.h"

/* Read the cells of a run, one JSON object a line with commas between them, and append
 *  - comparisons: of each dataset and metric, every method beside the baseline, Holm's correction over them
 *  - ranks: of each metric, mean ranks over datasets with Friedman's test and Nemenyi's critical difference
 * as JSON objects with commas between them. MID_EFORMAT, MID_ENOMEM. */
mid_status mid__statistics(mid_ctx *ctx, const mid_plan *plan, const mid__buf *cells, mid__buf *comparisons,
                           mid__buf *ranks);

#endif
