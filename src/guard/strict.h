/* JSON from outside, read so that nobody else can read something else in it: what a client and a server disagree about
 * is where text slips by unread. */
#ifndef MID_GUARD_STRICT_H
#define MID_GUARD_STRICT_H

#include "yyjson.h"

#include "midstream/base.h"

enum { MID__STRICT_DEPTH = 64, MID__STRICT_KEYS = 512, MID__STRICT_NAME_BYTES = 200 };

/* Refused: what is no JSON object, a key that stands twice in an object, more than 64 levels, more than 512 keys in an
 * object. Half a surrogate pair (\ud83d alone) reads as U+FFFD.
 * @param[out] doc  owned, yyjson_doc_free()
 * @param[out] mended  a half was replaced, so the bytes must not go on as they are
 * @return MID_EFORMAT, MID_ELIMIT, MID_ENOMEM. */
mid_status mid__strict_read(mid_ctx *ctx, const char *json, size_t n, yyjson_doc **doc, bool *mended);

/* Is it a name, as formats have them: letters, digits and _ - . : / @ +, at most 200 bytes? */
bool mid__strict_name(const char *text, size_t n);
/* Has a value any text in it that could be read: a string that is not empty, a key that is no name? */
bool mid__strict_has_text(yyjson_val *value);
/* Empty every string in a value. A key cannot be taken out: false when one is no name. */
bool mid__strict_drop_text(yyjson_val *value);

#endif
