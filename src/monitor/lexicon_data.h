/* Our own word lists, compiled in: a library that reads no environment has no place to look for them. */
#ifndef MID_MONITOR_LEXICON_DATA_H
#define MID_MONITOR_LEXICON_DATA_H

#include <stddef.h>

typedef struct mid__lexicon {
    size_t n;
    const char *const *term;        /* (n) */
    const double *weight;           /* (n) */
} mid__lexicon;

extern const mid__lexicon mid__lexicon_monitor;     /* suspicious words */
extern const mid__lexicon mid__lexicon_refusal;     /* refusing phrases */

#endif
