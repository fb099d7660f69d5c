/* Answers as sequences of token rows (learn/seqs.h), for monitors that learn from more than a few prefixes. */
#ifndef MID_MONITOR_TOKEN_SEQS_H
#define MID_MONITOR_TOKEN_SEQS_H

#include "learn/pca.h"
#include "learn/seqs.h"
#include "monitor/rows.h"

enum { MID__ONE_LAYER = 0, MID__ALL_LAYERS = -1, MID__NO_LAYER = -2, MID__SCALAR_MAX = 4, MID__TOKEN_MAX = 128 };

/* Scalars of a step, such as -ln p; false if one is missing or no number. */
typedef bool (*mid__scalars_fn)(const mid_step *step, float *scalar);

typedef struct mid__token_choice {
    int i_layer;                    /* index of a tapped layer; MID__ALL_LAYERS: one behind the other; MID__NO_LAYER */
    uint32_t dense;                 /* all tokens up to twice this, then so many per doubling; >= MID__TOKEN_MAX: all */
    uint32_t window;                /* a row is the mean of the last min(t, window) tokens'; 0: 1 */
    bool prompt;                    /* the last prompt position's row comes first, with t = 0 */
    uint32_t n_scalar;              /* more columns, behind those of the layers */
    mid__scalars_fn scalars;
} mid__token_choice;

/**
 * Rows of each answer's tokens, the last of MID__TOKEN_MAX at most. A row stands for `count` tokens: those since the row
 * before it. A token whose row or scalars are not all finite is left out, as a stream leaves it out.
 * @return MID_ESIGNAL if a prompt's row is asked for and missing; MID_ENOMEM. Clear *out whatever comes back.
 */
mid_status mid__token_seqs(mid_ctx *ctx, const mid_fit_set *set, const mid__token_choice *choice, mid__seqs *out);

/* Which answers an inner fold holds out: held_out (set->n). */
void mid__held_out(const mid_fit_set *set, int fold, uint8_t *held_out);

/* Replace the first columns, as many as pca->d, by their coordinates on the principal axes. */
mid_status mid__seqs_reduce(mid_ctx *ctx, mid__seqs *seqs, const mid__pca *pca);
/* A map w (k, pca->k + n_scalar) with its bias (k) behind it, learned on reduced rows, as a map (k, pca->d + n_scalar) of
 * whole ones. */
void mid__map_expand(const mid__pca *pca, size_t n_scalar, size_t k, const float *w, float *w_whole);
/* In place: columns to mean 0 and deviation 1 over the tokens' rows, or over the prompts'; mean, sd (d). */
void mid__seqs_scale(mid__seqs *seqs, bool prompt, double *mean, double *sd);
/* In place: a map w (k, d) with its bias (k), learned on scaled rows, as one of rows as they were. */
void mid__map_unscale(const double *mean, const double *sd, size_t k, size_t d, float *w, float *bias);

#endif
