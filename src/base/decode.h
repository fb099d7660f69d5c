/* UTF-8 one byte at a time, for readers of a stream that may be cut anywhere, inside a character too. */
#ifndef MID_BASE_DECODE_H
#define MID_BASE_DECODE_H

#include <stdbool.h>
#include <stdint.h>

enum { MID__REPLACEMENT = 0xfffd };     /* stands for bytes that are not UTF-8 */

/* Zeroed: between two characters. */
typedef struct mid__decode {
    int32_t part;                       /* the bits so far of a character under way */
    uint8_t n_left, lo, hi;             /* bytes it still lacks; the range of the next one */
} mid__decode;

/* Take a byte; cp receives the 0, 1 or 2 code points that it completes (2: it breaks a sequence and is itself one). */
int mid__decode_put(mid__decode *d, uint8_t byte, int32_t cp[2]);
/* The stream ends: true when a character was cut off, which then reads as MID__REPLACEMENT. */
bool mid__decode_end(mid__decode *d);

/* Letters, digits and the marks written on them (some scripts spell vowels as marks) make words. */
bool mid__is_word(int32_t cp);

#endif
