/* A control that a run makes itself, since no stream knows who wrote what it reads. */
#ifndef MID_BENCH_AUTHOR_H
#define MID_BENCH_AUTHOR_H

#include "bench/set.h"

/* What a plan's `author` is. It has no push and cannot be opened. */
extern const mid_monitor_ops mid__author;
/* @param scores  room for the set's. @return MID_EUNDEFINED with a single author; MID_ENOMEM. */
mid_status mid__author_scores(mid_ctx *ctx, const mid__set *set, int n_fold, mid__scores *scores);

#endif
