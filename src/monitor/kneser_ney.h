/* Interpolated Kneser-Ney trigram models of two classes of texts over one vocabulary of words: what lm_ratio learns. */
#ifndef MID_MONITOR_KNESER_NEY_H
#define MID_MONITOR_KNESER_NEY_H

#include "base/buf.h"
#include "midstream/weights.h"

/* Rows found by their words' hash: open addressing, n_slot rows of n_col values, the first of them a tag, 0 in a free
 * row. */
typedef struct mid__gram_table { size_t n_slot, n_col; float *at; } mid__gram_table;

/* Values of class k = 0, 1 stand in columns 1 + k and, what a context passes on to the shorter one, 3 + k:
 *   word     P(w)                                          D N1+(w .) / N1+(. w .)
 *   pair     max(N1+(. v w) - D, 0) / N1+(. v .)           D N1+(u v .) / c(u v)
 *   triple   max(c(u v w) - D, 0) / c(u v)                 (no such columns)
 * A pair or triple that is not there adds 0, a context that is not there passes on all. */
typedef struct mid__kneser_ney {
    mid__gram_table word, pair, triple;
    float unknown[2];               /* P of a word that neither class has */
} mid__kneser_ney;

/* Texts, word by word. Zeroed: none yet. */
typedef struct mid__word_grams { mid__buf grams; uint64_t history[2]; int k; } mid__word_grams;
/* A text of class k begins. */
void mid__word_grams_begin(mid__word_grams *g, int k);
/* A mid__wordcut_fn; user is the mid__word_grams. Failure shows in mid__kneser_ney_fit(). */
void mid__word_grams_put(void *user, uint64_t word);

/* Learn from the texts put, which are used up: clear g->grams all the same. @return MID_OK, MID_ENOMEM. Clear *out
 * whatever comes back. */
mid_status mid__kneser_ney_fit(mid_ctx *ctx, mid__word_grams *g, mid__kneser_ney *out);
void mid__kneser_ney_clear(mid__kneser_ney *kn);

/* P(word | history) under class k; history oldest first, 0 before the first word. In (0, 1]. */
double mid__kneser_ney_p(const mid__kneser_ney *kn, int k, const uint64_t history[2], uint64_t word);

#endif
