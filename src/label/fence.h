/* The program in a chat answer. */
#ifndef MID_LABEL_FENCE_H
#define MID_LABEL_FENCE_H

#include <stddef.h>

/* Of the blocks fenced by lines of ``` (or ~~~), the first that holds "def NAME" or "class NAME" of entry_point, else
 * the first that is not blank; a block that is not closed goes to the end. A block marked as another language than
 * Python is passed over. Borrowed from text; NULL: no such block, so that the text itself is the program, if anything
 * is. */
const char *mid__fence_find(const char *text, size_t n, const char *entry_point, size_t *n_code);

#endif
