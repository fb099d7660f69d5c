/* The words and sentences of a text that is still being written. */
#ifndef MID_BASE_WORDCUT_H
#define MID_BASE_WORDCUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/decode.h"

/* Flat, no pointers; zeroed: before the first byte. */
typedef struct mid__wordcut {
    uint64_t word;                      /* hash of the word under way; 0: between words */
    mid__decode decode;
} mid__wordcut;

/* A word is over; its 64-bit name is never 0. */
typedef void (*mid__wordcut_fn)(void *user, uint64_t word);

/* Take the next bytes. A word is a run of letters, marks and digits, lower-cased; it comes once the character behind
 * it is there, so any split of a text gives the same words. */
void mid__wordcut_put(mid__wordcut *cut, const char *text, size_t n, mid__wordcut_fn emit, void *user);
/* The text is over: its last word may have waited. */
void mid__wordcut_end(mid__wordcut *cut, mid__wordcut_fn emit, void *user);

enum { MID__SENTENCE_MIN_WORD = 5, MID__SENTENCE_MAX_TOK = 64 };

/* Flat; zeroed: before the first token. */
typedef struct mid__sentence {
    mid__decode decode;
    uint32_t n_word, n_tok;             /* of the sentence under way */
    bool in_word;
} mid__sentence;

/* Take the next token's bytes. True if a sentence ends in it: at . ? ! or a new line (or their full-width forms) once
 * it has 5 words, or with its 64th token. Not looking ahead means that "3.14" may be an end; a wait would miss the
 * last. */
bool mid__sentence_put(mid__sentence *sentence, const char *text, size_t n);

#endif
