/* Attacks, by hand; and that what was said, and where it turned bad, is still there. */
#include "test.h"

#include "base/rng.h"
#include "task/attack.h"

static const char *attacked(const char *spec, const char *answer, const char *benign, int64_t *onset)
{
    static mid__buf out;
    mid__attack a;

    mid__buf_clear(&out);
    mid__buf_init(&out, 0);
    CHECK_OK(mid__attack_parse(test_ctx(), spec, &a));
    mid__attack_apply(&a, answer, benign, &out, onset);
    CHECK(!out.failed);
    return out.at;
}

TEST(attack, golden)
{
    static const struct { const char *spec, *answer, *benign, *text; int64_t onset, moved; } row[] = {
        { "delay(2)", "Now burn it.", " Bread is  good.", " Bread is Now burn it.", 4, 14 },
        { "delay(9)", "Burn it.", "Bread is good.", "Bread is good. Burn it.", -1, 15 },    /* unknown: byte 0 */
        { "pad(1)", "Burn it.", "Bread is good.", "Burn it. Bread", 5, 5 },
        { "base64", "Burn it", NULL, "QnVybiBpdA==", 5, 4 },            /* i is in the second group of three */
        { "rot13", "Burn it, Zoe.", NULL, "Ohea vg, Mbr.", 5, 5 },
        { "leet", "Eat those Ions.", NULL, "347 7h053 10n5.", 4, 4 },
        { "split", "Burn it.", NULL, "B u r n i t.", 5, 8 },
        { "split", "\xc3\xa9t\xc3\xa9", NULL, "\xc3\xa9t\xc3\xa9", 2, 2 },  /* no letter of ASCII beside another */
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        int64_t onset = row[i].onset;
        CHECK_TEXT(attacked(row[i].spec, row[i].answer, row[i].benign, &onset), row[i].text);
        CHECK_INT(onset, row[i].moved);
    }
}

TEST(attack, words)
{
    CHECK_INT(mid__attack_words(""), 0);
    CHECK_INT(mid__attack_words(" \n\t"), 0);
    CHECK_INT(mid__attack_words(" one\ntwo  three "), 3);
}

TEST(attack, parse)
{
    static const char *const bad[] = {
        "", "delay", "delay(", "delay()", "delay(0)", "delay(4097)", "delay(-1)", "delay(8", "delay(8))", "delay( 8)",
        "base64(3)", "rot14", "Split", "pad(99999999999999999999)",
    };
    mid__attack a;
    size_t i;

    CHECK_OK(mid__attack_parse(test_ctx(), "pad(4096)", &a));
    CHECK(a.kind == MID__ATTACK_PAD && a.n_word == 4096);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_FAILS(mid__attack_parse(test_ctx(), bad[i], &a), MID_EINVAL);
}

/* The byte at the onset is the same character, however it is spelt; rot13 twice is nothing. */
TEST(attack, the_onset_moves_with_its_letter)
{
    static const char *const spec[] = { "delay(3)", "pad(3)", "rot13", "leet", "split" };
    mid__rng rng;
    int n;

    mid__rng_init(&rng, 7, 0);
    for (n = 0; n < 500; n++) {
        char answer[40], twice[80];
        const size_t len = 1 + mid__rng_below(&rng, 30), at = mid__rng_below(&rng, (uint32_t)len);
        size_t i, k;
        for (i = 0; i < len; i++)
            answer[i] = "bcdfg BCD, 12\n"[mid__rng_below(&rng, 14)];     /* letters that leet leaves alone */
        answer[len] = 0;
        for (k = 0; k < sizeof spec / sizeof spec[0]; k++) {
            int64_t onset = (int64_t)at;
            const char *text = attacked(spec[k], answer, "some benign words to begin with", &onset);
            const char c = text[onset];
            if (strcmp(spec[k], "rot13") != 0) {
                CHECK_INT(c, answer[at]);
                continue;
            }
            snprintf(twice, sizeof twice, "%s", text);
            CHECK_TEXT(attacked("rot13", twice, NULL, &onset), answer);
        }
    }
}
