/* HTML as text. One formatter escapes every string it is given, so a caller cannot forget to: answers, prompts and
 * names come from models and files, and all of them count as hostile. */
#ifndef MID_REPORT_HTML_H
#define MID_REPORT_HTML_H

#include "base/buf.h"

/* As mid__buf_fmt, for %s %d %u %zu %f %g %% with width and precision: %s is escaped (NULL reads as ""), numbers have a
 * decimal point in every locale. Safe between tags and inside quoted attributes. */
void mid__html(mid__buf *out, const char *fmt, ...) MID_PRINTF(2, 3);
/* Text that may hold any byte. */
void mid__html_bytes(mid__buf *out, const char *text, size_t n);
/* A JSON string, quotes included, that can stand inside <script>: < > & and the JavaScript line ends are \u escapes. */
void mid__html_json(mid__buf *out, const char *text);
/* A number under one %f or %g directive with a decimal point in every locale. */
void mid__number_text(char text[64], const char *fmt, double value);
/* 12345 as "12,345". */
void mid__count_text(char text[32], size_t n);

#endif
