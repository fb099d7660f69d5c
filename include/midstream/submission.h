/* Results of an outside method, checked before they enter a leaderboard; a run of ours in that form. docs/submissions.md
 * says what to hand in. */
#ifndef MIDSTREAM_SUBMISSION_H
#define MIDSTREAM_SUBMISSION_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What was looked at, or written. Stated figures are costs, which nobody can compute again from scores. */
typedef struct mid_submission {
    size_t n_fault, n_dataset, n_monitor, n_answer, n_cell, n_recomputed, n_stated;
} mid_submission;

/** One fault, one line: where, what is there, what it should be. Borrowed for the call. */
typedef void (*mid_fault_fn)(void *user, const char *line);

/**
 * Compute every figure of a submission again from its scores per answer, on data looked up here, and tell each fault.
 *
 * @param path      a folder with results.json and scores.jsonl, or that results.json
 * @param dirs      where datasets are looked up, as for mid_dataset_open()
 * @param fault     called for the first 100 faults; may be NULL
 * @param[out] out  n_fault 0: nothing is wrong with it; untouched on error
 * @return MID_OK, with faults too; MID_ENOTFOUND, MID_EFORMAT with file:line:column and MID_EVERSION for files that
 *         cannot be read at all; MID_EIO; MID_ENOMEM
 */
MID_API mid_status mid_submission_check(mid_ctx *ctx, const char *path, const char *const *dirs, size_t n_dir,
                                        mid_fault_fn fault, void *user, mid_submission *out);

/**
 * Write a run as a submission: results.json and scores.jsonl, with ids and numbers only.
 *
 * @param run_dir   what mid_run() left behind
 * @param monitor   its name in results; NULL: all
 * @param out_dir   another folder, made if missing; each file is written whole or not at all
 * @param[out] out  what was written: n_dataset, n_monitor, n_answer, n_cell; untouched on error
 * @return MID_ENOTFOUND (no such run or monitor), MID_EINVAL, MID_EFORMAT, MID_EVERSION (also of a run made before runs
 *         noted what this needs: run it again), MID_EIO, MID_ENOMEM
 */
MID_API mid_status mid_submission_write(mid_ctx *ctx, const char *run_dir, const char *monitor, const char *out_dir,
                                        mid_submission *out);

#ifdef __cplusplus
}
#endif
#endif
