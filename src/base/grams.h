/* N-grams of a text against those of another: what BLEU and chrF count. Symbols are code points or numbered words. */
#ifndef MID_BASE_GRAMS_H
#define MID_BASE_GRAMS_H

#include "base/buf.h"

/* Bytes of the white-space character that text (n) begins with, 0: it begins with none. White space is what Python's
 * str.split() takes for it, U+001C to U+001F, no-break and ideographic spaces among it, so that words are those of
 * implementations in Python. */
size_t mid__space(const char *text, size_t n);

/* Words by number: the same word has the same number, and different words never do. */
typedef struct mid__vocab {
    struct mid__vocab_word *word;       /* (n_slot) open addressing */
    size_t n_slot, n;
} mid__vocab;
void mid__vocab_clear(mid__vocab *vocab);
/* Append a word's number to ids, of uint32_t. The word's bytes must outlive the vocabulary. False: no memory. */
bool mid__vocab_put(mid__vocab *vocab, const char *word, size_t n, mid__buf *ids);
/* The next word behind *end, which begins at 0, of a text that white space cuts. False: there is none. */
bool mid__next_word(const char *text, size_t n, size_t *begin, size_t *end);
/* Append the numbers of all words of a text that white space cuts. */
bool mid__vocab_words(mid__vocab *vocab, const char *text, size_t n, mid__buf *ids);

/* How often each n-gram of one length stands in texts. */
typedef struct mid__grams {
    struct mid__gram *slot;             /* (n_slot) open addressing */
    size_t n_slot, n;
    int n_order, n_bit;
} mid__grams;
void mid__grams_clear(mid__grams *grams);
/* Begin anew with n-grams of n_order symbols below 2^n_bit, of which at most n_most differ; n_order n_bit <= 128. */
bool mid__grams_begin(mid__grams *grams, int n_order, int n_bit, size_t n_most);
/* Count those of a reference; of several references each n-gram keeps its largest count. */
void mid__grams_add(mid__grams *grams, const uint32_t *symbol, size_t n);
/* How many of a text's own n-grams the references have too, each as often as it stands there; ends the counting. */
uint64_t mid__grams_match(mid__grams *grams, const uint32_t *symbol, size_t n);

/* N-grams in n symbols. */
static inline uint64_t mid__grams_in(size_t n, int n_order)
{
    return n < (size_t)n_order ? 0 : n - (size_t)n_order + 1;
}

#endif
