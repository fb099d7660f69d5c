/* Sampled answers as lists of words, and how alike they are. */
#ifndef MID_MONITOR_SAMPLE_WORDS_H
#define MID_MONITOR_SAMPLE_WORDS_H

#include "monitor/monitor.h"

/* More samples and later words are left out, so that a stream's state has a size. */
enum { MID__SAMPLE_MAX = 10, MID__SAMPLE_WORD_MAX = 256 };

typedef struct mid__sample_words {
    uint32_t n;
    uint32_t n_word[MID__SAMPLE_MAX];
    uint64_t word[MID__SAMPLE_MAX][MID__SAMPLE_WORD_MAX];
} mid__sample_words;

/* Words as in base/wordcut.h. */
void mid__sample_words_of(const mid_prompt *prompt, mid__sample_words *out);
/* Length of the longest common subsequence of samples i and j. */
uint32_t mid__sample_common(const mid__sample_words *words, uint32_t i, uint32_t j);
/* 1 - F1 of ROUGE-L: 0 alike, 1 without a common word; two texts without words are alike. */
double mid__word_distance(uint32_t n_common, uint32_t n_a, uint32_t n_b);
/* Mean distance of all pairs; needs two samples. */
double mid__sample_variation(const mid__sample_words *words);

/* -sum_c p_c ln p_c over clusters c of samples that mean the same, p_c the cluster's share; nats, 0 to ln n. A sample
 * joins the first cluster whose first member it shares more than 70 % of its own and of that member's words with, in
 * order. */
double mid__semantic_entropy(const mid__sample_words *words);

#endif
