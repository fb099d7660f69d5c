/* The three maps by hand on rows written here, what they promise on random ones, and strangers' tensors. */
#include "test.h"

#include "base/rng.h"
#include "hybrid/normal.h"

enum { ROW_MAX = 1400, N_QUANTILE = 129 };
static const char *const kind_name[] = { "z", "rank", "isotonic" };

/* Rows of one member, filled one by one, each an answer of its own. */
struct rows {
    double score[ROW_MAX], weight[ROW_MAX];
    uint32_t t[ROW_MAX], answer[ROW_MAX];
    uint8_t label[ROW_MAX], horizon[ROW_MAX];
    mid__member_rows as;
};
static const mid_fit_set one_set = { .n = ROW_MAX };

static void add(struct rows *r, double score, uint32_t t, int label, double weight)
{
    const size_t k = r->as.n++;

    assert_true(k < ROW_MAX);
    r->score[k] = score;
    r->t[k] = t;
    r->label[k] = (uint8_t)label;
    r->weight[k] = weight;
    r->answer[k] = (uint32_t)k;
    r->as = (mid__member_rows){ .n = k + 1, .n_member = 1, .score = r->score, .t = r->t, .answer = r->answer,
                                .label = r->label, .horizon = r->horizon, .weight = r->weight };
}

static mid__normal *learned(mid__normal_kind kind, const struct rows *r)
{
    mid__normal *normal;
    mid_weights *w;

    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_OK(mid__normal_learn(test_ctx(), kind, &one_set, &r->as, w));
    CHECK_OK(mid__normal_open(test_ctx(), kind, w, 1, &normal));
    mid_weights_close(w);
    return normal;
}

TEST(normal, bands)
{
    static const uint32_t t[] = { 1, 2, 3, 4, 7, 8, 16, 63, 64, 127, 128, 255, 256, 5000, UINT32_MAX };
    static const int want[] = { 0, 1, 1, 2, 2, 3, 4, 5, 6, 6, 7, 7, 7, 7, 7 };
    size_t i;

    for (i = 0; i < sizeof t / sizeof t[0]; i++)
        CHECK_INT(mid__band(t[i]), want[i]);
}

/* ---- z ----------------------------------------------------------------------------------------------------------- */

/* 0 .. 29 after one token: mean 14.5, variance (30^2 - 1) / 12. Ten times as much after two. After four there are 10
 * rows, too few, so those after two join: 0 .. 290 in tens, and ten times 1000. The upper halves are unsafe, which only
 * bands can see. */
TEST(normal, z_by_hand)
{
    static struct rows r;
    const double sd = sqrt(899 / 12.0), mean = (30 * 145 + 10 * 1000) / 40.0;
    const double square = (30 * (145 * 145 + 100 * 899 / 12.0) + 10 * 1000 * 1000) / 40;
    mid__normal *normal;
    int i;

    for (i = 0; i < 30; i++) {
        add(&r, i, 1, i >= 15, 1);
        add(&r, 10 * i, 2, i >= 15, 1);
        if (i < 10)
            add(&r, 1000, 4, i % 2, 1);
    }
    add(&r, NAN, 1, 0, 1);
    normal = learned(MID__NORMAL_Z, &r);
    CHECK_NEAR(mid__normal_of(normal, 0, 20, 1), (20 - 14.5) / sd, 1e-6);
    CHECK_NEAR(mid__normal_of(normal, 0, 20, 2), (20 - 145) / (10 * sd), 1e-6);
    CHECK_NEAR(mid__normal_of(normal, 0, 20, 3), (20 - 145) / (10 * sd), 1e-6);
    CHECK_NEAR(mid__normal_of(normal, 0, 20, 4), (20 - mean) / sqrt(square - mean * mean), 1e-6);
    CHECK_NEAR(mid__normal_of(normal, 0, 20, 8), (20 - mean) / sqrt(square - mean * mean), 1e-6);  /* as before */
    CHECK(isnan(mid__normal_of(normal, 0, NAN, 1)));
    free(normal);
}

/* The same scores, but unsafe is what has two tokens or more: within its band nothing tells it apart, so all rows are
 * one: 0 .. 29 and 0 .. 290 in tens have the mean (14.5 + 145) / 2. */
