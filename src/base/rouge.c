/* With L the length of the longest common subsequence of words, P = L / words of the answer, R = L / words of the
 * reference: F1 = 2 P R / (P + R), which is 2 L / (both lengths). The table of subsequences is kept as its last line.
 * */
#include "base/rouge.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/hash.h"

/* The words of a text, each as its 64-bit hash. */
static bool words_of(const char *text, size_t n, mid__buf *out)
{
    uint64_t h = MID__FNV_START;
    bool in_word = false;
    size_t i;

    for (i = 0; i <= n; i++) {
        char c = i < n ? text[i] : ' ';
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            h = mid__fnv(h, &c, 1);
            in_word = true;
        } else if (in_word) {
            mid__buf_put(out, &h, sizeof h);
            h = MID__FNV_START;
            in_word = false;
        }
    }
    return !out->failed;
}

void mid__lcs_word(uint64_t word, const uint64_t *b, size_t n_b, uint32_t *row)
{
    uint32_t diagonal = 0, above;
    size_t j;

    for (j = 1; j <= n_b; j++, diagonal = above) {
        above = row[j];
        if (word == b[j - 1])
            row[j] = diagonal + 1;
        else if (row[j - 1] > above)
            row[j] = row[j - 1];
    }
}

double mid__lcs_f1(size_t n_common, size_t n_a, size_t n_b)
{
    return n_common ? 2.0 * (double)n_common / (double)(n_a + n_b) : 0;
}

mid_status mid__rouge_l(mid_ctx *ctx, const char *answer, size_t n_answer, const char *reference, size_t n_reference,
                        double *f1)
{
    mid__buf a = { 0 }, b = { 0 };
    mid_status status = mid__oom(ctx, "ROUGE-L");
    const uint64_t *word_a, *word_b;
    uint32_t *row = NULL;
    size_t n_a, n_b, i;

    if (!words_of(answer, n_answer, &a) || !words_of(reference, n_reference, &b))
        goto out;
    word_a = (const uint64_t *)(void *)a.at;
    word_b = (const uint64_t *)(void *)b.at;
    n_a = a.n / sizeof *word_a;
    n_b = b.n / sizeof *word_b;
    row = calloc(n_b + 1, sizeof *row);
    if (!row)
        goto out;
    for (i = 0; i < n_a; i++)
        mid__lcs_word(word_a[i], word_b, n_b, row);
    *f1 = mid__lcs_f1(row[n_b], n_a, n_b);
    status = MID_OK;
out:
    free(row);
    mid__buf_clear(&b);
    mid__buf_clear(&a);
    return status;
}
