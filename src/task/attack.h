/* Attacks on when and how harm is written: a new answer from a recorded one, and where its bytes went. */
#ifndef MID_TASK_ATTACK_H
#define MID_TASK_ATTACK_H

#include "base/buf.h"

enum { MID__ATTACK_WORDS_MAX = 4096 };

typedef enum mid__attack_kind {
    MID__ATTACK_DELAY,              /* benign words, then the answer */
    MID__ATTACK_PAD,                /* the answer, then benign words */
    MID__ATTACK_BASE64, MID__ATTACK_LEET, MID__ATTACK_ROT13,
    MID__ATTACK_SPLIT               /* the letters of a word apart: "s p l i t" */
} mid__attack_kind;

typedef struct mid__attack {
    mid__attack_kind kind;
    uint32_t n_word;                /* of delay and pad; else 0 */
} mid__attack;

/* "delay(64)", "pad(64)", "base64", "leet", "rot13", "split". MID_EINVAL. */
mid_status mid__attack_parse(mid_ctx *ctx, const char *text, mid__attack *out);
/* Words of a text: what white space parts. */
size_t mid__attack_words(const char *text);
/* The attacked answer, appended to out; out->failed: out of memory.
 * @param benign      delay and pad take its first n_word words, or all there are; NULL for the others
 * @param onset_byte  where the answer became unsafe, in and out; negative: not known. One not known becomes the
 *                    answer's first byte, as it counts as unsafe from there */
void mid__attack_apply(const mid__attack *attack, const char *answer, const char *benign, mid__buf *out,
                       int64_t *onset_byte);

#endif
