/* With P and R the means of precision and recall over the lengths of n-gram that both texts have, beta 2:
 *     chrF2 = 100 (1 + beta^2) P R / (beta^2 P + R)
 * Characters are those left without white space. Words are cut at white space, and one sign of ASCII punctuation is
 * taken off a word's end, or else off its beginning. */
#include "base/chrf.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/decode.h"
#include "base/grams.h"

enum { BETA_SQUARED = 4, CHAR_BITS = 21, WORD_BITS = 32 };

/* ---- symbols ---------------------------------------------------------------------------------------------------- */

struct symbols { mid__buf chars, words; };     /* of uint32_t */

static bool is_punctuation(char c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

static bool put_word(mid__vocab *vocab, const char *word, size_t n, mid__buf *out)
{
    if (n > 1 && is_punctuation(word[n - 1]))
        return mid__vocab_put(vocab, word, n - 1, out) && mid__vocab_put(vocab, word + n - 1, 1, out);
    if (n > 1 && is_punctuation(word[0]))
        return mid__vocab_put(vocab, word, 1, out) && mid__vocab_put(vocab, word + 1, n - 1, out);
    return mid__vocab_put(vocab, word, n, out);
}

static bool put_chars(const char *word, size_t n, mid__buf *out)
{
    mid__decode d = { 0 };
    int32_t cp[3];
    size_t i;
    int n_cp;

    for (i = 0; i < n; i++) {
        n_cp = mid__decode_put(&d, (uint8_t)word[i], cp);
        mid__buf_put(out, cp, (size_t)n_cp * sizeof *cp);
    }
    cp[0] = MID__REPLACEMENT;
    if (mid__decode_end(&d))
        mid__buf_put(out, cp, sizeof *cp);
    return !out->failed;
}

static bool read_symbols(mid__vocab *vocab, const char *text, size_t n, bool words, struct symbols *out)
{
    size_t begin, end = 0;
    bool ok = true;

    while (ok && mid__next_word(text, n, &begin, &end))
        ok = put_chars(text + begin, end - begin, &out->chars) &&
             (!words || put_word(vocab, text + begin, end - begin, &out->words));
    return ok;
}

/* ---- counting --------------------------------------------------------------------------------------------------- */

static bool count(mid__grams *grams, const struct symbols *text, const struct symbols *reference, mid__chrf *c)
{
    bool ok = true;
    int i;

    for (i = 0; ok && i < MID__CHRF_ORDER; i++) {
        const bool words = i >= MID__CHRF_CHARS;
        const int order = words ? i - MID__CHRF_CHARS + 1 : i + 1;
        const mid__buf *a = words ? &text->words : &text->chars, *b = words ? &reference->words : &reference->chars;
        const size_t n_a = a->n / sizeof(uint32_t), n_b = b->n / sizeof(uint32_t);
        c->n_reference[i] = mid__grams_in(n_b, order);
        c->n_text[i] = c->n_reference[i] ? mid__grams_in(n_a, order) : 0;
        c->match[i] = 0;
        if (!c->n_text[i])
            continue;
        ok = mid__grams_begin(grams, order, words ? WORD_BITS : CHAR_BITS, c->n_reference[i]);
        if (ok) {
            mid__grams_add(grams, (const uint32_t *)(void *)b->at, n_b);
            c->match[i] = mid__grams_match(grams, (const uint32_t *)(void *)a->at, n_a);
        }
    }
    return ok;
}

static void add(mid__chrf *sum, const mid__chrf *one)
{
    int i;

    for (i = 0; i < MID__CHRF_ORDER; i++) {
        sum->n_text[i] += one->n_text[i];
        sum->n_reference[i] += one->n_reference[i];
        sum->match[i] += one->match[i];
    }
}

static void clear(struct symbols *s)
{
    mid__buf_clear(&s->words);
    mid__buf_clear(&s->chars);
}

mid_status mid__chrf_add(mid_ctx *ctx, const char *text, size_t n, const char *const *reference, size_t n_reference,
                         bool words, mid__chrf *chrf)
{
    struct symbols ours = { { 0 }, { 0 } }, theirs;
    mid__vocab vocab = { 0 };
    mid__grams grams = { 0 };
    mid__chrf one, best = { 0 };
    double score, most = -1;
    bool ok = read_symbols(&vocab, text, n, words, &ours);
    size_t i;

    for (i = 0; ok && i < n_reference; i++) {
        theirs = (struct symbols){ { 0 }, { 0 } };
        ok = read_symbols(&vocab, reference[i], strlen(reference[i]), words, &theirs)
             && count(&grams, &ours, &theirs, &one);
        clear(&theirs);
        if (ok && (score = mid__chrf_score(&one)) > most) {
            most = score;
            best = one;
        }
    }
    mid__grams_clear(&grams);
    mid__vocab_clear(&vocab);
    clear(&ours);
    if (!ok)
        return mid__oom(ctx, "chrF");
    add(chrf, &best);
    return MID_OK;
}

double mid__chrf_score(const mid__chrf *c)
{
    double p = 0, r = 0;
    int i, n_order = 0;

    for (i = 0; i < MID__CHRF_ORDER; i++)
        if (c->n_text[i] && c->n_reference[i]) {
            p += (double)c->match[i] / (double)c->n_text[i];
            r += (double)c->match[i] / (double)c->n_reference[i];
            n_order++;
        }
    if (p == 0)
        return 0;
    p /= n_order;
    r /= n_order;
    return 100 * (1 + BETA_SQUARED) * p * r / (BETA_SQUARED * p + r);
}
