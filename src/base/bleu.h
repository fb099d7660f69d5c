/* BLEU (Papineni et al. 2002) as sacrebleu counts it (Post 2018, arXiv 1804.08771): 13a words, smoothed. */
#ifndef MID_BASE_BLEU_H
#define MID_BASE_BLEU_H

#include "base/buf.h"

enum { MID__BLEU_ORDER = 4 };

/* What BLEU is made from; those of segments add up to those of a corpus. */
typedef struct mid__bleu {
    uint64_t n_word, n_reference_word;              /* of the reference whose length is nearest */
    uint64_t match[MID__BLEU_ORDER], total[MID__BLEU_ORDER];
} mid__bleu;

/* Append a text in which white space cuts the words of 13a, the rules of mteval-v13a, made for scripts with blanks. */
bool mid__bleu_words(const char *text, size_t n, mid__buf *out);
/* Add one segment with its references, any bytes, to *bleu, which begins zeroed. MID_ENOMEM.
 * @param reference (n_reference) zero-terminated, n_reference > 0 */
mid_status mid__bleu_add(mid_ctx *ctx, const char *text, size_t n, const char *const *reference, size_t n_reference,
                         mid__bleu *bleu);
/* 0 to 100. Of a single sentence only the lengths of n-gram that it has enter the mean (effective order). */
double mid__bleu_score(const mid__bleu *bleu, bool single);

#endif
