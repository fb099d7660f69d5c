/* The main tables as Markdown, for a README or an issue. */
#ifndef MID_REPORT_MARKDOWN_H
#define MID_REPORT_MARKDOWN_H

#include "base/buf.h"
#include "report/report_data.h"

void mid__markdown(mid__buf *out, const mid__report *report);

#endif
