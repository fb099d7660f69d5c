/* Running a plan: capture, label, fit, score, measure, report. Resumable: run again and only what is missing is done. */
#ifndef MIDSTREAM_RUN_H
#define MIDSTREAM_RUN_H

#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mid_run_opts {
    size_t size;
    const char *out_dir;            /* made if missing; holds run.db, results.json, results.csv, answers.json, report.html */
    const char *const *data_dir;    /* (n_data_dir) where datasets are looked for */
    size_t n_data_dir;
    const char *cache_dir;          /* models and their requantised copies */
    int n_threads;                  /* 0: all cores */
    bool estimate_only;             /* say bytes and time and stop there: only the folder, its store and a model copy are made */
    int i_shard, n_shard;           /* make the answers of shard i_shard of n_shard, counted from 0, and stop there; n_shard 0: all */
} mid_run_opts;
MID_API mid_run_opts mid_run_opts_default(void);

/** @return MID_OK; whatever a stage met, with the plan's line where it is the plan's fault. What was stored stays. */
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