TEST(normal, position_that_tells)
{
    static struct rows r;
    const double mean = (14.5 + 145) / 2;
    const double square = (14.5 * 14.5 + 145 * 145 + 101 * 899 / 12.0) / 2;
    mid__normal *normal;
    uint32_t t;
    int i;

    for (i = 0; i < 30; i++) {
        add(&r, i, 1, 0, 1);
        add(&r, 10 * i, 2, 1, 1);
    }
    normal = learned(MID__NORMAL_Z, &r);
    CHECK_INT(normal->member[0].n_row, 1);
    for (t = 1; t <= 256; t *= 2)
        CHECK_NEAR(mid__normal_of(normal, 0, 20, t), (20 - mean) / sqrt(square - mean * mean), 1e-6);
    free(normal);
}

/* ---- rank -------------------------------------------------------------------------------------------------------- */

/* Safe scores 0 .. 128 are the quantiles themselves. The top tenth goes from 116 to 128: 140 is one such width
 * above. */
TEST(normal, rank_by_hand)
{
    static const double s[] = { -1, 0, 1, 64, 64.5, 127, 128, 134, 140, 248 };
    static const double want[] = { 0, 0, 1 / 128.0, 0.5, 64.5 / 128, 127 / 128.0, 1, 1.05, 1.1, 2 };
    static struct rows r;
    mid__normal *normal;
    size_t i;

    for (i = 0; i <= 128; i++) {
        add(&r, (double)i, 1, 0, 1);
        add(&r, 1000, 1, 1, 1);         /* unsafe answers have no say */
    }
    normal = learned(MID__NORMAL_RANK, &r);
    for (i = 0; i < sizeof s / sizeof s[0]; i++)
        CHECK_NEAR(mid__normal_of(normal, 0, s[i], 1), want[i], 1e-12);
    CHECK_NEAR(mid__normal_of(normal, 0, 64, 500), 0.5, 1e-12);        /* no rows there: those of the bands before */
    free(normal);
}

/* What equals safe scores stands in their middle: of the quantiles 0 .. 62 are .1, three lie between, 66 .. 128 are .7.
 * So it is though neither number is one in float32. A constant is in the middle of all. */
TEST(normal, rank_of_ties)
{
    static struct rows two, one;
    mid__normal *normal;
    int i;

    for (i = 0; i < 40; i++) {
        add(&two, i < 20 ? 0.1 : 0.7, 1, 0, 1);
        add(&one, 0.1, 1, 0, 1);
    }
    normal = learned(MID__NORMAL_RANK, &two);
    CHECK_NEAR(mid__normal_of(normal, 0, 0.1, 1), 31 / 128.0, 1e-12);
    CHECK_NEAR(mid__normal_of(normal, 0, 0.7, 1), 97 / 128.0, 1e-12);
    CHECK_NEAR(mid__normal_of(normal, 0, 0.0999, 1), 0, 0);
    CHECK(mid__normal_of(normal, 0, 0.701, 1) > 1);
    free(normal);
    normal = learned(MID__NORMAL_RANK, &one);
    CHECK_NEAR(mid__normal_of(normal, 0, 0.1, 1), 0.5, 1e-12);
    CHECK_NEAR(mid__normal_of(normal, 0, 0.2, 1), 1.01, 1e-6);          /* no width: a tenth for each unit */
    free(normal);
    normal = learned(MID__NORMAL_Z, &one);
    CHECK_NEAR(mid__normal_of(normal, 0, 0.1, 1), 0, 0);
    free(normal);
}

/* ---- isotonic ---------------------------------------------------------------------------------------------------- */

/* 1: safe; 2 unsafe, 3 safe: out of order, so one block of 1/2 at 2.5; 4 unsafe. Straight in between. */
TEST(normal, isotonic_by_hand)
{
    static const double s[] = { -9, 1, 1.75, 2.5, 3.25, 4, 9 }, want[] = { 0, 0, 0.25, 0.5, 0.75, 1, 1 };
    static struct rows r;
    mid__normal *normal;
    size_t i;

    add(&r, 3, 1, 0, 1);
    add(&r, 1, 2, 0, 1);
    add(&r, NAN, 2, 1, 1);
    add(&r, 4, 4, 1, 1);
    add(&r, 2, 8, 1, 1);
    normal = learned(MID__NORMAL_ISOTONIC, &r);
    for (i = 0; i < sizeof s / sizeof s[0]; i++)
        CHECK_NEAR(mid__normal_of(normal, 0, s[i], (uint32_t)(1 + i)), want[i], 1e-12);
    free(normal);
}

