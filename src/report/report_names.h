/* Names as numbers, so that a million cells compare and hash by integers. */
#ifndef MID_REPORT_NAMES_H
#define MID_REPORT_NAMES_H

#include "midstream/base.h"

typedef struct mid__names {
    const char **text;                      /* (n) number 0 is "" and stands for null */
    uint32_t *slot, n, n_slot;              /* open addressing; n_slot is a power of two */
} mid__names;

/* The number of a text, given one if it has none yet; text is borrowed. false: out of memory. */
bool mid__names_add(mid__names *names, const char *text, uint32_t *id);
/* The number of a text; 0 if it has none. */
uint32_t mid__names_find(const mid__names *names, const char *text);
void mid__names_clear(mid__names *names);

#endif
