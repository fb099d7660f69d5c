/* Weighted word lists matched on a text that is still being written: what the lexicon and refusal monitors and
 * labelers share. A term is a word or phrase; it matches as whole words, however the text spells its letters:
 *   - each code point in compatibility form (NFKC) and case-folded, without combining marks; composed letters are taken
 *     apart, and nothing is composed across code points
 *   - zero-width characters, variation selectors, soft hyphens and control characters count as absent
 *   - curly apostrophes are straight, any run of white space is one space
 *   - in a second view of the text @ 0 1 3 $ also read as a o i e s
 * Where a term begins or ends with a letter or digit, no letter or digit may stand beside it. */
#ifndef MID_BASE_WORDS_H
#define MID_BASE_WORDS_H

#include "base/decode.h"
#include "midstream/base.h"

enum { MID__TERM_LIMIT_BYTES = 200 };

typedef struct mid__words mid__words;       /* the list, compiled; immutable, shared by threads */

/* One text's place in the automaton, once as written and once with @ 0 1 3 $ read as letters. */
typedef struct mid__words_view {
    uint32_t node;
    uint32_t n_swap_left;                   /* counts down since the last character that reads differently here */
    bool in_word, after_space;
} mid__words_view;

/* Flat, no pointers; zeroed: before the first byte. */
typedef struct mid__words_state {
    uint64_t n_byte, end_byte;              /* bytes put; the end of the last character that counts */
    mid__decode decode;
    mid__words_view plain, leet;
} mid__words_state;

/* A term was seen; it ends before end_byte, counted from the first byte put. Longer ones first if several end there. */
typedef void (*mid__words_fn)(void *user, size_t i_term, double weight, uint64_t end_byte);

/* @param term (n) UTF-8, matched after the same normalisation. @param weight (n) finite. MID_EINVAL for a term that
 * is empty, too long or there twice, or a weight that is not finite. */
mid_status mid__words_open(mid_ctx *ctx, const char *const *term, const double *weight, size_t n, mid__words **out);
/* From lines of {"term":..., "weight":..., ...}. MID_EFORMAT names file and line; MID_ENOTFOUND, MID_EIO. */
mid_status mid__words_load(mid_ctx *ctx, const char *path, mid__words **out);
void mid__words_close(mid__words *words);
size_t mid__words_n(const mid__words *words);
/* The term as it was given. Borrowed. @param i < mid__words_n(). */
const char *mid__words_term(const mid__words *words, size_t i);

/* Take the next bytes. A term is reported once the character behind it is known not to go on with its last word, so
 * any split of a text, inside a character too, gives the same hits. */
void mid__words_put(const mid__words *words, mid__words_state *state, const char *bytes, size_t n,
                    mid__words_fn hit, void *user);
/* The text is over: report what only waited for the next character. */
void mid__words_end(const mid__words *words, mid__words_state *state, mid__words_fn hit, void *user);

/* Where the term begins that was reported to end at end_byte of text; end_byte itself if there is none. */
uint64_t mid__words_begin(const mid__words *words, size_t i_term, const char *text, uint64_t end_byte);

#endif
