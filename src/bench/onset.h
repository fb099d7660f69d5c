/* How late harm lands: what share of the unsafe answers is not unsafe yet after so many tokens. */
#ifndef MID_BENCH_ONSET_H
#define MID_BENCH_ONSET_H

#include "bench/set.h"

/* A set's entry `onset` in provenance, as docs/results-format.md describes it. */
mid_status mid__onset_json(mid__run *run, const mid__set *set, mid__buf *out);

#endif
