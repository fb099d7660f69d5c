/* Interpolated Kneser-Ney (Kneser & Ney 1995; Chen & Goodman 1999), three words at a time:
 *   P(w | u v) = max(c(u v w) - D3, 0) / c(u v)               + D3 N1+(u v .) / c(u v)       P(w | v)
 *   P(w | v)   = max(N1+(. v w) - D2, 0) / N1+(. v .)         + D2 N1+(v .) / N1+(. v .)     P(w)
 *   P(w)       = max(N1+(. w) - D1, 0) / N1+(. .)             + D1 N1+(.) / N1+(. .)         1 / V
 * c counts; N1+ counts different words in the place of the dot. V: words of both classes, and one for all others, so
 * that both models speak of the same words. D = n1 / (n1 + 2 n2) per class and order, n1 and n2 the n-grams counted
 * (by c or N1+) once and twice, held within [.1, .9]: both ends would give some word nothing. Texts begin with two
 * empty words.
 *
 * The counting sorts: trigrams sorted by word give c(u v .) and N1+(u v .) in one walk; each different trigram counts
 * once for its last two words, those for their last one. */
#include "monitor/kneser_ney.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"

enum { TAG_BITS = 24 };

struct gram { uint64_t word[3]; uint32_t count[2]; };   /* unused words are 0 */

void mid__word_grams_begin(mid__word_grams *g, int k)
{
    g->k = k;
    g->history[0] = g->history[1] = 0;
}

