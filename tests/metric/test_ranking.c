/* mid_ranking_of: equal to the single figures, and its intervals equal to a bootstrap done by hand, by listing the
 * answers of every drawn group. */
#include "test.h"

#include "base/rng.h"

enum { SEED = 5150, N_GROUP = 150, PER_GROUP = 4, N = N_GROUP * PER_GROUP };

static double score[N];
static uint8_t label[N];
static uint32_t group[N];

/* Answer i belongs to prompt i % N_GROUP; about a quarter unsafe; many ties. */
static void fill(void)
{
    mid__rng rng;
    size_t i;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i = 0; i < N; i++) {
        group[i] = 1000000 + 3 * (uint32_t)(i % N_GROUP);       /* any numbers, in the order of the prompts */
        label[i] = mid__rng_below(&rng, 4) == 0;
        score[i] = mid__rng_below(&rng, 40) + 12 * label[i] + 0.25 * (double)(group[i] % 7);
    }
}

TEST(ranking, values_are_the_single_figures)
{
    mid_ranking r;
    double auroc, auprc, tpr5;
    size_t i, n_unsafe = 0;

    fill();
    for (i = 0; i < N; i++)
        n_unsafe += label[i];
    CHECK_OK(mid_ranking_of(test_ctx(), score, label, group, N, NULL, &r));
    CHECK_OK(mid_auroc(test_ctx(), score, label, N, &auroc));
    CHECK_OK(mid_auprc(test_ctx(), score, label, N, &auprc));
    CHECK_OK(mid_tpr_at_fpr(test_ctx(), score, label, N, 0.05, &tpr5));
    CHECK_INT(r.n, N);
    CHECK_INT(r.n_unsafe, n_unsafe);
    CHECK_INT(r.n_group, N_GROUP);
    CHECK_NEAR(r.auroc.value, auroc, 0);
    CHECK_NEAR(r.auprc.value, auprc, 0);
    CHECK_NEAR(r.tpr_at_fpr5.value, tpr5, 0);
    CHECK(isnan(r.tpr_at_fpr1.value) && strstr(r.tpr_at_fpr1.why, "500"));
    CHECK(isnan(r.auroc.lo) && isnan(r.auroc.hi) && !r.auroc.why);      /* no bootstrap asked for */
}

/* One draw, answers listed: the weights inside must come to the same. */
static size_t list_draw(uint32_t i_draw, double *drawn_score, uint8_t *drawn_label)
{
    mid__rng rng;
    size_t n = 0;
    int g, k;

    mid__rng_init(&rng, SEED, i_draw);
    for (g = 0; g < N_GROUP; g++) {
        const uint32_t drawn = mid__rng_below(&rng, N_GROUP);
        for (k = 0; k < PER_GROUP; k++, n++) {
            drawn_score[n] = score[drawn + (uint32_t)(k * N_GROUP)];
            drawn_label[n] = label[drawn + (uint32_t)(k * N_GROUP)];
        }
    }
    return n;
}

TEST(ranking, interval_is_a_bootstrap_over_groups)
{
    enum { N_DRAW = 200 };
    static double auroc[N_DRAW], auprc[N_DRAW], tpr5[N_DRAW], drawn_score[N];
    static uint8_t drawn_label[N];
    const mid_boot boot = { .seed = SEED, .n_draw = N_DRAW };
    mid_ranking r;
    uint32_t i;

    fill();
    CHECK_OK(mid_ranking_of(test_ctx(), score, label, group, N, &boot, &r));
    for (i = 0; i < N_DRAW; i++) {
        const size_t n = list_draw(i, drawn_score, drawn_label);
        CHECK_OK(mid_auroc(test_ctx(), drawn_score, drawn_label, n, &auroc[i]));
        CHECK_OK(mid_auprc(test_ctx(), drawn_score, drawn_label, n, &auprc[i]));
        CHECK_OK(mid_tpr_at_fpr(test_ctx(), drawn_score, drawn_label, n, 0.05, &tpr5[i]));
    }
    CHECK_NEAR(r.auroc.lo, mid_quantile(auroc, N_DRAW, 0.025), 0);
    CHECK_NEAR(r.auroc.hi, mid_quantile(auroc, N_DRAW, 0.975), 0);
    CHECK_NEAR(r.auprc.lo, mid_quantile(auprc, N_DRAW, 0.025), 0);
    CHECK_NEAR(r.auprc.hi, mid_quantile(auprc, N_DRAW, 0.975), 0);
    CHECK_NEAR(r.tpr_at_fpr5.lo, mid_quantile(tpr5, N_DRAW, 0.025), 0);
    CHECK_NEAR(r.tpr_at_fpr5.hi, mid_quantile(tpr5, N_DRAW, 0.975), 0);
    CHECK(r.auroc.lo < r.auroc.value && r.auroc.value < r.auroc.hi);
    CHECK(isnan(r.tpr_at_fpr1.lo) && isnan(r.tpr_at_fpr1.hi));
}

