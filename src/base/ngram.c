/* Hashed n-grams (feature hashing: Weinberger et al. 2009, arXiv 0902.2206, without their sign: with 2^18 buckets
 * collisions are rare and a bucket's count stays readable).
 *
 * Text is lower-cased code point by code point (simple mapping); a word is a run of letters, marks and digits.
 *   characters  the 3-, 4- and 5-grams of " word ", the spaces marking where it begins and ends
 *   words       each word, and each pair of neighbours whatever stood between them
 * A feature's bucket is FNV-1a over its kind and its code points (4 bytes each, low byte first), folded to 18 bits. */
#include "base/ngram.h"

#include <string.h>
#include <utf8proc.h>

#include "base/hash.h"

enum { GRAM_MIN = 3, GRAM_MAX = sizeof ((mid__ngram *)0)->last / sizeof (int32_t) };

static uint64_t hash_number(uint64_t h, uint64_t x, int n_bytes)
{
    uint8_t low_first[8];
    int i;

    for (i = 0; i < n_bytes; i++)
        low_first[i] = (uint8_t)(x >> 8 * i);
    return mid__fnv(h, low_first, (size_t)n_bytes);
}

static uint32_t bucket(uint64_t h) { return (uint32_t)(h ^ h >> 32) & (MID__NGRAM_BUCKETS - 1); }

/* One more character of " word ": the n-grams that end with it. */
static void put_gram(mid__ngram *s, int32_t cp, mid__ngram_fn emit, void *user)
{
    int n, i;

    if (s->n_last == GRAM_MAX)
        memmove(s->last, s->last + 1, (size_t)--s->n_last * sizeof s->last[0]);
    s->last[s->n_last++] = cp;
    for (n = GRAM_MIN; n <= s->n_last; n++) {
        uint64_t h = mid__fnv(MID__FNV_START, "c", 1);
        for (i = s->n_last - n; i < s->n_last; i++)
            h = hash_number(h, (uint32_t)s->last[i], 4);
        emit(user, bucket(h));
    }
}

static void put_letter(mid__ngram *s, int32_t cp, mid__ngram_fn emit, void *user)
{
    cp = cp >= 0x80 ? utf8proc_tolower(cp) : cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    if (s->n_last == 0) {
        s->last[s->n_last++] = ' ';
        s->word = mid__fnv(MID__FNV_START, "w", 1);
    }
    s->word = hash_number(s->word, (uint32_t)cp, 4);
    put_gram(s, cp, emit, user);
}

static void end_word(mid__ngram *s, mid__ngram_fn emit, void *user)
{
    put_gram(s, ' ', emit, user);
    emit(user, bucket(s->word));
    if (s->before)
        emit(user, bucket(hash_number(hash_number(mid__fnv(MID__FNV_START, "p", 1), s->before, 8), s->word, 8)));
    s->before = s->word;
    s->word = 0;
    s->n_last = 0;
}

void mid__ngram_init(mid__ngram *s) { memset(s, 0, sizeof *s); }

void mid__ngram_put(mid__ngram *s, const char *text, size_t n, mid__ngram_fn emit, void *user)
{
    int32_t cp[2];
    size_t i;
    int k, n_cp;

    for (i = 0; i < n; i++) {
        n_cp = mid__decode_put(&s->decode, (uint8_t)text[i], cp);
        for (k = 0; k < n_cp; k++) {
            if (mid__is_word(cp[k]))
                put_letter(s, cp[k], emit, user);
            else if (s->n_last)
                end_word(s, emit, user);
        }
    }
}
