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

#ifdef __cplusplus
}
#endif
#endif