/* Two scores over the same groups see the same draws: a score and its double have the same interval, one turned round
 * the mirrored one. */
TEST(ranking, draws_are_shared)
{
    static double turned[N];
    const mid_boot boot = { .seed = SEED, .n_draw = 300 };
    mid_ranking a, b;
    size_t i;

    fill();
    for (i = 0; i < N; i++)
        turned[i] = -2 * score[i];
    CHECK_OK(mid_ranking_of(test_ctx(), score, label, group, N, &boot, &a));
    CHECK_OK(mid_ranking_of(test_ctx(), turned, label, group, N, &boot, &b));
    CHECK_NEAR(b.auroc.lo, 1 - a.auroc.hi, 1e-14);
    CHECK_NEAR(b.auroc.hi, 1 - a.auroc.lo, 1e-14);
}

TEST(ranking, one_class_or_nothing)
{
    static const uint8_t safe[] = { 0, 0 }, unsafe[] = { 1, 1 };
    const mid_boot boot = { .seed = 1, .n_draw = 200 };
    mid_ranking r;

    fill();
    CHECK_OK(mid_ranking_of(test_ctx(), score, safe, group, 2, &boot, &r));
    CHECK(isnan(r.auroc.value) && isnan(r.auroc.lo) && isnan(r.tpr_at_fpr1.value));
    CHECK_TEXT(r.auroc.why, "no unsafe answers");
    CHECK_TEXT(r.tpr_at_fpr1.why, "no unsafe answers");
    CHECK_OK(mid_ranking_of(test_ctx(), score, unsafe, group, 2, &boot, &r));
    CHECK_TEXT(r.auprc.why, "no safe answers");
    CHECK_OK(mid_ranking_of(test_ctx(), NULL, NULL, NULL, 0, &boot, &r));
    CHECK_TEXT(r.auroc.why, "no unsafe answers");
    CHECK_INT(r.n_group, 0);
}

/* One unsafe answer among 11 prompts: a draw misses it with probability (10/11)^11 = .35. */
TEST(ranking, draws_of_one_class_are_left_out)
{
    double s[] = { 5, 0, 1, 2, 3, 4, 6, 7, 8, 9, 10 };
    static const uint8_t y[11] = { 1 };
    static const uint32_t g[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
    const mid_boot boot = { .seed = 3, .n_draw = 400 };
    mid_ranking r;

    CHECK_OK(mid_ranking_of(test_ctx(), s, y, g, 11, &boot, &r));
    CHECK_NEAR(r.auroc.value, 0.5, 0);
    CHECK(r.auroc.lo > 0 && r.auroc.lo < 0.5 && r.auroc.hi > 0.5 && r.auroc.hi < 1);
    s[0] = 99;                                  /* above all others in every draw: an interval of no width is none */
    CHECK_OK(mid_ranking_of(test_ctx(), s, y, g, 11, &boot, &r));
    CHECK_NEAR(r.auroc.value, 1, 0);
    CHECK(isnan(r.auroc.lo) && isnan(r.auroc.hi) && !r.auroc.why);
    s[0] = 5;
    CHECK_OK(mid_ranking_of(test_ctx(), s, y, g, 9, &boot, &r));
    CHECK(isfinite(r.auroc.value) && isnan(r.auroc.lo));        /* 9 prompts are too few */
}

TEST(ranking, bad_input)
{
    double s[] = { 1, NAN };
    static const uint8_t y[] = { 0, 1 }, wrong[] = { 0, 7 };
    static const uint32_t g[] = { 0, 1 };
    mid_ranking r = { .n = 42 };

    CHECK_FAILS(mid_ranking_of(test_ctx(), s, y, g, 2, NULL, &r), MID_ENUMERIC);
    s[1] = 2;
    CHECK_FAILS(mid_ranking_of(test_ctx(), s, wrong, g, 2, NULL, &r), MID_EINVAL);
    CHECK_INT(r.n, 42);
}
