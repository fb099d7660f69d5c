/* With p_n the share of a text's n-grams that a reference has (each counted at most as often as there), c its words and
 * r those of the reference nearest in length (the shorter of two):
 *     BLEU = 100 min(1, e^{1 - r/c}) (p_1 p_2 p_3 p_4)^{1/4}
 * Smoothing: the k-th order without a match has p_n = 1 / (2^k n-grams) (Chen & Cherry 2014, method 3). No match at all
 * is 0. Several references: an n-gram counts as often as in the one that has most of it.
 * The 13a rules look at single ASCII characters, so they work on bytes; what is not UTF-8 stays as it is. */
#include "base/bleu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/grams.h"

/* ---- words ------------------------------------------------------------------------------------------------------ */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_point(char c) { return c == '.' || c == ','; }

/* ASCII signs but ' - . and , */
static bool is_sign(char c)
{
    return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+')
           || (c >= ':' && c <= '@') || c == '/';
}

/* All of one spelling for a shorter one, from the left, in place; returns the bytes that are left. */
static size_t replace(char *text, size_t n, const char *from, const char *to)
{
    const size_t n_from = strlen(from), n_to = strlen(to);
    char *end = text + n, *put, *at, *hit = memmem(text, n, from, n_from);

    for (put = at = hit; hit; put += hit - at, at = hit) {
        memcpy(put, to, n_to);
        put += n_to;
        at = hit + n_from;
        hit = memmem(at, (size_t)(end - at), from, n_from);
        memmove(put, at, (size_t)((hit ? hit : end) - at));
        if (!hit)
            return (size_t)(put + (end - at) - text);
    }
    return n;
}

static size_t put_apart(char *out, char c)
{
    out[0] = out[2] = ' ';
    out[1] = c;
    return 3;
}

/* The rules run one after the other, each over the whole text, since each sees what the earlier ones left. They write
 * to out and return its bytes. */
static size_t cut_signs(const char *at, size_t n, char *out)
{
    size_t i, put = 0;

    for (i = 0; i < n; i++)
        if (is_sign(at[i]))
            put += put_apart(out + put, at[i]);
        else
            out[put++] = at[i];
    return put;
}

/* A point or comma that does not follow a digit; what was cut off begins no other pair. */
static size_t cut_points_after(const char *at, size_t n, char *out)
{
    size_t i, put = 0;

    for (i = 0; i < n; i++) {
        out[put++] = at[i];
        if (i + 1 < n && !is_digit(at[i]) && is_point(at[i + 1]))
            put += put_apart(out + put, at[++i]);
    }
    return put;
}

/* A point or comma that no digit follows. */
static size_t cut_points_before(const char *at, size_t n, char *out)
{
    size_t i, put = 0;

    for (i = 0; i < n; i++) {
        if (i + 1 < n && is_point(at[i]) && !is_digit(at[i + 1]))
            put += put_apart(out + put, at[i++]);
        out[put++] = at[i];
    }
    return put;
}

static size_t cut_dashes(const char *at, size_t n, char *out)
{
    size_t i, put = 0;

    for (i = 0; i < n; i++)
        if (i && at[i] == '-' && is_digit(at[i - 1]))
            put += put_apart(out + put, at[i]);
        else
            out[put++] = at[i];
    return put;
}

/* Without white space at the end, markup and line breaks gone, and a blank at both ends. */
static size_t clean(const char *text, size_t n, char *out)
{
    size_t i, space, n_out = 0;

    for (i = 0; i < n; i += space ? space : 1) {
        space = mid__space(text + i, n - i);
        n_out = space ? n_out : i + 1;
    }
    *out++ = ' ';
    memcpy(out, text, n_out);
    n_out = replace(out, n_out, "<skipped>", "");
    n_out = replace(out, n_out, "-\n", "");
    n_out = replace(out, n_out, "\n", " ");
    n_out = replace(out, n_out, "&quot;", "\"");
    n_out = replace(out, n_out, "&amp;", "&");
    n_out = replace(out, n_out, "&lt;", "<");
    n_out = replace(out, n_out, "&gt;", ">");
    out[n_out] = ' ';
    return n_out + 2;
}

