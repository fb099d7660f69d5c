/* The JSON files a report is made from. */
#ifndef MID_REPORT_JSON_H
#define MID_REPORT_JSON_H

#include <yyjson.h>

#include "midstream/base.h"

/* A JSON document parsed in its own text, which saves a copy of what may be half a gigabyte. */
typedef struct mid__json { char *bytes; yyjson_doc *doc; } mid__json;

/* A JSON file of schema 1. MID_ENOTFOUND, MID_EFORMAT with path:line:column, MID_EVERSION, MID_EIO. json is cleared by
 * the caller, also after a failure. */
mid_status mid__json_read(mid_ctx *ctx, const char *path, mid__json *json);
void mid__json_clear(mid__json *json);

/* A text of an object, or "" if it is missing or no text. */
const char *mid__report_text(yyjson_val *object, const char *name);
/* A number of an object, or NaN. */
double mid__report_number(yyjson_val *object, const char *name);
/* A figure of agreement: "0.700 (0.400 to 0.953)", without an interval "0.700", "undefined". @return text */
const char *mid__report_agreement(yyjson_val *of, char text[80]);

#endif
