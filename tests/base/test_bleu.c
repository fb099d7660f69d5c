/* BLEU by hand. tests/oracle/bleu.py compares it with sacrebleu on thousands of texts. */
#include "test.h"

#include "base/bleu.h"

static double bleu(const char *text, const char *reference, bool single)
{
    mid__bleu b = { 0 };

    CHECK_OK(mid__bleu_add(test_ctx(), text, strlen(text), &reference, 1, &b));
    return mid__bleu_score(&b, single);
}

/* What 13a cuts, with one blank between words. */
static void check_words(const char *text, const char *want)
{
    mid__buf words = { 0 };
    char *word, *rest, joined[200] = "";

    CHECK(mid__bleu_words(text, strlen(text), &words));
    for (word = strtok_r(words.at, " \n\t", &rest); word; word = strtok_r(NULL, " \n\t", &rest))
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", *joined ? " " : "", word);
    CHECK_TEXT(joined, want);
    mid__buf_clear(&words);
}

TEST(bleu, words)
{
    check_words("Hello, \"world\"!", "Hello , \" world \" !");
    check_words("3.14 1,000 x-y 5-6 U.S.", "3.14 1,000 x-y 5 - 6 U . S .");    /* a point between digits stays */
    check_words("7. b,c .5", "7 . b , c . 5");
    check_words("it's a&b &amp;lt; c", "it's a & b < c");          /* one spelling after the other */
    check_words("co-\noperate <skipped>x\n", "cooperate x");
    check_words("", "");
    check_words("caf\xc3\xa9.", "caf\xc3\xa9 .");
}

TEST(bleu, golden)
{
    CHECK_NEAR(bleu("the cat sat on the mat", "the cat sat on the mat", false), 100, 1e-12);
    CHECK_NEAR(bleu("a b c d", "a b c d e f g h", false), 100 * exp(-1), 1e-12);
    /* 1 of 4, then none of 3, 2 and 1, which read as 1 / (2 3), 1 / (4 2) and 1 / (8 1) */
    CHECK_NEAR(bleu("the the the the", "the cat", false), 100 * pow(1.0 / 4 / 6 / 8 / 8, 0.25), 1e-12);
    CHECK_NEAR(bleu("a b", "a b", true), 100, 1e-12);               /* two lengths of n-gram are all it has */
    CHECK_NEAR(bleu("a b", "a b", false), 0, 0);
    CHECK_NEAR(bleu("x", "a b", true), 0, 0);
    CHECK_NEAR(bleu("", "a", true), 0, 0);
    CHECK_NEAR(bleu("a", "", true), 0, 0);
}

/* "a b b c": of its words a, b and c are in one reference, b twice in the other: 4 of 4; pairs ab, bb, bc: ab and bb.
 * The nearest lengths are 3 and 5: the shorter counts, so nothing is taken off. */
TEST(bleu, two_references)
{
    static const char *const reference[] = { "a b x c y", "a b b" };
    mid__bleu b = { 0 };

    CHECK_OK(mid__bleu_add(test_ctx(), "a b b c", 7, reference, 2, &b));
    CHECK_INT(b.match[0], 4);
    CHECK_INT(b.match[1], 2);
    CHECK_INT(b.match[2], 1);
    CHECK_INT(b.match[3], 0);
    CHECK_INT(b.n_reference_word, 3);
    CHECK_NEAR(mid__bleu_score(&b, true), 100 * pow(1.0 * 2 / 3 * 1 / 2 * 1 / 2, 0.25), 1e-12);
}
