/* ROUGE-L (Lin 2004): likeness of two texts by the longest common subsequence of their words. */
#ifndef MID_BASE_ROUGE_H
#define MID_BASE_ROUGE_H

#include "midstream/base.h"

/* F1, 0 to 1, of an answer to a reference. Words are runs of a-z and 0-9 after lower-casing ASCII. MID_ENOMEM. */
mid_status mid__rouge_l(mid_ctx *ctx, const char *answer, size_t n_answer, const char *reference, size_t n_reference,
                        double *f1);

/* One more word of text a, against the n_b words of b. row (n_b + 1), zeroed before a's first word: row[j] is the
 * length of the longest common subsequence of a so far and the first j words of b. Words are any 64-bit names. */
void mid__lcs_word(uint64_t word, const uint64_t *b, size_t n_b, uint32_t *row);
/* F1 of a common subsequence of n_common words between texts of n_a and n_b words; 0 where either is empty. */
double mid__lcs_f1(size_t n_common, size_t n_a, size_t n_b);

#endif
