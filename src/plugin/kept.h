/* Answers that a plug-in was given, kept so that they can be given again: the last few, each as it was sent. */
#ifndef MID_PLUGIN_KEPT_H
#define MID_PLUGIN_KEPT_H

#include "base/buf.h"

enum { MID__KEPT_N = 16 };

/* One answer: its start, then its steps. */
typedef struct mid__kept {
    uint64_t id, used;              /* 0: free; when it last had its turn */
    uint64_t wire_id;               /* as the plug-in knows it: a branch keeps its trunk's */
    uint32_t n_tok;
    mid__buf sent;
    struct mid__kept_line { size_t end; uint32_t i_tok; } *line;    /* (n_tok + 1) where each ends in it; its token */
    size_t cap;
} mid__kept;

/* Zeroed: none. */
typedef struct mid__kept_all {
    uint64_t last_id, clock;
    mid__kept at[MID__KEPT_N];
} mid__kept_all;

void mid__kept_clear(mid__kept_all *all);
/* NULL: it was never kept, or another took its place. */
mid__kept *mid__kept_find(mid__kept_all *all, uint64_t id);
/* An empty one under a new id, in the place of the one whose turn was longest ago. */
mid__kept *mid__kept_new(mid__kept_all *all);
/* The first n_tok tokens of an answer as one of its own; NULL: out of memory. */
mid__kept *mid__kept_branch(mid__kept_all *all, mid__kept *from, uint32_t n_tok);
/* Add what was sent: its start first, then step by step. false: out of memory. */
bool mid__kept_add(mid__kept *a, uint32_t i_tok, const char *text, size_t n);
void mid__kept_turn(mid__kept_all *all, mid__kept *a);      /* it has its turn now */

#endif
