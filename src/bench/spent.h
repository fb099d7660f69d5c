/* What a run's workers spend their time on. Every worker's time is one task's, or nobody's: what is left over is the
 * run's own housekeeping. A worker is a thread of a pool; the thread that calls mid_run() is one all along. */
#ifndef MID_BENCH_SPENT_H
#define MID_BENCH_SPENT_H

#include <pthread.h>

#include "base/buf.h"
#include "base/ctx.h"

typedef enum mid__task {
    MID__TASK_DATA,                 /* reading datasets, choosing rows, looking for leaks */
    MID__TASK_MODEL,                /* opening models; answers generated, read or asked for, with a judge's verdicts */
    MID__TASK_LABEL,                /* with a model's or service's verdicts, to and from the store */
    MID__TASK_STORE,                /* traces, labels, scores and figures, to and from the store */
    MID__TASK_FIT,                  /* with what fits share through the store */
    MID__TASK_SCORE,
    MID__TASK_MEASURE,              /* figures, intervals, tests */
    MID__TASK_REPORT,               /* files that a run leaves */
    MID__TASK_WAIT,                 /* a pool's worker that has no item left, until the others end */
    MID__N_TASK
} mid__task;

/* A moment on a thread's two clocks. */
typedef struct mid__moment { double wall_s, cpu_s; } mid__moment;
mid__moment mid__moment_now(void);

typedef struct mid__spent {
    pthread_mutex_t lock;
    mid__moment start;              /* of the run; its cpu_s is the whole process's */
    mid__moment task[MID__N_TASK];
    double beside_s;                /* time of pools' workers beside the calling thread's */
    int n_worker;                   /* of the largest pool */
} mid__spent;

void mid__spent_init(mid__spent *spent);
void mid__spent_clear(mid__spent *spent);
/* The calling thread's time since a moment was a task's. Tasks do not overlap. spent may be NULL. */
void mid__spent_add(mid__spent *spent, mid__task task, mid__moment since);
/* A pool of n_worker has ended, in which workers waited for each other for wait_s, summed over them. */
void mid__spent_pool(mid__spent *spent, int n_worker, double pool_s, double wait_s);
/* What was spent until now as JSON objects with commas between them; as a table in the context's log. */
void mid__spent_json(const mid__spent *spent, mid__buf *out);
void mid__spent_tell(const mid__spent *spent, mid_ctx *ctx);

#endif
