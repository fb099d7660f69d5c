/* Names that somebody wrote and that are none of those there are. */
#ifndef MID_BASE_NAMES_H
#define MID_BASE_NAMES_H

#include "base/buf.h"

enum { MID__NAMES_NEAR = 2 };       /* edits within which a name may have been meant */

/* Appends: unknown WHAT 'WORD': did you mean 'NEAREST'? (INTRO: all, of, them) */
void mid__names_unknown(mid__buf *out, const char *what, const char *word, const char *intro,
                        const char *const *name, size_t n);

#endif
