/* Leakage: what a model may have seen of a prompt in folds other than the prompt's own. */
#ifndef MID_BENCH_LEAK_H
#define MID_BENCH_LEAK_H

#include "midstream/base.h"

enum { MID__LEAK_PAIR = 5 };
#define MID__LEAK_OVERLAP 0.8       /* share of common n-grams from which on two prompts are near duplicates */

typedef struct mid__leak {
    size_t n_prompt;                /* different prompts looked at; empty ones are none */
    size_t n_split;                 /* prompt groups with answers in more than one fold: must be 0 */
    size_t n_near;                  /* prompts with a near duplicate in another fold */
    size_t n_pair;                  /* of these pairs the first few */
    struct { size_t i, j; double overlap; } pair[MID__LEAK_PAIR];     /* answers i and j */
} mid__leak;

/* @param prompt, group, fold (n) of each answer; groups are small numbers, with gaps where answers were left out. In time n. MID_ENOMEM. */
mid_status mid__leak_of(mid_ctx *ctx, const char *const *prompt, const uint32_t *group, const int *fold, size_t n,
                        mid__leak *out);

#endif
