/* XGBoost (Chen & Guestrin 2016) is used through its C interface and for learning only: the trees come out of it as
 * JSON and go into a table of ours, so whoever scores with a fitted file needs no library. It is loaded when something
 * is fitted, not linked: a program that never boosts does not start it, and the build is the same with it or without.
 * Exact greedy splits, no sampling and one thread, so that nothing is left to chance. */
#include "learn/boost.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "yyjson.h"

/* Of xgboost/c_api.h, as it has been since version 1.0; 0 is success. */
struct library {
    void *object;
    int (*XGDMatrixCreateFromMat)(const float *, uint64_t, uint64_t, float, void **);
    int (*XGDMatrixSetFloatInfo)(void *, const char *, const float *, uint64_t);
    int (*XGDMatrixFree)(void *);
    int (*XGBoosterCreate)(void *const *, uint64_t, void **);
    int (*XGBoosterSetParam)(void *, const char *, const char *);
    int (*XGBoosterUpdateOneIter)(void *, int, void *);
    int (*XGBoosterDumpModelEx)(void *, const char *, int, const char *, uint64_t *, const char ***);
    int (*XGBoosterFree)(void *);
    const char *(*XGBGetLastError)(void);
};

/* Where the header is at hand, it has to agree. */
#if defined __has_include
#if __has_include(<xgboost/c_api.h>)
#include <xgboost/c_api.h>
#define AGREES(name) \
    _Static_assert(__builtin_types_compatible_p(__typeof__(&name), __typeof__(((struct library *)NULL)->name)), #name)
AGREES(XGDMatrixCreateFromMat);
AGREES(XGDMatrixSetFloatInfo);
AGREES(XGDMatrixFree);
AGREES(XGBoosterCreate);
AGREES(XGBoosterSetParam);
AGREES(XGBoosterUpdateOneIter);
AGREES(XGBoosterDumpModelEx);
AGREES(XGBoosterFree);
AGREES(XGBGetLastError);
#endif
#endif

/* ---- the library ------------------------------------------------------------------------------------------------- */

static bool find(void *object, const char *name, void *function, size_t size)
{
    void *symbol = dlsym(object, name);

    memcpy(function, &symbol, size);    /* ISO C has no cast from an object pointer to a function's */
    return symbol != NULL;
}

/* Loaded once and for all: it is not made to be unloaded. */
static mid_status load(mid_ctx *ctx, struct library *l)
{
    static const char *const file[] = { "libxgboost.so.0", "libxgboost.so" };
    size_t i;

    for (i = 0, l->object = NULL; !l->object && i < sizeof file / sizeof file[0]; i++)
        l->object = dlopen(file[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!l->object)
        return mid__fail(ctx, MID_EPLUGIN, "boosted trees are learned by XGBoost, which is not on this machine: "
                         "install it (Debian, Ubuntu: apt-get install libxgboost-dev) and fit again");
#define FIND(name) find(l->object, #name, &l->name, sizeof l->name)
    if (!(FIND(XGDMatrixCreateFromMat) && FIND(XGDMatrixSetFloatInfo) && FIND(XGDMatrixFree) && FIND(XGBoosterCreate) &&
          FIND(XGBoosterSetParam) && FIND(XGBoosterUpdateOneIter) && FIND(XGBoosterDumpModelEx) &&
          FIND(XGBoosterFree) && FIND(XGBGetLastError))) {
        dlclose(l->object);
        l->object = NULL;
        return mid__fail(ctx, MID_EPLUGIN, "the XGBoost on this machine is too old: install version 1.0 or later");
    }
#undef FIND
    return MID_OK;
}

mid_status mid__boost_check(mid_ctx *ctx)
{
    struct library l;
    const mid_status status = load(ctx, &l);

    if (status == MID_OK)
        dlclose(l.object);
    return status;
}

/* ---- trees out of JSON ------------------------------------------------------------------------------------------- */

static float *new_node(mid__trees *t)
{
    float *node = t->node + t->n_node++ * MID__TREE_N;

    memset(node, 0, MID__TREE_N * sizeof *node);
    return node;
}

static yyjson_val *child_of(yyjson_val *children, int64_t id)
{
    yyjson_val *child;
    size_t i, n;

    yyjson_arr_foreach(children, i, n, child)
        if (yyjson_get_sint(yyjson_obj_get(child, "nodeid")) == id)
            return child;
    return NULL;
}

/* A node and what hangs below it, as deep as the trees were asked to be. */
static mid_status put_node(mid_ctx *ctx, yyjson_val *from, int depth, mid__trees *t)
{
    yyjson_val *leaf = yyjson_obj_get(from, "leaf"), *split = yyjson_obj_get(from, "split");
    yyjson_val *children = yyjson_obj_get(from, "children");
    const char *names[] = { "yes", "no" };
    int64_t side[2], missing;
    size_t at = t->n_node;
    float *node;
    int i;

    if (depth < 0 || t->n_node == MID__TREE_NODE_MAX || !(leaf || (split && yyjson_get_str(split)[0] == 'f')))
        return mid__fail(ctx, MID_EPLUGIN, "XGBoost's trees are not what was expected of it");
    node = new_node(t);
    node[MID__TREE_FEATURE] = leaf ? -1 : (float)atoi(yyjson_get_str(split) + 1);
    node[MID__TREE_VALUE] = (float)yyjson_get_num(leaf ? leaf : yyjson_obj_get(from, "split_condition"));
    missing = yyjson_get_sint(yyjson_obj_get(from, "missing"));
    for (i = 0; !leaf && i < 2; i++) {
        mid_status status;
        side[i] = yyjson_get_sint(yyjson_obj_get(from, names[i]));
        t->node[at * MID__TREE_N + MID__TREE_LESS + (size_t)i] = (float)t->n_node;
        if (missing == side[i])
            t->node[at * MID__TREE_N + MID__TREE_MISSING] = (float)t->n_node;
        status = put_node(ctx, child_of(children, side[i]), depth - 1, t);
        if (status != MID_OK)
            return status;
    }
    return MID_OK;
}

static mid_status read_trees(mid_ctx *ctx, const char *const *text, size_t n_tree, int depth, mid__trees *out)
{
    mid_status status = MID_OK;
    size_t most = n_tree * ((size_t)2 << depth), i;     /* nodes of full trees */

    if (most > MID__TREE_NODE_MAX)
        return mid__fail(ctx, MID_ELIMIT, "%zu trees of depth %d; the limit is %d nodes", n_tree, depth,
                         MID__TREE_NODE_MAX);
    out->root = malloc((n_tree + 1) * sizeof *out->root);
    out->node = malloc((most + 1) * MID__TREE_N * sizeof *out->node);
    if (!out->root || !out->node)
        return mid__oom(ctx, "boosted trees");
    for (i = 0; status == MID_OK && i < n_tree; i++) {
        yyjson_doc *doc = yyjson_read(text[i], strlen(text[i]), 0);
        out->root[out->n_tree++] = (float)out->n_node;
        status = put_node(ctx, yyjson_doc_get_root(doc), depth, out);
        yyjson_doc_free(doc);
    }
    return status;
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

struct training { struct library lib; void *rows, *booster; };

static bool set_params(struct training *t, const mid__boost_opts *opts)
{
    char depth[16], rate[32], seed[32];
    const struct { const char *name, *value; } param[] = {
        { "objective", "binary:logistic" }, { "base_score", "0.5" }, { "tree_method", "exact" }, { "nthread", "1" },
        { "verbosity", "0" }, { "max_depth", depth }, { "eta", rate }, { "seed", seed },
    };
    size_t i;

    snprintf(depth, sizeof depth, "%d", opts->depth);
    snprintf(rate, sizeof rate, "%.9g", opts->rate);
    snprintf(seed, sizeof seed, "%d", (int)(opts->seed & 0x7fffffff));
    for (i = 0; i < sizeof param / sizeof param[0]; i++)
        if (t->lib.XGBoosterSetParam(t->booster, param[i].name, param[i].value) != 0)
            return false;
    return true;
}

/* y, w (n) */
static bool train(struct training *t, const float *x, size_t n, size_t d, const float *y, const float *w,
                  const mid__boost_opts *opts, const char ***text, uint64_t *n_tree)
{
    const struct library *l = &t->lib;
    int i;

    if (l->XGDMatrixCreateFromMat(x, n, d, NAN, &t->rows) != 0 ||
        l->XGDMatrixSetFloatInfo(t->rows, "label", y, n) != 0 ||
        l->XGDMatrixSetFloatInfo(t->rows, "weight", w, n) != 0 ||
        l->XGBoosterCreate(&t->rows, 1, &t->booster) != 0 || !set_params(t, opts))
        return false;
    for (i = 0; i < opts->n_round; i++)
        if (l->XGBoosterUpdateOneIter(t->booster, i, t->rows) != 0)
            return false;
    return l->XGBoosterDumpModelEx(t->booster, "", 0, "json", n_tree, text) == 0;
}

mid_status mid__boost_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, const uint8_t *label, const double *weight,
                          const mid__boost_opts *opts, mid__trees *out)
{
    struct training t = { .rows = NULL };
    float *y = malloc((n + 1) * sizeof *y), *w = malloc((n + 1) * sizeof *w);
    const char **text = NULL;
    uint64_t n_tree = 0;
    mid_status status = load(ctx, &t.lib);
    size_t i;

    memset(out, 0, sizeof *out);
    if (status == MID_OK && (!y || !w))
        status = mid__oom(ctx, "boosted trees");
    for (i = 0; status == MID_OK && i < n; i++) {
        y[i] = label[i];
        w[i] = (float)weight[i];
    }
    if (status == MID_OK && !train(&t, x, n, d, y, w, opts, &text, &n_tree))
        status = mid__fail(ctx, MID_EPLUGIN, "XGBoost: %.200s", t.lib.XGBGetLastError());
    if (status == MID_OK)
        status = read_trees(ctx, text, (size_t)n_tree, opts->depth, out);
    if (t.booster)
        t.lib.XGBoosterFree(t.booster);
    if (t.rows)
        t.lib.XGDMatrixFree(t.rows);
    if (t.lib.object)
        dlclose(t.lib.object);
    free(y);
    free(w);
    return status;
}

void mid__trees_clear(mid__trees *trees)
{
    free(trees->root);
    free(trees->node);
    memset(trees, 0, sizeof *trees);
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */

/* Is it a whole number from lo to below hi? */
static bool is_index(float x, size_t lo, size_t hi) { return x >= (float)lo && x < (float)hi && x == floorf(x); }

mid_status mid__trees_check(mid_ctx *ctx, const mid__trees *trees, size_t d)
{
    size_t i;
    int c;

    if (trees->n_node > MID__TREE_NODE_MAX)
        return mid__fail(ctx, MID_EFORMAT, "%zu nodes of trees, the limit is %d", trees->n_node, MID__TREE_NODE_MAX);
    for (i = 0; i < trees->n_tree; i++)
        if (!is_index(trees->root[i], 0, trees->n_node))
            return mid__fail(ctx, MID_EFORMAT, "tree %zu begins at node %g of %zu", i, (double)trees->root[i],
                             trees->n_node);
    for (i = 0; i < trees->n_node; i++) {
        const float *node = trees->node + i * MID__TREE_N;
        if (node[MID__TREE_FEATURE] == -1)
            continue;
        if (!is_index(node[MID__TREE_FEATURE], 0, d))
            return mid__fail(ctx, MID_EFORMAT, "node %zu looks at feature %g of %zu", i,
                             (double)node[MID__TREE_FEATURE], d);
        for (c = MID__TREE_LESS; c <= MID__TREE_MISSING; c++)
            if (!is_index(node[c], i + 1, trees->n_node))
                return mid__fail(ctx, MID_EFORMAT, "node %zu goes on with node %g: it has to be one behind it", i,
                                 (double)node[c]);
    }
    return MID_OK;
}

static float leaf(const mid__trees *trees, size_t at, const float *x)
{
    for (;;) {
        const float *node = trees->node + at * MID__TREE_N;
        float v;
        if (node[MID__TREE_FEATURE] < 0)
            return node[MID__TREE_VALUE];
        v = x[(size_t)node[MID__TREE_FEATURE]];
        at = (size_t)node[isnan(v) ? MID__TREE_MISSING : v < node[MID__TREE_VALUE] ? MID__TREE_LESS : MID__TREE_OTHER];
    }
}

double mid__trees_sum(const mid__trees *trees, size_t n_tree, const float *x)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < n_tree; i++)
        sum += (double)leaf(trees, (size_t)trees->root[i], x);
    return sum;
}
