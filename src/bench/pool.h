/* Work on numbered items with a few threads. */
#ifndef MID_BENCH_POOL_H
#define MID_BENCH_POOL_H

#include "bench/spent.h"

enum { MID__WORKER_MAX = 64 };

/* Do item i. ctx is this worker's own; i_worker < n_worker names it. Called without any lock. */
typedef mid_status (*mid__pool_fn)(void *user, mid_ctx *ctx, int i_worker, size_t i);

/* How many workers for n items: n_threads, or one a core. */
int mid__pool_size(int n_threads, size_t n);
/* All items 0 .. n-1, taken in order; each adds `unit` to the stage. The calling thread is worker
 * 0. The first failure ends the work of all and is what is returned, its message in ctx.
 * spent may be NULL. */
mid_status mid__pool_run(mid_ctx *ctx, int n_worker, size_t n, mid__pool_fn work, void *user, mid__stage *stage,
                         size_t unit, mid__spent *spent);

#endif
