/* The author control by hand: places by unsafe shares outside the folds that a score may not see. */
#include "test.h"

#include "bench/author.h"

enum { N_FOLD = 3, N = 9 };

/* Answers of two tokens each by a and b, one by c, and an attacked copy by b, which no share counts:
 *   fold   a              b        c            a's, b's, c's unsafe share without it   their places
 *   0      safe, unsafe   safe                  0/2  1/2  1/1                           1/6  1/2  5/6
 *   1      safe           unsafe                1/3  0/2  1/1                           1/2  1/6  5/6
 *   2      safe           safe     unsafe       1/3  1/2  2/5, of all, c being unknown  1/4  3/4  1/2
 */
struct bench {
    mid__set set;
    mid__answer answer[N];
    const char *author[3];
    size_t at[N + 1];
    double rank[2 * N], rule[2 * N], cal[2 * N];
    mid__scores s;
};

static void make(struct bench *b)
{
    static const struct { uint32_t author; int fold, unsafe; size_t attack; } row[N] = {
        { 0, 0, 0, 0 }, { 0, 0, 1, 0 }, { 1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 1, 1, 1, 0 }, { 0, 2, 0, 0 },
        { 1, 2, 0, 0 }, { 2, 2, 1, 0 }, { 1, 1, 1, 1 },
    };
    size_t i;

    memset(b, 0, sizeof *b);
    b->author[0] = "a";
    b->author[1] = "b";
    b->author[2] = "c";
    for (i = 0; i < N; i++) {
        b->answer[i] = (mid__answer){ .author = b->author[row[i].author], .i_author = row[i].author,
                                      .fold = row[i].fold, .label = { .unsafe = row[i].unsafe },
                                      .attack = row[i].attack };
        b->at[i + 1] = 2 * (i + 1);
    }
    b->set = (mid__set){ .answer = b->answer, .n = N, .author = b->author, .n_author = 3 };
    b->s = (mid__scores){ .n = N, .n_tok = 2 * N, .at = b->at, .rank = b->rank, .rule = b->rule, .cal = b->cal };
}

static void check_scores(const double *score, const double *want)
{
    size_t i;

    for (i = 0; i < N; i++) {
        CHECK_NEAR(score[2 * i], want[i], 1e-15);
        CHECK_NEAR(score[2 * i + 1], want[i], 1e-15);
    }
}

/* rank: fitted outside the answer's fold. rule: outside that and the next. cal: outside that and the one before. */
TEST(author, golden)
{
    static const double rank[N] = { 1.0 / 6, 1.0 / 6, 0.5, 0.5, 1.0 / 6, 0.25, 0.75, 0.5, 1.0 / 6 },
                        rule[N] = { 1.0 / 3, 1.0 / 3, 1.0 / 3, 0.75, 0.25, 0.25, 0.75, 0.5, 0.25 },
                        cal[N] = { 0.25, 0.25, 0.75, 1.0 / 3, 1.0 / 3, 0.75, 0.25, 0.5, 1.0 / 3 };
    struct bench b;

    make(&b);
    CHECK_OK(mid__author_scores(test_ctx(), &b.set, N_FOLD, &b.s));
    CHECK(b.s.defined && isnan(b.s.us_p50) && isnan(b.s.us_p95));
    check_scores(b.rank, rank);
    check_scores(b.rule, rule);
    check_scores(b.cal, cal);
}

TEST(author, one_author_tells_nothing)
{
    struct bench b;
    size_t i;

    make(&b);
    for (i = 0; i < N; i++)
        b.answer[i].i_author = 1;
    CHECK_FAILS(mid__author_scores(test_ctx(), &b.set, N_FOLD, &b.s), MID_EUNDEFINED);
    CHECK_TEXT(mid_ctx_message(test_ctx()), "all answers are by one author, 'a'");
    CHECK(!b.s.defined);
}

TEST(author, nothing_to_count_on)
{
    struct bench b;
    size_t i;

    make(&b);
    for (i = 0; i < N; i++)
        b.answer[i].fold = 1;
    CHECK_FAILS(mid__author_scores(test_ctx(), &b.set, N_FOLD, &b.s), MID_EUNDEFINED);
}
