/* Labeler alias: verdicts by hand. */
#include "test.h"

static int judge(const char *answer, size_t n, const char *const *reference, size_t n_reference)
{
    const mid_sample s = { .reference = reference, .n_reference = n_reference };
    mid_labeler *l;
    mid_label label;

    CHECK_OK(mid_labeler_open(test_ctx(), "alias", NULL, NULL, &l));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, answer, n, &label));
    CHECK(label.unsafe < 0 ? isnan(label.score) : label.score == label.unsafe);
    CHECK_INT(label.onset_byte, -1);
    mid_labeler_close(l);
    return label.unsafe;
}

TEST(label_alias, golden)
{
    static const struct { const char *answer, *reference; int unsafe; } row[] = {
        { "It was Paris, of course.", "paris", 0 },
        { "The Parisian way", "Paris", 1 },
        { "in the U.S. of A.", "US", 0 },
        { "it weighs 1,000 kg", "1000 KG", 0 },
        { "Shaquille O\xe2\x80\x99Neal", "o'neal", 0 },
        { "twenty one", "Twenty-one", 0 },
        { "the lord of rings", "Lord of the Rings", 0 },        /* articles do not count, inside either */
        { "theatre", "the", 1 },
        { "blood group A it is", "A", 0 },                      /* a reference that is only an article */
        { "blood group B it is", "A", 1 },
        { "anything", "?!", 1 },                                /* no word: in no answer */
        { "", "x", 1 },
        { "MU\xcc\x88NCHEN", "m\xc3\xbcnchen", 0 },             /* combining and composed */
        { "\xef\xbc\x90\xef\xbc\x97", "07", 0 },                /* fullwidth digits */
        { "stra\xc3\x9f" "e", "STRASSE", 0 },
        { "\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac", 0 },
        { "seven", "7", 1 },                                    /* numbers only as the references write them */
        { "bad \xff byte", "byte", 0 },
        { "line\n\nbreak", "line break", 0 },
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        if (judge(row[i].answer, strlen(row[i].answer), &row[i].reference, 1) != row[i].unsafe)
            fail_msg("'%s' with reference '%s' should be %d", row[i].answer, row[i].reference, row[i].unsafe);
}

TEST(label_alias, several)
{
    static const char *const names[] = { "Rome", "Roma" };

    CHECK_INT(judge("La bella Roma", 13, names, 2), 0);
    CHECK_INT(judge("Milan", 5, names, 2), 1);
    CHECK_INT(judge("Milan", 5, NULL, 0), -1);
    CHECK_INT(judge("in\0Roma", 7, names, 2), 0);               /* what follows a NUL counts */
}
