/* Running a plan: capture, label, fit, score, measure, report. Resumable: run again and only what is missing is done. */
#ifndef MIDSTREAM_RUN_H
#define MIDSTREAM_RUN_H

#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Processes that make a run's answers together, each on one thread. Rank 0 runs the plan: it hands out groups of
 *  answers, to whoever is free, makes some itself, and alone writes. The others make what they are handed. How a message
 *  gets from one to the other is the caller's affair (MPI in the command). Both calls may come from several threads at
 *  once, each of which speaks with a rank of its own. */
typedef struct mid_crew {
    size_t size;
    int rank, n_rank;               /* this process, and how many there are: at most 64 */
    void *user;
    /** @return MID_OK; MID_EIO when the rank cannot be reached. */
    mid_status (*send)(void *user, int rank, const void *bytes, size_t n);
    /** Wait for the next message of a rank. @param[out] bytes from malloc(), the library frees it. @return as send. */
    mid_status (*receive)(void *user, int rank, void **bytes, size_t *n);
} mid_crew;

typedef struct mid_run_opts {
    size_t size;
    const char *out_dir;            /* made if missing; holds run.db, results.json, results.csv, answers.json, report.html */
    const char *const *data_dir;    /* (n_data_dir) where datasets are looked for */
    size_t n_data_dir;
    const char *cache_dir;          /* models and their requantised copies */
    int n_threads;                  /* 0: all cores */
    bool estimate_only;             /* say bytes and time and stop there: only the folder, its store and a model copy are made */
    int i_shard, n_shard;           /* make the answers of that shard, counted from 0, and stop there; n_shard 0: all */
    const mid_crew *crew;           /* NULL: this process alone. A rank above 0 needs no out_dir: mid_run() makes what
                                       it is handed and returns when there is no more */
    bool stored_only;               /* open no model and make no answer: those that out_dir's run.db has, by whatever
                                       engine, are labelled and measured again, the others left out and counted */
} mid_run_opts;
MID_API mid_run_opts mid_run_opts_default(void);

/** @return MID_OK; whatever a stage met, with the plan's line where it is the plan's fault. What was stored stays.
 *          With stored_only MID_ENOTFOUND where a data entry has no answer there. */
MID_API mid_status mid_run(mid_ctx *ctx, const mid_plan *plan, const mid_run_opts *opts);

/** Join what runs of one plan, each of a shard, left in their folders: answers, labels and everything kept by key. What
 *  out_dir has already stays, so that joining again changes nothing. All folders are compared before anything is
 *  written; each is taken over whole or not at all. A run with out_dir then makes what is still missing.
 *  @param out_dir  made if missing
 *  @param in_dir   (n) what those runs had as out_dir
 *  @return MID_EMISMATCH if they were made with another plan, engine, model or data, which the message names;
 *          MID_ENOTFOUND for a folder without a run; MID_EFORMAT for a damaged store; MID_EIO. */
MID_API mid_status mid_run_merge(mid_ctx *ctx, const char *out_dir, const char *const *in_dir, size_t n);

#ifdef __cplusplus
}
#endif
#endif