/* Weights count: at 1 a quarter is unsafe, at 5 and 7 together a quarter too, so all are one block, at (1 + 5 + 21) /
 * 5. */
TEST(normal, isotonic_by_weight)
{
    static struct rows r;
    mid__normal *normal;

    add(&r, 1, 1, 1, 0.25);
    add(&r, 1, 1, 0, 0.75);
    add(&r, 5, 1, 1, 1);
    add(&r, 7, 1, 0, 3);
    normal = learned(MID__NORMAL_ISOTONIC, &r);
    CHECK_INT(normal->member[0].n_row, 1);
    CHECK_NEAR(mid__normal_of(normal, 0, -1, 1), 0.25, 1e-12);
    CHECK_NEAR(mid__normal_of(normal, 0, 9, 1), 0.25, 1e-12);
    add(&r, 8, 1, 1, 1);
    free(normal);
    normal = learned(MID__NORMAL_ISOTONIC, &r);
    CHECK_NEAR(mid__normal_of(normal, 0, 8, 1), 1, 1e-12);
    CHECK_NEAR(mid__normal_of(normal, 0, (5.4 + 8) / 2, 1), 0.625, 1e-6);
    free(normal);
}

/* 600 rising blocks are thinned to 512: the ends stay, and what was left out is straight between its neighbours. */
TEST(normal, isotonic_of_many_blocks)
{
    static struct rows r;
    mid__normal *normal;
    int i;

    for (i = 0; i <= 600; i++) {
        add(&r, i, 1, 1, i / 600.0);
        add(&r, i, 1, 0, 1 - i / 600.0);
    }
    normal = learned(MID__NORMAL_ISOTONIC, &r);
    CHECK_INT(normal->member[0].n_row, 512);
    for (i = 0; i <= 600; i++)
        CHECK_NEAR(mid__normal_of(normal, 0, i, 1), i / 600.0, 1e-6);
    free(normal);
}

/* ---- all three --------------------------------------------------------------------------------------------------- */

static void scatter(struct rows *r, mid__rng *rng, bool whole)
{
    int i;

    r->as.n = 0;
    for (i = 0; i < 400; i++) {
        const double u = 8 * mid__rng_unit(rng);
        add(r, whole ? floor(u) : u, 1u << mid__rng_below(rng, 8), mid__rng_unit(rng) < u / 8, mid__rng_unit(rng));
    }
}

/* Rising in s at every position, and the same whatever the order of the rows. */
TEST(normal, rises_whatever_the_order)
{
    static const uint64_t seed = 20260303;
    static struct rows r, turned;
    mid__rng rng;
    int draw, kind, i;
    uint32_t t;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (draw = 0; draw < 10; draw++) {
        scatter(&r, &rng, draw % 2);
        turned.as.n = 0;
        for (i = (int)r.as.n - 1; i >= 0; i--)
            add(&turned, r.score[i], r.t[i], r.label[i], r.weight[i]);
        for (kind = MID__NORMAL_Z; kind <= MID__NORMAL_ISOTONIC; kind++) {
            mid__normal *a = learned((mid__normal_kind)kind, &r), *b = learned((mid__normal_kind)kind, &turned);
            for (t = 1; t <= 256; t *= 2) {
                double before = -INFINITY, s, x;
                for (s = -2; s < 10; s += 0.0625) {
                    x = mid__normal_of(a, 0, s, t);
                    CHECK(isfinite(x) && x >= before);
                    CHECK_NEAR(x, mid__normal_of(b, 0, s, t), 1e-6);
                    before = x;
                }
            }
            free(a);
            free(b);
        }
    }
}

/* Numbers beyond float32 do no more than the largest of it. */
TEST(normal, enormous_scores)
{
    static struct rows r;
    int kind, i;

    for (i = 0; i < 40; i++)
        add(&r, i % 4 == 0 ? 1e300 : i % 4 == 1 ? -1e300 : i, 1, i % 2, 1);
    for (kind = MID__NORMAL_Z; kind <= MID__NORMAL_ISOTONIC; kind++) {
        mid__normal *normal = learned((mid__normal_kind)kind, &r);
        CHECK(isfinite(mid__normal_of(normal, 0, 1e305, 1)));
        CHECK(isfinite(mid__normal_of(normal, 0, -1e305, 1)));
        CHECK(isfinite(mid__normal_of(normal, 0, 3, 1)));
        free(normal);
    }
}

