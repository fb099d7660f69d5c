/* Kneser-Ney: a corpus of two words by hand; every history's probabilities sum to 1. tests/oracle/stream.py has more.
 * */
#include "test.h"

#include "base/rng.h"
#include "monitor/kneser_ney.h"

enum { A = 11, B = 12, OTHER = 99 };

static void put_text(mid__word_grams *g, int k, const uint64_t *word, size_t n)
{
    size_t i;

    mid__word_grams_begin(g, k);
    for (i = 0; i < n; i++)
        mid__word_grams_put(g, word[i]);
}

/* Class 0 is "a", class 1 is "b b". V = 3, all counts are 1, so D = .9 throughout except where said.
 * Class 1, P(b | - -): c(- - b) = 1, c(- b b) = 1. Words: N1+(. b) = 2 of 2 (behind - and b), n1 = 0, so D = .1:
 * P(b) = 1.9/2 + .1 * 1/2 * 1/3 = .9666667, any other word .0166667. Pairs: N1+(. - b) = 1 of 1: P(b | -) = .1 + .9
 * P(b) = .97, P(b | - -) = .1 + .9 * .97 = .973; P(b | - b) = .1 + .9 (.1 + .9 P(b)) = .973 too; P(b | b b), a context
 * that is not there, = P(b | b) = .97; P(a | - -) = .9 * .9 * .0166667 = .0135.
 * Class 0: N1+(. a) = 1 of 1, D = .9: P(a) = .1 + .9 / 3 = .4; P(a | - -) = .1 + .9 (.1 + .9 * .4) = .514; P(b) = .3.
 * */
TEST(kneser_ney, golden)
{
    static const uint64_t a = A, bb[] = { B, B }, start[] = { 0, 0 }, after_b[] = { 0, B }, twice[] = { B, B };
    static const uint64_t elsewhere[] = { OTHER, OTHER };
    mid__word_grams g = { .k = 0 };
    mid__kneser_ney kn;

    put_text(&g, 0, &a, 1);
    put_text(&g, 1, bb, 2);
    CHECK_OK(mid__kneser_ney_fit(test_ctx(), &g, &kn));
    CHECK_NEAR(mid__kneser_ney_p(&kn, 1, start, B), 0.973, 1e-6);
    CHECK_NEAR(mid__kneser_ney_p(&kn, 1, after_b, B), 0.973, 1e-6);
    CHECK_NEAR(mid__kneser_ney_p(&kn, 1, twice, B), 0.97, 1e-6);
    CHECK_NEAR(mid__kneser_ney_p(&kn, 1, start, A), 0.0135, 1e-7);
    CHECK_NEAR(mid__kneser_ney_p(&kn, 1, start, OTHER), 0.0135, 1e-7);
    CHECK_NEAR(mid__kneser_ney_p(&kn, 0, start, A), 0.514, 1e-6);
    CHECK_NEAR(mid__kneser_ney_p(&kn, 0, elsewhere, B), 0.3, 1e-6);
    mid__kneser_ney_clear(&kn);
    mid__buf_clear(&g.grams);
}

/* Over the vocabulary and one word for all others, after histories seen and unseen. */
TEST(kneser_ney, sums_to_one)
{
    enum { N_WORD = 30, N_TEXT = 40, TEXT_MAX = 50 };
    const uint64_t seed = 20241124;
    uint64_t text[TEXT_MAX], history[2];
    mid__word_grams g = { .k = 0 };
    mid__kneser_ney kn;
    mid__rng rng;
    size_t i, j, n;
    int k;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < N_TEXT; i++) {
        n = mid__rng_below(&rng, TEXT_MAX);
        for (j = 0; j < n; j++)                         /* some words are common, some belong to one class */
            text[j] = 1 + mid__rng_below(&rng, 1 + mid__rng_below(&rng, i % 2 ? N_WORD : N_WORD / 2));
        put_text(&g, i % 2, text, n);
    }
    for (j = 0; j < N_WORD; j++)
        text[j] = 1 + j;
    put_text(&g, 1, text, N_WORD);                      /* all of them are in the vocabulary */
    CHECK_OK(mid__kneser_ney_fit(test_ctx(), &g, &kn));
    for (i = 0; i < 500; i++) {
        double sum[2] = { 0, 0 };
        history[0] = mid__rng_below(&rng, N_WORD + 3);  /* 0: the beginning; two beyond the vocabulary */
        history[1] = mid__rng_below(&rng, N_WORD + 3);
        for (j = 1; j <= N_WORD + 1; j++)
            for (k = 0; k < 2; k++)
                sum[k] += mid__kneser_ney_p(&kn, k, history, j == N_WORD + 1 ? OTHER : j);
        CHECK_NEAR(sum[0], 1, 1e-5);
        CHECK_NEAR(sum[1], 1, 1e-5);
    }
    mid__kneser_ney_clear(&kn);
    mid__buf_clear(&g.grams);
}

/* A class without a word knows nothing: every word is as likely as any other. No words at all: one word, all others. */
TEST(kneser_ney, empty_classes)
{
    static const uint64_t bb[] = { B, B }, start[] = { 0, 0 };
    mid__word_grams g = { .k = 0 };
    mid__kneser_ney kn;

    CHECK_OK(mid__kneser_ney_fit(test_ctx(), &g, &kn));
    CHECK_NEAR(mid__kneser_ney_p(&kn, 0, start, A), 1, 0);
    mid__kneser_ney_clear(&kn);
    put_text(&g, 1, bb, 2);
    CHECK_OK(mid__kneser_ney_fit(test_ctx(), &g, &kn));
    CHECK_NEAR(mid__kneser_ney_p(&kn, 0, start, B), 0.5, 0);
    CHECK_NEAR(mid__kneser_ney_p(&kn, 0, start, OTHER), 0.5, 0);
    mid__kneser_ney_clear(&kn);
    mid__buf_clear(&g.grams);
}
