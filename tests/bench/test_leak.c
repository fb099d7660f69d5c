/* Leakage between folds: prompts by hand, planted duplicates found among many, time that grows with their number. */
#include "test.h"

#include <time.h>

#include "base/rng.h"
#include "bench/leak.h"

TEST(leak, golden)
{
    /* 1 and 0 are alike but for case and signs; 3 differs from 2 in one letter of 40; 4 has the same group as 2. */
    static const char *const prompt[] = {
        "How do rivers form?", "how do RIVERS form", "Write a short story about a very old oak",
        "Write a short story about a very old oaks", "What is salt?", "", "",
    };
    static const uint32_t group[] = { 0, 1, 20, 3, 20, 400, 5 };    /* not all answers of a set need be there */
    static const int fold[] = { 0, 1, 0, 2, 1, 0, 1 };
    mid__leak leak;

    CHECK_OK(mid__leak_of(test_ctx(), prompt, group, fold, 7, &leak));
    CHECK_INT(leak.n_prompt, 5);                            /* two answers have none */
    CHECK_INT(leak.n_split, 1);
    CHECK_INT(leak.n_near, 4);
    CHECK_INT(leak.n_pair, 2);
    CHECK_INT(leak.pair[0].i, 0);
    CHECK_INT(leak.pair[0].j, 1);
    CHECK_NEAR(leak.pair[0].overlap, 1, 0);
    CHECK_NEAR(leak.pair[1].overlap, 36 / 37.0, 1e-12);     /* 40 letters have 36 5-grams, one more letter one more */
}

TEST(leak, the_same_fold_and_no_answers_leak_nothing)
{
    static const char *const prompt[] = { "How do rivers form?", "How do rivers form?" };
    static const uint32_t group[] = { 0, 0 };
    static const int fold[] = { 1, 1 };
    mid__leak leak;

    CHECK_OK(mid__leak_of(test_ctx(), prompt, group, fold, 2, &leak));
    CHECK_INT(leak.n_prompt, 1);
    CHECK_INT(leak.n_split + leak.n_near, 0);
    CHECK_OK(mid__leak_of(test_ctx(), prompt, group, fold, 0, &leak));
    CHECK_INT(leak.n_prompt, 0);
}

enum { N_MOST = 40000, N_LETTER = 60 };
static char text[N_MOST][N_LETTER + 1];
static const char *prompts[N_MOST];
static uint32_t groups[N_MOST];
static int folds[N_MOST];

/* Words drawn from a few hundred; every 50th prompt is the one before it, a letter changed. */
static void fill(size_t n)
{
    mid__rng rng;
    size_t i, j;

    mid__rng_init(&rng, 17, 0);
    for (i = 0; i < n; i++) {
        for (j = 0; j < N_LETTER; j++)
            text[i][j] = j % 6 == 5 ? ' ' : (char)('a' + mid__rng_below(&rng, 26));
        if (i % 50 == 49) {
            memcpy(text[i], text[i - 1], N_LETTER);
            text[i][N_LETTER - 1] = '9';
        }
        prompts[i] = text[i];
        groups[i] = (uint32_t)i;
        folds[i] = (int)(i % 5);
    }
}

TEST(leak, finds_what_was_planted)
{
    enum { N = 5000 };
    mid__leak leak;

    print_message("  seed 17\n");
    fill(N);
    CHECK_OK(mid__leak_of(test_ctx(), prompts, groups, folds, N, &leak));
    CHECK_INT(leak.n_near, 2 * N / 50);
    CHECK_INT(leak.n_pair, MID__LEAK_PAIR);
}

static double seconds(size_t n)
{
    const clock_t start = clock();
    mid__leak leak;

    fill(n);
    CHECK_OK(mid__leak_of(test_ctx(), prompts, groups, folds, n, &leak));
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Also where all are alike, which would be a million looks. */
TEST(leak, costs_as_many_looks_as_there_are_prompts)
{
    const double one = seconds(N_MOST / 4), four = seconds(N_MOST);
    const char *same[2000];
    mid__leak leak;
    size_t i;

    print_message("  10000 prompts %.3f s, 40000 prompts %.3f s\n", one, four);
    CHECK(four < 8 * one + 0.1);
    for (i = 0; i < 2000; i++)
        same[i] = "Tell me all that you know about rivers, and then some more.";
    CHECK_OK(mid__leak_of(test_ctx(), same, groups, folds, 2000, &leak));
    CHECK_INT(leak.n_near, 2000);
}