TEST(normal, rows_in_place)
{
    static struct rows r;
    mid__normal *normal;

    add(&r, 1, 1, 0, 1);
    add(&r, 3, 1, 1, 1);
    add(&r, NAN, 1, 1, 1);
    normal = learned(MID__NORMAL_Z, &r);
    mid__normal_rows(normal, &r.as, r.as.score);
    CHECK_NEAR(r.score[0], -1, 1e-12);
    CHECK_NEAR(r.score[1], 1, 1e-12);
    CHECK(isnan(r.score[2]));
    free(normal);
}

TEST(normal, nothing_to_compare_by)
{
    static struct rows silent, unsafe;
    mid_weights *w;
    int kind;

    add(&silent, NAN, 1, 0, 1);
    add(&silent, NAN, 1, 1, 1);
    add(&unsafe, NAN, 1, 0, 1);
    add(&unsafe, 2, 1, 1, 1);
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    for (kind = MID__NORMAL_Z; kind <= MID__NORMAL_ISOTONIC; kind++) {
        CHECK_FAILS(mid__normal_learn(test_ctx(), (mid__normal_kind)kind, &one_set, &silent.as, w), MID_EUNDEFINED);
        CHECK_SAYS("member 0 has no score");
    }
    CHECK_FAILS(mid__normal_learn(test_ctx(), MID__NORMAL_RANK, &one_set, &unsafe.as, w), MID_EUNDEFINED);
    CHECK_SAYS("any safe answer");
    mid_weights_close(w);
}

/* ---- strangers --------------------------------------------------------------------------------------------------- */

static void refused(mid__normal_kind kind, const float *x, size_t n_row, size_t n_col)
{
    mid__normal *normal = NULL;
    mid_weights *w;

    print_message("  %s, %zu rows of %zu\n", kind_name[kind], n_row, n_col);
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_FAILS(mid__normal_open(test_ctx(), kind, w, 1, &normal), MID_EFORMAT);
    CHECK_OK(mid_weights_set(test_ctx(), w, "normal.0", x, n_row, n_col));
    CHECK_FAILS(mid__normal_open(test_ctx(), kind, w, 1, &normal), MID_EFORMAT);
    CHECK_SAYS("normal.0");
    CHECK(normal == NULL);
    mid_weights_close(w);
}

TEST(normal, refuses_strangers)
{
    static float x[MID__N_BAND * N_QUANTILE + 1200];
    static const float outside[] = { 0, 0.5f, 1, 1.5f }, below[] = { 0, -0.1f, 1, 0.5f };
    static const float falling[] = { 0, 0.5f, 1, 0.25f }, back[] = { 1, 0.25f, 0, 0.5f };
    size_t i;

    refused(MID__NORMAL_Z, x, 8, 2);                    /* no deviation may be 0 */
    for (i = 0; i < 16; i++)
        x[i] = 1;
    refused(MID__NORMAL_Z, x, 7, 2);
    refused(MID__NORMAL_Z, x, 8, 3);
    refused(MID__NORMAL_Z, x, 16, 1);
    x[7] = -1;
    refused(MID__NORMAL_Z, x, 8, 2);
    memset(x, 0, sizeof x);
    refused(MID__NORMAL_RANK, x, 8, N_QUANTILE - 1);
    refused(MID__NORMAL_RANK, x, 9, N_QUANTILE);
    x[3 * N_QUANTILE + 5] = 1;                          /* falls after it */
    refused(MID__NORMAL_RANK, x, 8, N_QUANTILE);
    refused(MID__NORMAL_ISOTONIC, outside, 2, 2);
    refused(MID__NORMAL_ISOTONIC, below, 2, 2);
    refused(MID__NORMAL_ISOTONIC, falling, 2, 2);
    refused(MID__NORMAL_ISOTONIC, back, 2, 2);
    refused(MID__NORMAL_ISOTONIC, falling, 1, 4);
    memset(x, 0, sizeof x);
    refused(MID__NORMAL_ISOTONIC, x, 513, 2);
}
