/* Likeness of sampled answers by their words' longest common subsequence. For semantic entropy it stands in for an
 * entailment model asked in both directions (Kuhn, Gal & Farquhar 2023, arXiv 2302.09664): a share of the common words
 * in either text takes the place of either direction. It takes "Paris." and "It is Paris." for different meanings,
 * which an entailment model would not. */
#include "monitor/sample_words.h"

#include <math.h>
#include <string.h>

#include "base/rouge.h"
#include "base/wordcut.h"

static const double same_meaning = 0.7;

struct taker { mid__sample_words *words; uint32_t i; };

static void take(void *user, uint64_t word)
{
    const struct taker *t = user;
    mid__sample_words *w = t->words;

    if (w->n_word[t->i] < MID__SAMPLE_WORD_MAX)
        w->word[t->i][w->n_word[t->i]++] = word;
}

void mid__sample_words_of(const mid_prompt *prompt, mid__sample_words *out)
{
    uint32_t i;

    memset(out, 0, sizeof *out);
    out->n = prompt->n_sample < MID__SAMPLE_MAX ? (uint32_t)prompt->n_sample : MID__SAMPLE_MAX;
    for (i = 0; i < out->n; i++) {
        struct taker taker = { out, i };
        mid__wordcut cut = { 0 };
        mid__wordcut_put(&cut, prompt->sample[i], strlen(prompt->sample[i]), take, &taker);
        mid__wordcut_end(&cut, take, &taker);
    }
}

uint32_t mid__sample_common(const mid__sample_words *words, uint32_t i, uint32_t j)
{
    uint32_t row[MID__SAMPLE_WORD_MAX + 1] = { 0 }, k;

    for (k = 0; k < words->n_word[i]; k++)
        mid__lcs_word(words->word[i][k], words->word[j], words->n_word[j], row);
    return row[words->n_word[j]];
}

double mid__word_distance(uint32_t n_common, uint32_t n_a, uint32_t n_b)
{
    return n_a + n_b == 0 ? 0 : 1 - mid__lcs_f1(n_common, n_a, n_b);
}

double mid__sample_variation(const mid__sample_words *words)
{
    double sum = 0;
    uint32_t i, j;

    for (i = 1; i < words->n; i++)
        for (j = 0; j < i; j++)
            sum += mid__word_distance(mid__sample_common(words, i, j), words->n_word[i], words->n_word[j]);
    return sum / (words->n * (words->n - 1) / 2.0);
}

static bool means_the_same(const mid__sample_words *words, uint32_t i, uint32_t j)
{
    const uint32_t n_i = words->n_word[i], n_j = words->n_word[j];
    const double common = mid__sample_common(words, i, j);

    return (n_i == 0 && n_j == 0) || (common > same_meaning * n_i && common > same_meaning * n_j);
}

double mid__semantic_entropy(const mid__sample_words *words)
{
    uint32_t first[MID__SAMPLE_MAX], size[MID__SAMPLE_MAX], n_cluster = 0, i, c;
    double entropy = 0;

    for (i = 0; i < words->n; i++) {
        for (c = 0; c < n_cluster && !means_the_same(words, i, first[c]); c++)
            ;
        if (c == n_cluster) {
            first[n_cluster] = i;
            size[n_cluster++] = 0;
        }
        size[c]++;
    }
    for (c = 0; c < n_cluster; c++) {
        const double p = (double)size[c] / words->n;
        entropy -= p * log(p);
    }
    return entropy;
}
