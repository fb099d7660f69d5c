/* All cells as CSV (RFC 4180). */
#ifndef MID_REPORT_CSV_H
#define MID_REPORT_CSV_H

#include <yyjson.h>

#include "base/buf.h"

/* @param cells results.json's list of cells; what is null is an empty field. */
void mid__csv(mid__buf *out, yyjson_val *cells);

#endif