bool mid__bleu_words(const char *text, size_t n, mid__buf *out)
{
    /* a byte becomes 5 at most: a point, cut twice */
    char *a = n < SIZE_MAX / 16 ? malloc(5 * n + 16) : NULL, *b = a ? malloc(5 * n + 16) : NULL;
    size_t n_a, n_b;

    if (b) {
        n_a = clean(text, n, a);
        n_b = cut_signs(a, n_a, b);
        n_a = cut_points_after(b, n_b, a);
        n_b = cut_points_before(a, n_a, b);
        n_a = cut_dashes(b, n_b, a);
        mid__buf_put(out, a, n_a);
    }
    free(b);
    free(a);
    return b && !out->failed;
}

/* ---- counting --------------------------------------------------------------------------------------------------- */
/* A text cut into words, and those as numbers. */
struct words { mid__buf text, ids; };

static bool number_words(mid__vocab *vocab, const char *text, size_t n, struct words *out)
{
    return mid__bleu_words(text, n, &out->text) && mid__vocab_words(vocab, out->text.at, out->text.n, &out->ids);
}

static size_t n_of(const struct words *w) { return w->ids.n / sizeof(uint32_t); }
static const uint32_t *ids_of(const struct words *w) { return (const uint32_t *)(void *)w->ids.at; }

static uint64_t nearest_length(size_t n, const struct words *reference, size_t n_reference)
{
    size_t i, near = 0, off, least = SIZE_MAX;

    for (i = 0; i < n_reference; i++) {
        const size_t n_i = n_of(&reference[i]);
        off = n_i > n ? n_i - n : n - n_i;
        if (off < least || (off == least && n_i < near)) {
            least = off;
            near = n_i;
        }
    }
    return near;
}

/* w[0] is the text, w[1 ..] are its references. */
static bool count(const struct words *w, size_t n_reference, mid__bleu *bleu)
{
    mid__grams grams = { 0 };
    size_t i, n_most = 0;
    bool ok = true;
    int order;

    for (i = 1; i <= n_reference; i++)
        n_most += n_of(&w[i]);
    for (order = 1; ok && order <= MID__BLEU_ORDER; order++) {
        ok = mid__grams_begin(&grams, order, 32, n_most);
        for (i = 1; ok && i <= n_reference; i++)
            mid__grams_add(&grams, ids_of(&w[i]), n_of(&w[i]));
        if (ok)
            bleu->match[order - 1] += mid__grams_match(&grams, ids_of(&w[0]), n_of(&w[0]));
        bleu->total[order - 1] += mid__grams_in(n_of(&w[0]), order);
    }
    mid__grams_clear(&grams);
    bleu->n_word += n_of(&w[0]);
    bleu->n_reference_word += nearest_length(n_of(&w[0]), w + 1, n_reference);
    return ok;
}

mid_status mid__bleu_add(mid_ctx *ctx, const char *text, size_t n, const char *const *reference, size_t n_reference,
                         mid__bleu *bleu)
{
    struct words *w = calloc(n_reference + 1, sizeof *w);
    mid__vocab vocab = { 0 };
    bool ok = w && number_words(&vocab, text, n, &w[0]);
    size_t i;

    for (i = 0; ok && i < n_reference; i++)
        ok = number_words(&vocab, reference[i], strlen(reference[i]), &w[i + 1]);
    ok = ok && count(w, n_reference, bleu);
    for (i = 0; w && i <= n_reference; i++) {
        mid__buf_clear(&w[i].ids);
        mid__buf_clear(&w[i].text);
    }
    mid__vocab_clear(&vocab);
    free(w);
    return ok ? MID_OK : mid__oom(ctx, "BLEU");
}

/* ---- the score -------------------------------------------------------------------------------------------------- */

double mid__bleu_score(const mid__bleu *b, bool single)
{
    double logs = 0, halved = 1, p;
    int i, n_order = MID__BLEU_ORDER;

    if (b->match[0] == 0)           /* then no longer n-gram matches either */
        return 0;
    for (i = 0; i < MID__BLEU_ORDER && b->total[i]; i++) {
        halved *= b->match[i] ? 1 : 2;
        p = b->match[i] ? 100.0 * (double)b->match[i] / (double)b->total[i] : 100.0 / (halved * (double)b->total[i]);
        logs += log(p);
    }
    if (single)
        n_order = i;
    else if (i < MID__BLEU_ORDER)
        return 0;                   /* a corpus without any 4-gram */
    p = exp(logs / n_order);
    if (b->n_word < b->n_reference_word)
        p *= exp(1 - (double)b->n_reference_word / (double)b->n_word);
    return p;
}
