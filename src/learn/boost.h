/* Gradient-boosted trees: learned by XGBoost, kept as a flat table, walked by our own code. */
#ifndef MID_LEARN_BOOST_H
#define MID_LEARN_BOOST_H

#include "midstream/base.h"

/* Columns of a node. */
enum {
    MID__TREE_FEATURE,              /* -1: a leaf */
    MID__TREE_VALUE,                /* what the feature is compared with, or the leaf's logit */
    MID__TREE_LESS,                 /* the node to go on with where feature < value, */
    MID__TREE_OTHER,                /* where it is not, */
    MID__TREE_MISSING,              /* where it is NaN; a leaf's are 0 */
    MID__TREE_N
};
enum { MID__TREE_NODE_MAX = 1 << 20 };

typedef struct mid__trees {
    size_t n_tree, n_node;
    float *root;                    /* (n_tree) a tree's first node */
    float *node;                    /* (n_node, MID__TREE_N), children behind their parents */
} mid__trees;

typedef struct mid__boost_opts {
    int depth, n_round;
    double rate;
    uint64_t seed;
} mid__boost_opts;

/* Can trees be learned here? MID_EPLUGIN, saying what to install: XGBoost's library is not on this machine. */
mid_status mid__boost_check(mid_ctx *ctx);
/* Learn the logit of label 1. The same input gives the same trees, on one thread.
 * @param x  (n, d), NaN: missing. @param weight (n). @param[out] out  clear it whatever comes back
 * @return as mid__boost_check(); MID_EPLUGIN also for what XGBoost says; MID_ELIMIT, MID_ENOMEM */
mid_status mid__boost_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, const uint8_t *label, const double *weight,
                          const mid__boost_opts *opts, mid__trees *out);
void mid__trees_clear(mid__trees *trees);

/* Trees from a file: MID_EFORMAT unless every walk over d features stays inside and ends. */
mid_status mid__trees_check(mid_ctx *ctx, const mid__trees *trees, size_t d);
/* Sum of the first n_tree trees' leaves for a row x. */
double mid__trees_sum(const mid__trees *trees, size_t n_tree, const float *x);

#endif
