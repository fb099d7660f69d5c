/* chrF (Popovic 2015) and chrF++ (2017) as sacrebleu counts them: recall counts twice as much as precision. */
#ifndef MID_BASE_CHRF_H
#define MID_BASE_CHRF_H

#include "base/buf.h"

enum { MID__CHRF_CHARS = 6, MID__CHRF_WORDS = 2, MID__CHRF_ORDER = MID__CHRF_CHARS + MID__CHRF_WORDS };

/* N-grams of 1 to 6 characters, then of 1 and 2 words; of segments they add up to those of a corpus. */
typedef struct mid__chrf {
    uint64_t n_text[MID__CHRF_ORDER], n_reference[MID__CHRF_ORDER], match[MID__CHRF_ORDER];
} mid__chrf;

/* Add one segment with the reference it is most like, any bytes (what is not UTF-8 reads as U+FFFD), to *chrf, which
 * begins zeroed. MID_ENOMEM.
 * @param words      chrF++, which counts words too; the same for all segments, as the best reference depends on it
 * @param reference  (n_reference) zero-terminated, n_reference > 0 */
mid_status mid__chrf_add(mid_ctx *ctx, const char *text, size_t n, const char *const *reference, size_t n_reference,
                         bool words, mid__chrf *chrf);
/* 0 to 100. */
double mid__chrf_score(const mid__chrf *chrf);

#endif
