/* k-means: rows gathered around k centres. */
#ifndef MID_LEARN_KMEANS_H
#define MID_LEARN_KMEANS_H

#include "midstream/base.h"

/**
 * Centres by k-means++ (Arthur & Vassilvitskii 2007), then Lloyd's steps until no row changes its centre, or 100 of them.
 *
 * @param x        (n, d)
 * @param[in,out] k  centres wanted; lowered to the number of distinct rows where those are fewer
 * @param[out] centre (k, d). @param[out] of (n) each row's centre. @param[out] inertia  sum of squared distances, or NULL
 * @return MID_EUNDEFINED without rows, MID_ENUMERIC on NaN, MID_ENOMEM
 */
mid_status mid__kmeans_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, size_t *k, uint64_t seed, float *centre,
                           uint32_t *of, double *inertia);

/* Lloyd's steps alone, from the centres given. A centre that no row is nearest to stays where it is. */
mid_status mid__kmeans_lloyd(mid_ctx *ctx, const float *x, size_t n, size_t d, size_t k, float *centre, uint32_t *of,
                             double *inertia);

/* The centre nearest to a row, the first of equals. @param[out] dist2  squared distance, or NULL. */
uint32_t mid__nearest(const float *centre, size_t k, size_t d, const float *row, double *dist2);

#endif
