/* Reports: one self-contained HTML file, CSV and Markdown tables from a run's results. */
#ifndef MIDSTREAM_REPORT_H
#define MIDSTREAM_REPORT_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Write report.html, results.csv and results.md into dir from its results.json and (if there) answers.json.
 *  @return MID_ENOTFOUND, MID_EFORMAT, MID_EVERSION, MID_EIO (an existing report stays whole), MID_ENOMEM. */
MID_API mid_status mid_report_write(mid_ctx *ctx, const char *dir);

/** The pilot study, from the results.json in dir: how early unsafe answers are told apart, beside the controls, with a
 *  finding for each dataset and task (docs/pilot.md).
 *  @param json       false: tables and sentences in Markdown
 *  @param[out] text  owned, mid_free(); untouched on error
 *  @return as mid_report_write(), but for MID_EIO of a report */
MID_API mid_status mid_report_pilot(mid_ctx *ctx, const char *dir, bool json, char **text);

/** The same for everybody to see: report.html has prompts and answers only of datasets whose name begins with "own_",
 *  and says of which others it leaves them out. answers.json stays as it is and is not to be published. */
MID_API mid_status mid_report_publish(mid_ctx *ctx, const char *dir);

#ifdef __cplusplus
}
#endif
#endif