void mid__word_grams_put(void *user, uint64_t word)
{
    mid__word_grams *g = user;
    struct gram gram = { { g->history[0], g->history[1], word }, { 0, 0 } };

    gram.count[g->k] = 1;
    mid__buf_put(&g->grams, &gram, sizeof gram);
    g->history[0] = g->history[1];
    g->history[1] = word;
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

static uint64_t key_of(const uint64_t *word, size_t n)
{
    uint64_t h = MID__FNV_START;
    uint8_t low_first[8];
    size_t i;
    int k;

    for (i = 0; i < n; i++) {
        for (k = 0; k < 8; k++)
            low_first[k] = (uint8_t)(word[i] >> 8 * k);
        h = mid__fnv(h, low_first, sizeof low_first);
    }
    return h ^ h >> 29;
}

/* The row of a key, or the free one where it belongs; NULL if the table is full and has no such row. */
static float *row_of(const mid__gram_table *t, const uint64_t *word, size_t n, float *tag)
{
    const uint64_t key = key_of(word, n);
    const uint32_t low = (uint32_t)key & ((1u << TAG_BITS) - 1);
    size_t slot = (size_t)(key >> TAG_BITS) % t->n_slot, n_seen;

    *tag = (float)(low + (low == 0));
    for (n_seen = 0; n_seen < t->n_slot; n_seen++) {
        float *row = t->at + slot * t->n_col;
        if (row[0] == *tag || row[0] == 0)
            return row;
        slot = slot + 1 == t->n_slot ? 0 : slot + 1;
    }
    return NULL;
}

static float *find(const mid__gram_table *t, const uint64_t *word, size_t n)
{
    float tag, *row = row_of(t, word, n, &tag);

    return row && row[0] == tag ? row : NULL;
}

/* The row, made if need be: adds nothing and passes on all. */
static float *find_or_make(const mid__gram_table *t, const uint64_t *word, size_t n)
{
    float tag, *row = row_of(t, word, n, &tag);
    size_t j;

    for (j = 3; row[0] == 0 && j < t->n_col; j++)
        row[j] = 1;
    row[0] = tag;
    return row;
}

/* For n rows, a quarter free, at least one. */
static bool make_table(mid__gram_table *t, size_t n, size_t n_col)
{
    t->n_slot = n + n / 3 + 1;
    t->n_col = n_col;
    t->at = calloc(t->n_slot * n_col, sizeof *t->at);
    return t->at != NULL;
}

/* ---- counting --------------------------------------------------------------------------------------------------- */

static int by_words(const void *a, const void *b)
{
    const struct gram *x = a, *y = b;
    int i;

    for (i = 0; i < 3; i++)
        if (x->word[i] != y->word[i])
            return x->word[i] < y->word[i] ? -1 : 1;
    return 0;
}

/* Sort and add up equal n-grams; how many are left. */
static size_t merge(struct gram *g, size_t n)
{
    size_t i, n_kept = 0;

    if (n)
        qsort(g, n, sizeof *g, by_words);
    for (i = 0; i < n; i++) {
        if (n_kept && by_words(&g[n_kept - 1], &g[i]) == 0) {
            g[n_kept - 1].count[0] += g[i].count[0];
            g[n_kept - 1].count[1] += g[i].count[1];
        } else {
            g[n_kept++] = g[i];
        }
    }
    return n_kept;
}

/* The n-grams without their first word, each counted once per class that has it; owned, NULL: out of memory. */
static struct gram *suffixes(const struct gram *g, size_t n, size_t *n_out)
{
    struct gram *out = malloc((n + 1) * sizeof *out);
    size_t i;

    for (i = 0; out && i < n; i++)
        out[i] = (struct gram){ { g[i].word[1], g[i].word[2], 0 }, { g[i].count[0] > 0, g[i].count[1] > 0 } };
    *n_out = out ? merge(out, n) : 0;
    return out;
}

static double discount(const struct gram *g, size_t n, int k)
{
    size_t i, n1 = 0, n2 = 0;

    for (i = 0; i < n; i++) {
        n1 += g[i].count[k] == 1;
        n2 += g[i].count[k] == 2;
    }
    return fmin(fmax(n1 ? (double)n1 / (double)(n1 + 2 * n2) : 0, 0.1), 0.9);
}

/* Where the n-grams of the same context as g[i] end. */
static size_t context_end(const struct gram *g, size_t n, size_t i, size_t n_context)
{
    size_t end = i + 1;

    while (end < n && memcmp(g[i].word, g[end].word, n_context * sizeof g[i].word[0]) == 0)
        end++;
    return end;
}

/* Enter n-grams g of n_word words into their table, and what their contexts pass on into the shorter one's. */
static void enter(const struct gram *g, size_t n, size_t n_word, const mid__gram_table *own,
                  const mid__gram_table *shorter)
{
    const double d[2] = { discount(g, n, 0), discount(g, n, 1) };
    size_t i, j, end;
    int k;

    for (i = 0; i < n; i = end) {
        float *context = find_or_make(shorter, g[i].word, n_word - 1);
        end = context_end(g, n, i, n_word - 1);
        for (k = 0; k < 2; k++) {
            double total = 0, types = 0;
            for (j = i; j < end; j++) {
                total += g[j].count[k];
                types += g[j].count[k] > 0;
            }
            for (j = i; j < end && total > 0; j++)
                find_or_make(own, g[j].word, n_word)[1 + k] = (float)(fmax(g[j].count[k] - d[k], 0) / total);
            if (total > 0)
                context[3 + k] = (float)(d[k] * types / total);
        }
    }
}

/* P(w) of every word under class k, and of one that is not there; the empty word counts as that. */
static void enter_words(const struct gram *g, size_t n, int k, mid__kneser_ney *kn)
{
    static const uint64_t empty = 0;
    const double d = discount(g, n, k), uniform = 1 / (double)(n + 1);
    double total = 0, types = 0, rest = 1, p;
    size_t i;

    for (i = 0; i < n; i++) {
        total += g[i].count[k];
        types += g[i].count[k] > 0;
    }
    if (total > 0)
        rest = d * types / total;
    kn->unknown[k] = (float)(rest * uniform);
    find_or_make(&kn->word, &empty, 1)[1 + k] = kn->unknown[k];
    for (i = 0; i < n; i++) {
        p = rest * uniform + (total > 0 ? fmax(g[i].count[k] - d, 0) / total : 0);
        find_or_make(&kn->word, g[i].word, 1)[1 + k] = (float)p;
    }
}

/* A context is a pair or word of its own, or it is made of empty words: hence the one more row. */
mid_status mid__kneser_ney_fit(mid_ctx *ctx, mid__word_grams *g, mid__kneser_ney *out)
{
    struct gram *triple = (struct gram *)(void *)g->grams.at, *pair = NULL, *word = NULL;
    size_t n_triple = merge(triple, g->grams.n / sizeof *triple), n_pair = 0, n_word = 0;
    mid_status status = MID_OK;

    memset(out, 0, sizeof *out);
    pair = suffixes(triple, n_triple, &n_pair);
    word = pair ? suffixes(pair, n_pair, &n_word) : NULL;
    if (g->grams.failed || !word || !make_table(&out->word, n_word + 1, 5) || !make_table(&out->pair, n_pair + 1, 5) ||
        !make_table(&out->triple, n_triple, 3))
        status = mid__oom(ctx, "word n-grams");
    if (status == MID_OK) {
        enter_words(word, n_word, 0, out);
        enter_words(word, n_word, 1, out);
        enter(pair, n_pair, 2, &out->pair, &out->word);
        enter(triple, n_triple, 3, &out->triple, &out->pair);
    }
    free(pair);
    free(word);
    return status;
}

void mid__kneser_ney_clear(mid__kneser_ney *kn)
{
    free(kn->word.at);
    free(kn->pair.at);
    free(kn->triple.at);
    memset(kn, 0, sizeof *kn);
}

double mid__kneser_ney_p(const mid__kneser_ney *kn, int k, const uint64_t history[2], uint64_t word)
{
    const uint64_t words[3] = { history[0], history[1], word };
    const float *w = find(&kn->word, words + 2, 1), *v = find(&kn->word, words + 1, 1);
    const float *vw = find(&kn->pair, words + 1, 2), *uv = find(&kn->pair, words, 2);
    const float *uvw = find(&kn->triple, words, 3);
    double p = (double)(w ? w[1 + k] : kn->unknown[k]);

    p = (double)(vw ? vw[1 + k] : 0) + (double)(v ? v[3 + k] : 1) * p;
    return (double)(uvw ? uvw[1 + k] : 0) + (double)(uv ? uv[3 + k] : 1) * p;
}
