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
} mid_run_opts;
MID_API mid_run_opts mid_run_opts_default(void);

/** @return MID_OK; whatever a stage met, with the plan's line where it is the plan's fault. What was stored stays. */
MID_API mid_status mid_run(mid_ctx *ctx, const mid_plan *plan, const mid_run_opts *opts);

#ifdef __cplusplus
}
#endif
#endif
