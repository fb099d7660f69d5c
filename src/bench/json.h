/* Writing results as JSON text. Not-a-number and infinity become null, as results.json promises. */
#ifndef MID_BENCH_JSON_H
#define MID_BENCH_JSON_H

#include "base/buf.h"

void mid__json_text(mid__buf *out, const char *text);       /* "quoted"; NULL gives null; invalid UTF-8 becomes U+FFFD */
void mid__json_bytes(mid__buf *out, const char *text, size_t n);
void mid__json_number(mid__buf *out, double value);         /* shortest form that reads back the same */

#endif
