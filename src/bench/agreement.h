/* Several labelers of one data entry, side by side. */
#ifndef MID_BENCH_AGREEMENT_H
#define MID_BENCH_AGREEMENT_H

#include "bench/set.h"
#include "label/labeler.h"

/* What labeler k of an entry said of its answers. */
typedef struct mid__said_by {
    mid_label *label;               /* (n) */
    mid_labeler_counts counts;
} mid__said_by;

/* As the plan sets them, to be read: "model=gemma, threshold=0.7"; "": nothing is set, or by is NULL. */
void mid__labeler_params(mid__buf *out, const mid_plan_labeler *by);
/* "n_failed":0,"n_unparsable":0,"n_swayed":0 */
void mid__labeler_counts(mid__buf *out, const mid_labeler_counts *counts);
/* How far they agree, as JSON, appended to set->agreement. Attacked copies do not take part.
 * @param said  (1 + data->n_other_labeler) */
mid_status mid__agreement(mid__run *run, mid__set *set, const mid__said_by *said);

#endif
