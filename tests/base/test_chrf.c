/* chrF by hand. tests/oracle/bleu.py compares it with sacrebleu on thousands of texts. */
#include "test.h"

#include "base/chrf.h"

static double chrf(const char *text, const char *reference, bool words)
{
    mid__chrf c = { { 0 }, { 0 }, { 0 } };

    CHECK_OK(mid__chrf_add(test_ctx(), text, strlen(text), &reference, 1, words, &c));
    return mid__chrf_score(&c);
}

/* "ab" of "abc": characters 2 of 2 and of 3, pairs 1 of 1 and of 2, so P = 1 and R = (2/3 + 1/2) / 2. */
TEST(chrf, golden)
{
    const double r = 7.0 / 12;

    CHECK_NEAR(chrf("ab", "abc", false), 100 * 5 * r / (4 + r), 1e-12);
    CHECK_NEAR(chrf("a b\tc", "ab c", false), 100, 1e-12);          /* white space is no character */
    CHECK_NEAR(chrf("\xc3\xa9", "\xc3\xa8", false), 0, 0);          /* two characters, though they share a byte */
    CHECK_NEAR(chrf("", "a", false), 0, 0);
    CHECK_NEAR(chrf("a", "", true), 0, 0);
    CHECK_NEAR(chrf("\xff", "\xfe", false), 100, 1e-12);            /* not UTF-8: U+FFFD both */
}

/* "ab." is the words ab and a point. Characters: P = R = 2/3, 1/2 and 0; words: 1 of 2 and none of 1. */
TEST(chrf, words)
{
    const double chars = (2.0 / 3 + 1.0 / 2 + 0) / 3, all = (2.0 / 3 + 1.0 / 2 + 0 + 1.0 / 2 + 0) / 5;

    CHECK_NEAR(chrf("ab.", "ab!", false), 100 * chars, 1e-12);
    CHECK_NEAR(chrf("ab.", "ab!", true), 100 * all, 1e-12);
    CHECK_NEAR(chrf("(a", "( a", true), 100, 1e-12);
    CHECK_NEAR(chrf("a b", "ab", true), 100.0 * 2 / 3, 1e-12);      /* a pair of words the reference lacks: no order */
}

TEST(chrf, best_reference)
{
    static const char *const reference[] = { "xyz", "abc", "abd" };
    mid__chrf c = { { 0 }, { 0 }, { 0 } };

    CHECK_OK(mid__chrf_add(test_ctx(), "abc", 3, reference, 3, false, &c));
    CHECK_NEAR(mid__chrf_score(&c), 100, 1e-12);
    CHECK_OK(mid__chrf_add(test_ctx(), "q", 1, reference, 1, false, &c));      /* a corpus of two */
    CHECK_INT(c.n_text[0], 4);
    CHECK_INT(c.match[0], 3);
}
