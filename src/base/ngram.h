/* Hashed n-grams of a text that is still being written: what the n-gram monitor and the classifier labeler count. */
#ifndef MID_BASE_NGRAM_H
#define MID_BASE_NGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/decode.h"

enum {
    MID__NGRAM_BUCKETS = 1 << 18,
    MID__NGRAM_VERSION = 1              /* + 1 whenever a text's buckets can change, so that old weights are refused */
};

/* Flat, no pointers; zeroed is the same as after mid__ngram_init(), so it can lie inside a monitor's state. */
typedef struct mid__ngram {
    uint64_t word, before;              /* hash of the word under way and of the one before it; 0: none */
    int32_t last[5];                    /* (n_last) its last code points, a space first where it begins */
    mid__decode decode;
    uint8_t n_last;                     /* 0: between words */
} mid__ngram;

/* user is what was given to mid__ngram_put(); bucket < MID__NGRAM_BUCKETS. A bucket comes once per occurrence. */
typedef void (*mid__ngram_fn)(void *user, uint32_t bucket);

void mid__ngram_init(mid__ngram *ngram);
/* Take the next bytes and emit each feature as it completes: a word's n-grams with its characters, the word and word
 * pair when a character arrives that is no letter or digit. Nothing is emitted early at the end of a put, so any split
 * of a text gives the same buckets in the same order. A text that is over is finished by putting "\n". */
void mid__ngram_put(mid__ngram *ngram, const char *text, size_t n, mid__ngram_fn emit, void *user);

#endif
