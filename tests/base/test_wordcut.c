/* Words and sentences of a text under way, and the common subsequence one word at a time. */
#include "test.h"

#include "base/rng.h"
#include "base/rouge.h"
#include "base/wordcut.h"

enum { N_WORD_MAX = 64 };

struct words { size_t n; uint64_t word[N_WORD_MAX]; };

static void keep(void *user, uint64_t word)
{
    struct words *w = user;

    assert_true(w->n < N_WORD_MAX && word != 0);
    w->word[w->n++] = word;
}

static struct words words_of(const char *text)
{
    struct words w = { .n = 0 };
    mid__wordcut cut = { 0 };

    mid__wordcut_put(&cut, text, strlen(text), keep, &w);
    mid__wordcut_end(&cut, keep, &w);
    return w;
}

static void check_same(const struct words *a, const struct words *b)
{
    CHECK_INT(a->n, b->n);
    assert_memory_equal(a->word, b->word, a->n * sizeof a->word[0]);
}

TEST(wordcut, words_are_runs_of_letters_and_digits)
{
    const struct words a = words_of("The caf\xc3\xa9, 42 times."), b = words_of("- the CAF\xc3\x89 (42)\ntimes");

    CHECK_INT(a.n, 4);
    check_same(&a, &b);
    CHECK(a.word[0] != a.word[1]);
    CHECK_INT(words_of(" ... ").n, 0);
    CHECK_INT(words_of("don't").n, 2);
}

TEST(wordcut, a_word_waits_for_what_follows)
{
    struct words w = { .n = 0 };
    mid__wordcut cut = { 0 };

    mid__wordcut_put(&cut, "ri", 2, keep, &w);
    mid__wordcut_put(&cut, "ver", 3, keep, &w);
    CHECK_INT(w.n, 0);
    mid__wordcut_put(&cut, " ", 1, keep, &w);
    CHECK_INT(w.n, 1);
    mid__wordcut_end(&cut, keep, &w);
    CHECK_INT(w.n, 1);
    CHECK(w.word[0] == words_of("river").word[0]);
}

TEST(wordcut, any_split_gives_the_same_words)
{
    static const char text[] = "\xc3\x84rger und \xe2\x80\x9cTr\xc3\xa4ume\xe2\x80\x9d; "
                               "\xd0\xb4\xd0\xb0, \xe6\x9d\xb1 x1";
    const struct words whole = words_of(text);
    const uint64_t seed = 20240711;
    mid__rng rng;
    int k;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (k = 0; k < 200; k++) {
        struct words w = { .n = 0 };
        mid__wordcut cut = { 0 };
        size_t at = 0, n;
        for (; at < sizeof text - 1; at += n) {
            n = 1 + mid__rng_below(&rng, 7);
            n = n < sizeof text - 1 - at ? n : sizeof text - 1 - at;
            mid__wordcut_put(&cut, text + at, n, keep, &w);
        }
        mid__wordcut_end(&cut, keep, &w);
        check_same(&w, &whole);
    }
}

static bool put(mid__sentence *s, const char *text) { return mid__sentence_put(s, text, strlen(text)); }

TEST(wordcut, sentences_end_at_a_mark_after_five_words)
{
    mid__sentence s = { .n_word = 0 };
    int i;

    CHECK(!put(&s, "Yes. It is"));                      /* one word before the mark */
    CHECK(!put(&s, " so"));
    CHECK(put(&s, " again!"));                          /* yes it is so again */
    CHECK(!put(&s, " One two three four."));
    CHECK(put(&s, " Five?"));
    CHECK(put(&s, "a b c d e\n"));
    CHECK(put(&s, "a b c d e\xe3\x80\x82"));            /* the full-width stop */
    CHECK(!put(&s, "\n\n\n"));
    CHECK_INT(s.n_tok, 1);
    for (i = 1; i < MID__SENTENCE_MAX_TOK - 1; i++)
        CHECK(!put(&s, ""));
    CHECK(put(&s, ""));                                 /* the 64th token */
    CHECK_INT(s.n_tok, 0);
}

/* Word by word against the whole: after each word of a, row[j] is what a fresh comparison of both beginnings gives. */
TEST(wordcut, subsequence_grows_word_by_word)
{
    static const uint64_t a[] = { 1, 2, 3, 2, 4, 1, 2 }, b[] = { 2, 4, 3, 1, 2, 1 };
    uint32_t row[7] = { 0 };
    size_t i;

    for (i = 0; i < 7; i++)
        mid__lcs_word(a[i], b, 6, row);
    CHECK_INT(row[6], 4);                               /* 2 3 2 1, 2 4 1 2 or 2 3 1 2 */
    CHECK_INT(row[1], 1);
    CHECK_INT(row[0], 0);
    CHECK_NEAR(mid__lcs_f1(4, 7, 6), 8.0 / 13, 1e-15);
    CHECK_NEAR(mid__lcs_f1(0, 0, 0), 0, 0);
}
