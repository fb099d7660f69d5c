/* Trees by hand and from files; against XGBoost's own predictions where it is at hand. */
#include "test.h"

#include <dlfcn.h>

#include "base/rng.h"
#include "learn/boost.h"

static const uint64_t seed = 20260217;

/* Two trees over two features: the first asks x_0 < 1/2, then, on the other side, x_1 < 2, where a missing one goes
 * left; the second is a leaf. */
static float by_hand[][MID__TREE_N] = {
    { 0, 0.5f, 1, 2, 2 }, { -1, 10, 0, 0, 0 }, { 1, 2, 3, 4, 3 }, { -1, 20, 0, 0, 0 }, { -1, 30, 0, 0, 0 },
    { -1, 1, 0, 0, 0 },
};
static float root[] = { 0, 5 };

TEST(boost, walk_by_hand)
{
    static const float x[][2] = { { 0.4f, 9 }, { 0.5f, 1 }, { 7, 2 }, { NAN, 5 }, { 1, NAN }, { NAN, NAN } };
    static const double want[] = { 11, 21, 31, 31, 21, 21 };
    const mid__trees trees = { 2, 6, root, by_hand[0] };
    size_t i;

    CHECK_OK(mid__trees_check(test_ctx(), &trees, 2));
    for (i = 0; i < 6; i++)
        CHECK_NEAR(mid__trees_sum(&trees, 2, x[i]), want[i], 0);
    CHECK_NEAR(mid__trees_sum(&trees, 1, x[0]), 10, 0);
    CHECK_NEAR(mid__trees_sum(&trees, 0, x[0]), 0, 0);
}

/* One number changed at a time: indices that are none, that lead back or out, features that are not there. */
TEST(boost, strangers_trees_are_refused)
{
    static const struct { size_t node, column; float value; const char *says; } bad[] = {
        { 0, MID__TREE_FEATURE, 2, "feature 2 of 2" }, { 0, MID__TREE_FEATURE, 0.5f, "feature 0.5" },
        { 0, MID__TREE_FEATURE, -2, "feature -2" }, { 0, MID__TREE_LESS, 0, "node 0 goes on with node 0" },
        { 2, MID__TREE_OTHER, 1, "node 2 goes on with node 1" },
        { 2, MID__TREE_MISSING, 6, "node 2 goes on with node 6" },
        { 2, MID__TREE_LESS, 3.5f, "node 2 goes on with node 3.5" },
        { 0, MID__TREE_MISSING, -1, "node 0 goes on with node -1" },
        { 0, MID__TREE_LESS, 1e30f, "node 0 goes on with" },
    };
    static const float bad_root[] = { 6, -1, 0.5f, 1e30f };
    mid__trees trees = { 2, 6, root, by_hand[0] };
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        float *number = &by_hand[bad[i].node][bad[i].column];
        const float kept = *number;
        *number = bad[i].value;
        CHECK_FAILS(mid__trees_check(test_ctx(), &trees, 2), MID_EFORMAT);
        CHECK_SAYS(bad[i].says);
        *number = kept;
    }
    for (i = 0; i < sizeof bad_root / sizeof bad_root[0]; i++) {
        root[1] = bad_root[i];
        CHECK_FAILS(mid__trees_check(test_ctx(), &trees, 2), MID_EFORMAT);
        CHECK_SAYS("tree 1 begins at");
        root[1] = 5;
    }
    trees.n_node = (size_t)MID__TREE_NODE_MAX + 1;
    CHECK_FAILS(mid__trees_check(test_ctx(), &trees, 2), MID_EFORMAT);
}

/* ---- with XGBoost ------------------------------------------------------------------------------------------------ */

enum { N = 300, D = 4 };

/* Rows with missing values and ties, whose label is a product of signs. */
static void make_rows(float *x, uint8_t *label, double *weight)
{
    mid__rng rng;
    int i, j;

    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < N; i++) {
        for (j = 0; j < D; j++) {
            const float v = (float)(4 * mid__rng_unit(&rng) - 2);
            x[i * D + j] = mid__rng_unit(&rng) < 0.1 ? NAN : j == 2 ? rintf(v) : v;
        }
        label[i] = (x[i * D] > 0) != (x[i * D + 1] > 0 && mid__rng_unit(&rng) < 0.9);
        weight[i] = 1.0 / (1 + mid__rng_below(&rng, 8));
    }
}

static void needs_xgboost(void)
{
    if (mid__boost_check(test_ctx()) == MID_OK)
        return;
    CHECK_SAYS("apt-get install libxgboost-dev");
    print_message("skipped: %s\n", mid_ctx_message(test_ctx()));
    skip();
}

static void *function(void *object, const char *name)
{
    void *f = dlsym(object, name);

    assert_non_null(f);
    return f;
}

