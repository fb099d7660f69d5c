/* Ranks over data sets: the worked example and the table of critical values of Demsar 2006, and ties by hand. */
#include "test.h"

#include "base/rng.h"
#include "metric/friedman.h"
#include "midstream/metric.h"

/* AUC of four C4.5 variants on 14 data sets, Demsar 2006, table 6; his text has the ranks, 9.28, 3.69 and 1.25. The
 * 13th set shows .975 twice with ranks 2 and 3: the fourth digit is ours. */
static const double auc[14][4] = {
    { .763, .768, .771, .798 }, { .599, .591, .590, .569 }, { .954, .971, .968, .967 }, { .628, .661, .654, .657 },
    { .882, .888, .886, .898 }, { .936, .931, .916, .931 }, { .661, .668, .609, .685 }, { .583, .583, .563, .625 },
    { .775, .838, .866, .875 }, { 1, 1, 1, 1 }, { .940, .962, .965, .962 }, { .619, .666, .614, .669 },
    { .972, .981, .9751, .975 }, { .957, .978, .946, .970 },
};

TEST(friedman, golden_demsar)
{
    /* Ties: four alike once, two three times: 60 + 3 x 6 of 14 x 60. */
    const double untied = 1 - 78 / 840.0;
    double rank[4];
    mid_friedman f;

    CHECK_OK(mid_friedman_of(test_ctx(), &auc[0][0], 14, 4, 0.05, rank, &f));
    CHECK_NEAR(rank[0], 3.143, 5e-4);
    CHECK_NEAR(rank[1], 2.000, 5e-4);
    CHECK_NEAR(rank[2], 2.893, 5e-4);
    CHECK_NEAR(rank[3], 1.964, 5e-4);
    CHECK_NEAR(f.chi2 * untied, 9.28, 5e-3);
    CHECK_NEAR(13 * f.chi2 * untied / (14 * 3 - f.chi2 * untied), 3.69, 5e-3);
    CHECK_NEAR(f.cd, 1.25, 5e-3);
    CHECK(f.p_f < f.p_chi2 && f.p_chi2 < 0.05);
    CHECK_OK(mid_friedman_of(test_ctx(), &auc[0][0], 14, 4, 0.1, rank, &f));
    CHECK_NEAR(f.cd, 1.12, 5e-3);
}

/* Demsar 2006, table 5a: q_alpha = CD / sqrt(k (k + 1) / (6 N)). */
TEST(friedman, golden_critical_values)
{
    static const double at_05[] = { 1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164 };
    static const double at_10[] = { 1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920 };
    double value[2 * 10] = { 0 }, rank[10];
    mid_friedman f;
    size_t k;

    for (k = 2; k <= 10; k++) {
        const double unit = sqrt((double)(k * (k + 1)) / 12);
        CHECK_OK(mid_friedman_of(test_ctx(), value, 2, k, 0.05, rank, &f));
        CHECK_NEAR(f.cd / unit, at_05[k - 2], 1.1e-3);      /* his are rounded from a table of two decimals */
        CHECK_OK(mid_friedman_of(test_ctx(), value, 2, k, 0.1, rank, &f));
        CHECK_NEAR(f.cd / unit, at_10[k - 2], 1.1e-3);
    }
}

/* By hand: 3 methods that two sets rank alike: chi2 = N (k - 1) = 4. */
TEST(friedman, agreement_and_ties)
{
    const double alike[] = { 3, 2, 1, 9, 8, 7 }, tied[] = { 1, 1, 1, 1, 1, 1 };
    double rank[3];
    mid_friedman f;

    CHECK_OK(mid_friedman_of(test_ctx(), alike, 2, 3, 0.05, rank, &f));
    CHECK_NEAR(f.chi2, 4, 1e-12);
    CHECK_NEAR(f.p_chi2, exp(-2), 1e-13);
    CHECK(f.f == INFINITY && f.p_f == 0);
    CHECK_NEAR(rank[0], 1, 0);
    CHECK_NEAR(rank[2], 3, 0);
    CHECK_OK(mid_friedman_of(test_ctx(), tied, 2, 3, 0.05, rank, &f));
    CHECK(isnan(f.chi2) && isnan(f.p_chi2) && isnan(f.p_f));
    CHECK_NEAR(rank[1], 2, 0);
}

TEST(friedman, cliques)
{
    const double rank[] = { 1, 1.5, 2.4, 2.6, 5 };
    mid__clique c[5];

    CHECK_INT(mid__cliques(rank, 5, 1.5, c), 2);            /* 1 .. 2.4 and 1.5 .. 2.6 */
    CHECK_INT(c[0].first, 0);
    CHECK_INT(c[0].last, 2);
    CHECK_INT(c[1].first, 1);
    CHECK_INT(c[1].last, 3);
    CHECK_INT(mid__cliques(rank, 5, 9, c), 1);
    CHECK_INT(c[0].last, 4);
    CHECK_INT(mid__cliques(rank, 5, 0.1, c), 0);
    CHECK_INT(mid__cliques(rank, 0, 1, c), 0);
}

/* Methods that do not differ are called different in about alpha of all cases. */
TEST(friedman, keeps_its_level)
{
    enum { SEED = 12, N_CASE = 2000, N_SET = 8, K = 5 };
    double value[N_SET * K], rank[K];
    size_t i, j, n_found = 0;
    mid_friedman f;
    mid__rng rng;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i = 0; i < N_CASE; i++) {
        for (j = 0; j < N_SET * K; j++)
            value[j] = mid__rng_unit(&rng);
        CHECK_OK(mid_friedman_of(test_ctx(), value, N_SET, K, 0.05, rank, &f));
        n_found += f.p_f <= 0.05;
    }
    CHECK_NEAR((double)n_found / N_CASE, 0.05, 0.02);       /* 4 sigma of the count, and what the F law is off by */
}

TEST(friedman, bad_input)
{
    const double value[] = { 1, 2, 3, NAN };
    double rank[2];
    mid_friedman f;

    CHECK_FAILS(mid_friedman_of(test_ctx(), value, 1, 2, 0.05, rank, &f), MID_EUNDEFINED);
    CHECK_SAYS("2 methods over 1 data sets");
    CHECK_FAILS(mid_friedman_of(test_ctx(), value, 2, 2, 0.05, rank, &f), MID_ENUMERIC);
    CHECK_SAYS("method 1 on data set 1");
    CHECK_FAILS(mid_friedman_of(test_ctx(), value, 2, 2, 0, rank, &f), MID_EINVAL);
}
