/* A text that is still being written, cut into pieces that stand in for tokens where nobody tells the tokens. Where a
 * piece ends depends on the text alone, never on how it came: a network, an event or a token may cut it anywhere. */
#ifndef MID_BASE_PIECE_H
#define MID_BASE_PIECE_H

#include <stddef.h>

#include "base/decode.h"

enum { MID__PIECE_MAX_CHAR = 16, MID__PIECE_MAX_BYTES = 4 * MID__PIECE_MAX_CHAR };

/* Flat, no pointers; zeroed: before the first byte. */
typedef struct mid__pieces {
    uint64_t n_byte;                    /* taken, all that came */
    uint64_t at_byte;                   /* of those: where the last whole character ended */
    mid__decode decode;
    bool in_word;                       /* the piece under way has begun a word */
    uint8_t n_char, n_text;             /* of the piece under way */
    char text[MID__PIECE_MAX_BYTES];    /* (n_text) that piece, in UTF-8 whatever came */
} mid__pieces;

/* A piece is over: text is borrowed for the call; end_byte counts bytes as they came. @return false: enough. */
typedef bool (*mid__piece_fn)(void *user, const char *text, size_t n, uint64_t end_byte);

/* Take the next bytes. @return false: fn had enough, and there is nothing more to be done with this text. */
bool mid__pieces_put(mid__pieces *p, const char *bytes, size_t n, mid__piece_fn fn, void *user);
/* The text is over: its last piece may have waited. */
bool mid__pieces_end(mid__pieces *p, mid__piece_fn fn, void *user);

#endif
