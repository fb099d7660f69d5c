/* An n-gram is its symbols side by side in 128 bits, six code points or four numbered words, so that equal keys are
 * equal n-grams and no count rests on a hash. */
#include "base/grams.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

size_t mid__space(const char *text, size_t n)
{
    const unsigned char *b = (const unsigned char *)text;

    if (n == 0)
        return 0;
    if (b[0] < 0x80)
        return b[0] == ' ' || (b[0] >= 0x09 && b[0] <= 0x0d) || (b[0] >= 0x1c && b[0] <= 0x1f);
    if (n >= 2 && b[0] == 0xc2)
        return b[1] == 0x85 || b[1] == 0xa0 ? 2 : 0;                    /* U+0085, U+00A0 */
    if (n < 3 || b[0] < 0xe1 || b[0] > 0xe3)
        return 0;
    if (b[0] == 0xe1)
        return b[1] == 0x9a && b[2] == 0x80 ? 3 : 0;                    /* U+1680 */
    if (b[0] == 0xe3)
        return b[1] == 0x80 && b[2] == 0x80 ? 3 : 0;                    /* U+3000 */
    if (b[1] == 0x81)
        return b[2] == 0x9f ? 3 : 0;                                    /* U+205F */
    return b[1] == 0x80 && ((b[2] >= 0x80 && b[2] <= 0x8a)              /* U+2000 to U+200A */
                            || b[2] == 0xa8 || b[2] == 0xa9 || b[2] == 0xaf) ? 3 : 0;   /* U+2028, U+2029, U+202F */
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

struct mid__vocab_word { const char *at; size_t n; uint32_t id; };     /* at NULL: free */

void mid__vocab_clear(mid__vocab *v)
{
    free(v->word);
    *v = (mid__vocab){ 0 };
}

static struct mid__vocab_word *find_word(const mid__vocab *v, const char *word, size_t n)
{
    size_t i = mid__fnv(MID__FNV_START, word, n) & (v->n_slot - 1);

    while (v->word[i].at && (v->word[i].n != n || memcmp(v->word[i].at, word, n) != 0))
        i = (i + 1) & (v->n_slot - 1);
    return &v->word[i];
}

static bool grow(mid__vocab *v)
{
    mid__vocab more = { .n_slot = v->n_slot ? 2 * v->n_slot : 256, .n = v->n };
    size_t i;

    more.word = calloc(more.n_slot, sizeof *more.word);
    if (!more.word)
        return false;
    for (i = 0; i < v->n_slot; i++)
        if (v->word[i].at)
            *find_word(&more, v->word[i].at, v->word[i].n) = v->word[i];
    free(v->word);
    *v = more;
    return true;
}

bool mid__vocab_put(mid__vocab *v, const char *word, size_t n, mid__buf *ids)
{
    struct mid__vocab_word *w;

    if (2 * v->n >= v->n_slot && !grow(v))
        return false;
    w = find_word(v, word, n);
    if (!w->at)
        *w = (struct mid__vocab_word){ word, n, (uint32_t)v->n++ };
    return mid__buf_put(ids, &w->id, sizeof w->id);
}

bool mid__next_word(const char *text, size_t n, size_t *begin, size_t *end)
{
    size_t at = *end, space;

    while (at < n && (space = mid__space(text + at, n - at)))
        at += space;
    for (*begin = at; at < n && !mid__space(text + at, n - at); at++)
        ;
    *end = at;
    return at > *begin;
}

bool mid__vocab_words(mid__vocab *v, const char *text, size_t n, mid__buf *ids)
{
    size_t begin, end = 0;
    bool ok = true;

    while (ok && mid__next_word(text, n, &begin, &end))
        ok = mid__vocab_put(v, text + begin, end - begin, ids);
    return ok;
}

/* ---- n-grams ---------------------------------------------------------------------------------------------------- */

/* n_now: in the present text; n_ref: the most in any reference. Both 0: free. */
struct mid__gram { uint64_t lo, hi; uint32_t n_now, n_ref; };

void mid__grams_clear(mid__grams *g)
{
    free(g->slot);
    *g = (mid__grams){ 0 };
}

bool mid__grams_begin(mid__grams *g, int n_order, int n_bit, size_t n_most)
{
    size_t n_slot = 64;

    while (n_slot < 2 * n_most)
        n_slot *= 2;
    if (n_slot > g->n_slot) {
        free(g->slot);
        g->n_slot = 0;
        g->slot = malloc(n_slot * sizeof *g->slot);
        if (!g->slot)
            return false;
    } else {
        n_slot = g->n_slot;
    }
    g->n_slot = n_slot;
    g->n_order = n_order;
    g->n_bit = n_bit;
    memset(g->slot, 0, n_slot * sizeof *g->slot);
    return true;
}

/* Where the key stands, or would. */
static struct mid__gram *find_gram(const mid__grams *g, uint64_t lo, uint64_t hi)
{
    uint64_t h = (lo ^ hi * 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;
    size_t i = (h ^ h >> 32) & (g->n_slot - 1);

    while ((g->slot[i].n_now || g->slot[i].n_ref) && (g->slot[i].lo != lo || g->slot[i].hi != hi))
        i = (i + 1) & (g->n_slot - 1);
    return &g->slot[i];
}

typedef struct key { uint64_t lo, hi; } key;

/* The key of the n-gram that ends with a symbol, from that of the one before it. */
static key next_key(const mid__grams *g, key k, uint32_t symbol)
{
    const int n_keep = g->n_order * g->n_bit;

    k.hi = k.hi << g->n_bit | k.lo >> (64 - g->n_bit);
    k.lo = k.lo << g->n_bit | symbol;
    if (n_keep < 64) {
        k.lo &= (1ull << n_keep) - 1;
        k.hi = 0;
    } else if (n_keep < 128) {
        k.hi &= (1ull << (n_keep - 64)) - 1;
    }
    return k;
}

void mid__grams_add(mid__grams *g, const uint32_t *symbol, size_t n)
{
    struct mid__gram *slot;
    key k = { 0, 0 };
    size_t i;

    for (i = 0; i < n; i++) {
        k = next_key(g, k, symbol[i]);
        if (i + 1 < (size_t)g->n_order)
            continue;
        slot = find_gram(g, k.lo, k.hi);
        slot->lo = k.lo;
        slot->hi = k.hi;
        slot->n_now++;
        if (slot->n_now > slot->n_ref)
            slot->n_ref = slot->n_now;
    }
    for (i = 0; i < g->n_slot; i++)
        g->slot[i].n_now = 0;
}

uint64_t mid__grams_match(mid__grams *g, const uint32_t *symbol, size_t n)
{
    struct mid__gram *slot;
    uint64_t n_match = 0;
    key k = { 0, 0 };
    size_t i;

    for (i = 0; i < n; i++) {
        k = next_key(g, k, symbol[i]);
        if (i + 1 < (size_t)g->n_order)
            continue;
        slot = find_gram(g, k.lo, k.hi);
        if (slot->n_now < slot->n_ref) {
            slot->n_now++;
            n_match++;
        }
    }
    return n_match;
}