/* XGBoost's own logits (N) for the same training. */
static void theirs(const float *x, const uint8_t *label, const double *weight, const mid__boost_opts *opts,
                   float *logit)
{
    void *object = dlopen("libxgboost.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE), *rows, *booster;
    int (*create)(const float *, uint64_t, uint64_t, float, void **);
    int (*info)(void *, const char *, const float *, uint64_t), (*boost)(void *const *, uint64_t, void **);
    int (*set)(void *, const char *, const char *), (*step)(void *, int, void *);
    int (*predict)(void *, void *, int, unsigned, int, uint64_t *, const float **), (*drop)(void *);
    const char *param[][2] = { { "objective", "binary:logistic" }, { "base_score", "0.5" }, { "tree_method", "exact" },
                               { "nthread", "1" }, { "max_depth", NULL }, { "eta", NULL } };
    char depth[16], rate[16];
    float y[N], w[N];
    const float *out;
    uint64_t n;
    int i;

    assert_non_null(object);
#define GET(f, name) do { void *p_ = function(object, name); memcpy(&f, &p_, sizeof f); } while (0)
    GET(create, "XGDMatrixCreateFromMat");
    GET(info, "XGDMatrixSetFloatInfo");
    GET(boost, "XGBoosterCreate");
    GET(set, "XGBoosterSetParam");
    GET(step, "XGBoosterUpdateOneIter");
    GET(predict, "XGBoosterPredict");
    for (i = 0; i < N; i++) {
        y[i] = label[i];
        w[i] = (float)weight[i];
    }
    snprintf(depth, sizeof depth, "%d", opts->depth);
    snprintf(rate, sizeof rate, "%g", opts->rate);
    param[4][1] = depth;
    param[5][1] = rate;
    CHECK_INT(create(x, N, D, NAN, &rows), 0);
    CHECK_INT(info(rows, "label", y, N), 0);
    CHECK_INT(info(rows, "weight", w, N), 0);
    CHECK_INT(boost(&rows, 1, &booster), 0);
    for (i = 0; i < 6; i++)
        CHECK_INT(set(booster, param[i][0], param[i][1]), 0);
    for (i = 0; i < opts->n_round; i++)
        CHECK_INT(step(booster, i, rows), 0);
    CHECK_INT(predict(booster, rows, 1, 0, 0, &n, &out), 0);        /* 1: logits */
    CHECK_INT(n, N);
    memcpy(logit, out, sizeof y);
    GET(drop, "XGBoosterFree");
    drop(booster);
    GET(drop, "XGDMatrixFree");
    drop(rows);
#undef GET
    dlclose(object);
}

/* Tree by tree, as float32 in XGBoost's order, our walk gives its logit to the bit; added up in double, as we do, it is
 * off by what float32 loses. The same training gives the same table. */
TEST(boost, gives_xgboosts_own_scores)
{
    static const mid__boost_opts opts[] = {
        { 1, 10, 0.1, 1 }, { 2, 30, 0.3, 1 }, { 3, 100, 0.1, 7 }, { 6, 50, 0.3, 1 },
    };
    static float x[N * D], logit[N];
    uint8_t label[N];
    double weight[N], worst = 0;
    mid__trees trees, again;
    size_t k, i;

    needs_xgboost();
    make_rows(x, label, weight);
    for (k = 0; k < sizeof opts / sizeof opts[0]; k++) {
        CHECK_OK(mid__boost_fit(test_ctx(), x, N, D, label, weight, &opts[k], &trees));
        CHECK_INT(trees.n_tree, opts[k].n_round);
        CHECK_OK(mid__trees_check(test_ctx(), &trees, D));
        theirs(x, label, weight, &opts[k], logit);
        for (i = 0; i < N; i++) {
            const double ours = mid__trees_sum(&trees, trees.n_tree, x + i * D);
            float sum = 0;
            size_t r;
            for (r = 0; r < trees.n_tree; r++) {
                const mid__trees one = { 1, trees.n_node, trees.root + r, trees.node };
                sum += (float)mid__trees_sum(&one, 1, x + i * D);
            }
            CHECK_NEAR(sum, logit[i], 0);
            worst = fmax(worst, fabs(ours - (double)logit[i]) / (1 + fabs(ours)));
        }
        CHECK_OK(mid__boost_fit(test_ctx(), x, N, D, label, weight, &opts[k], &again));
        CHECK_INT(again.n_node, trees.n_node);
        assert_memory_equal(again.node, trees.node, trees.n_node * MID__TREE_N * sizeof *trees.node);
        mid__trees_clear(&again);
        mid__trees_clear(&trees);
    }
    print_message("  seed %llu: in double at most %.2g off, relative\n", (unsigned long long)seed, worst);
    CHECK(worst < 1e-6);
}

/* One class is nothing to split on: a tree of one leaf. */
TEST(boost, one_class)
{
    static const mid__boost_opts opts = { 3, 5, 0.3, 1 };
    static float x[N * D];
    uint8_t label[N];
    double weight[N];
    mid__trees trees;

    needs_xgboost();
    make_rows(x, label, weight);
    memset(label, 1, sizeof label);
    CHECK_OK(mid__boost_fit(test_ctx(), x, N, D, label, weight, &opts, &trees));
    CHECK_OK(mid__trees_check(test_ctx(), &trees, D));
    CHECK(mid__trees_sum(&trees, trees.n_tree, x) > 0);
    mid__trees_clear(&trees);
}
