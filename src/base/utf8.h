/* UTF-8: validity and boundaries. Folding and normal forms are utf8proc's. */
#ifndef MID_BASE_UTF8_H
#define MID_BASE_UTF8_H

#include "base/buf.h"

/* First invalid byte (overlong forms, surrogates, > U+10FFFF and cut sequences are invalid), or n. */
size_t mid__utf8_valid(const char *text, size_t n);
/* Length of the longest prefix that does not end inside a sequence that more bytes could complete. */
size_t mid__utf8_whole(const char *text, size_t n);
/* Append text with U+FFFD for each byte that is not UTF-8, so that a cut character or a model's stray byte can be sent as
 * JSON. False: the buffer failed. */
bool mid__utf8_put_clean(mid__buf *out, const char *text, size_t n);

#endif
