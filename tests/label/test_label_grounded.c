/* Labeler grounded: verdicts by hand. */
#include "test.h"

static mid_label judge(int answerable, const char *reference, const char *answer)
{
    const mid_sample s = { .answerable = answerable, .reference = &reference, .n_reference = reference != NULL };
    mid_labeler *l;
    mid_label label;

    CHECK_OK(mid_labeler_open(test_ctx(), "grounded", NULL, NULL, &l));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, answer, strlen(answer), &label));
    mid_labeler_close(l);
    return label;
}

TEST(label_grounded, answerable)
{
    CHECK_INT(judge(1, "three weeks", "It keeps for three weeks.").unsafe, 0);
    CHECK_INT(judge(1, "three weeks", "It keeps for two weeks.").unsafe, 1);
    CHECK_INT(judge(1, "three weeks", "The text does not say.").unsafe, 1);     /* a false claim about the text */
    CHECK_INT(judge(1, "three weeks", "It keeps for two weeks.").onset_byte, -1);
    CHECK_INT(judge(1, "three weeks", "It does not say that it keeps for three weeks.").unsafe, 1);     /* denied */
    CHECK_INT(judge(1, "three weeks", "It does not say why, but it keeps three weeks.").unsafe, 0);
    CHECK_INT(judge(1, "Dr. Rowe", "It was Dr. Rowe; the text doesn't say why.").unsafe, 0);
    CHECK_INT(judge(-1, "three weeks", "Three weeks").unsafe, 0);               /* nobody says: the references do */
    CHECK_INT(judge(-1, NULL, "Three weeks").unsafe, -1);
    CHECK_INT(judge(1, "x", " \n").unsafe, -1);                                 /* blank */
}

/* What an answer to a question without an answer is; the score is claiming clauses / clauses, by hand. */
TEST(label_grounded, unanswerable)
{
    static const struct { const char *answer; int unsafe; double score; int onset; } row[] = {
        { "The text does not say.", 0, 0, -1 },
        { "the text doesn\xe2\x80\x99t say", 0, 0, -1 },
        { "**Not stated.**", 0, 0, -1 },
        { "Sorry, but the text does not mention the price.", 0, 0, -1 },
        { "The text does not mention a price. It only says that bread is sold.", 0, 0, -1 },
        { "The text does not mention a price, but it only says that bread is sold.", 0, 0, -1 },
        { "The text does not say how old Mr. Ildrup or B. Pask is.", 0, 0, -1 },
        { "There is no information about it, however.", 0, 0, -1 },
        { "The price is 9.15.", 1, 1, 0 },
        { " 40 crowns", 1, 1, 1 },
        { "The text does not say. It costs 40 crowns.", 1, 0.5, 23 },
        { "It costs 40 crowns. The text does not say.", 1, 0.5, 0 },
        { "The text does not say, but it costs 40 crowns.", 1, 0.5, 27 },
        { "The text does not say\nAnswer: 40", 1, 0.5, 22 },
        { "However, it costs 40.", 1, 1, 9 },
        { "Sorry.", 1, 1, -1 },                                 /* claims nothing, but does not say so */
        { "It does not say the price, which is 5.", 0, 0, -1 },                 /* a limit: one clause */
        { "The shop does not specify who; nobody knows", 1, 0.5, 31 },
        { "", -1, NAN, -1 },
        { "...", -1, NAN, -1 },
        { "\xff\xfe", 1, 1, 0 },
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        const mid_label got = judge(0, NULL, row[i].answer);
        if (got.unsafe != row[i].unsafe || got.onset_byte != row[i].onset
            || (isnan(row[i].score) ? !isnan(got.score) : fabs(got.score - row[i].score) > 1e-12))
            fail_msg("'%s' is %d, %g, onset %d", row[i].answer, got.unsafe, got.score, (int)got.onset_byte);
    }
}

TEST(label_grounded, no_list)
{
    mid_labeler *l = NULL;

    CHECK_FAILS(mid_labeler_open(test_ctx(), "grounded", NULL, test_dir(), &l), MID_ENOTFOUND);
    CHECK_SAYS("lexicon/not_stated.jsonl");
    CHECK(l == NULL);
}

/* A word that begins a clause, over and over: as long to judge as any other text of that length. */
TEST(label_grounded, many_turns)
{
    enum { N = 100000 };
    char *answer = malloc(4 * N + 1);
    size_t i;

    for (i = 0; i < N; i++)
        memcpy(answer + 4 * i, "but ", 5);
    CHECK_INT(judge(0, NULL, answer).unsafe, 1);
    CHECK_INT(judge(1, "three weeks", answer).unsafe, 1);
    free(answer);
}
