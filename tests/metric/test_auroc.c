/* AUROC. Golden numbers by hand from pairs; properties on random scores with many ties. */
#include "test.h"

#include "base/rng.h"

enum { SEED = 20240611 };

TEST(auroc, golden)
{
    static const double score[] = { 0.1, 0.4, 0.35, 0.8 };
    static const uint8_t label[] = { 0, 0, 1, 1 };
    double value;

    CHECK_OK(mid_auroc(test_ctx(), score, label, 4, &value));
    CHECK_NEAR(value, 0.75, 0);                             /* 3 of 4 pairs */
}

TEST(auroc, ties_count_one_half)
{
    static const double score[] = { 1, 1, 1, 2, 0.0, -0.0 };
    static const uint8_t label[] = { 1, 0, 0, 1, 1, 0 };
    double value;

    CHECK_OK(mid_auroc(test_ctx(), score, label, 6, &value));
    CHECK_NEAR(value, (2.0 + 3.0 + 0.5) / 9, 1e-15);        /* unsafe 1: two ties, one won; 2: all; 0 ties with -0 */
    CHECK_OK(mid_auroc(test_ctx(), score, label, 3, &value));
    CHECK_NEAR(value, 0.5, 0);
}

TEST(auroc, infinities_are_scores)
{
    static const double score[] = { -INFINITY, -INFINITY, INFINITY };
    static const uint8_t label[] = { 0, 1, 1 };
    double value;

    CHECK_OK(mid_auroc(test_ctx(), score, label, 3, &value));
    CHECK_NEAR(value, 0.75, 0);
}

TEST(auroc, bad_input)
{
    static const double score[] = { 0.5, NAN, 0.25 };
    static const uint8_t label[] = { 0, 1, 2 };
    double value = 42;

    CHECK_FAILS(mid_auroc(test_ctx(), score, label, 1, &value), MID_EUNDEFINED);
    CHECK_SAYS("1 safe and 0 unsafe");
    CHECK_FAILS(mid_auroc(test_ctx(), score, label, 0, &value), MID_EUNDEFINED);
    CHECK_FAILS(mid_auroc(test_ctx(), score, label, 2, &value), MID_ENUMERIC);
    CHECK_SAYS("score 1 of 2");
    CHECK_FAILS(mid_auroc(test_ctx(), score + 2, label + 2, 1, &value), MID_EINVAL);
    CHECK_SAYS("label 0 of 1 is 2");
    CHECK_FAILS(mid_auroc(test_ctx(), score, label, (size_t)1 << 40, &value), MID_ELIMIT);
    CHECK_NEAR(value, 42, 0);
}

/* Scores with ties, both classes present. */
static void fill(mid__rng *rng, double *score, uint8_t *label, size_t n, uint32_t n_value)
{
    size_t i;

    for (i = 0; i < n; i++) {
        label[i] = i < 2 ? (uint8_t)i : (uint8_t)mid__rng_below(rng, 2);
        score[i] = mid__rng_below(rng, n_value) + 0.5 * label[i];
    }
}

static double by_pairs(const double *score, const uint8_t *label, size_t n)
{
    double won = 0, n_pair = 0;
    size_t i, j;

    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++)
            if (label[i] == 1 && label[j] == 0) {
                won += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
                n_pair += 1;
            }
    return won / n_pair;
}

TEST(auroc, properties)
{
    enum { N = 60 };
    double score[N], turned[N], mapped[N], a, b, c;
    uint8_t label[N];
    mid__rng rng;
    int i_case, i;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i_case = 0; i_case < 200; i_case++) {
        const size_t n = 2 + mid__rng_below(&rng, N - 1);
        fill(&rng, score, label, n, 1 + mid__rng_below(&rng, 30));
        for (i = 0; i < (int)n; i++) {
            turned[i] = -score[i];
            mapped[i] = exp(score[i] / 7) - 3;
        }
        CHECK_OK(mid_auroc(test_ctx(), score, label, n, &a));
        CHECK_OK(mid_auroc(test_ctx(), turned, label, n, &b));
        CHECK_OK(mid_auroc(test_ctx(), mapped, label, n, &c));
        CHECK_NEAR(a, by_pairs(score, label, n), 1e-15);
        CHECK_NEAR(b, 1 - a, 1e-15);
        CHECK_NEAR(c, a, 0);                                /* only the order counts */
    }
}

TEST(auroc, resampled)
{
    static const double score[] = { 0.1, 0.4, 0.35, 0.8 };
    static const uint8_t label[] = { 0, 0, 1, 1 };
    static const uint32_t index[] = { 0, 1, 2, 3, 1, 1, 1, 2, 0, 1, 1, 0, 3, 2, 1, 1 }, wrong[] = { 0, 1, 2, 4 };
    double value[4] = { 0 };

    CHECK_OK(mid_auroc_resampled(test_ctx(), score, label, 4, index, 4, value));
    CHECK_NEAR(value[0], 0.75, 0);                          /* as it is */
    CHECK_NEAR(value[1], 0, 0);                             /* .35 against .4 three times */
    CHECK(isnan(value[2]));                                 /* no unsafe answer drawn */
    CHECK_NEAR(value[3], 0.5, 0);                           /* .8 wins both, .35 none */
    CHECK_FAILS(mid_auroc_resampled(test_ctx(), score, label, 4, wrong, 1, value), MID_EINVAL);
    CHECK_SAYS("draw 0 names answer 4 of 4");
    CHECK_NEAR(value[0], 0.75, 0);
}

TEST(auroc, resampled_is_auroc_of_the_resample)
{
    enum { N = 40, N_DRAW = 50 };
    double score[N], drawn[N], value[N_DRAW], want;
    uint8_t label[N], drawn_label[N];
    uint32_t index[N_DRAW * N];
    mid__rng rng;
    size_t i, j;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 1);
    fill(&rng, score, label, N, 9);
    for (i = 0; i < (size_t)N_DRAW * N; i++)
        index[i] = mid__rng_below(&rng, N);
    CHECK_OK(mid_auroc_resampled(test_ctx(), score, label, N, index, N_DRAW, value));
    for (i = 0; i < N_DRAW; i++) {
        for (j = 0; j < N; j++) {
            drawn[j] = score[index[i * N + j]];
            drawn_label[j] = label[index[i * N + j]];
        }
        CHECK_OK(mid_auroc(test_ctx(), drawn, drawn_label, N, &want));
        CHECK_NEAR(value[i], want, 0);
    }
}
