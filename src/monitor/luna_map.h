/* Abstract states: a map from hidden rows to finitely many states, learned without labels, as the LUNA monitors use it.
 * A row is projected onto its first principal axes; its state is the nearest k-means centre, the likeliest component of a
 * mixture, or its cell of a grid together with the cells before it. */
#ifndef MID_MONITOR_LUNA_MAP_H
#define MID_MONITOR_LUNA_MAP_H

#include "monitor/monitor.h"

enum { MID__LUNA_DIM_MAX = 64, MID__LUNA_STATE_MAX = 1 << 16, MID__LUNA_HISTORY_MAX = 3, MID__LUNA_D_MAX = 8192 };
typedef enum mid__luna_kind { MID__LUNA_KMEANS, MID__LUNA_GMM, MID__LUNA_GRID } mid__luna_kind;

/* What a map is asked for. */
typedef struct mid__luna_shape {
    mid__luna_kind kind;
    uint32_t n_dim, n_state;        /* axes; states wanted (k-means, mixture) */
    uint32_t n_cell, n_history;     /* grid: cells per axis, and how many cells before the row's own count */
} mid__luna_shape;

typedef struct mid__luna_map {
    mid__luna_shape shape;          /* n_dim and n_state as they came out */
    size_t d;
    float *mean, *axis;             /* (d), (n_dim, d) */
    float *centre;                  /* (n_state, n_dim): k-means, mixture */
    float *precision, *offset;      /* (n_state, n_dim), (n_state): mixture: 1/variance, ln density at the mean */
    float *lo, *hi;                 /* (n_dim): grid */
    float *code;                    /* (n_state) ascending: grid: the combinations of cells that were seen */
} mid__luna_map;

/* Where an answer is: the last grid cells. Zeroed = before the first row. */
typedef struct mid__luna_cursor { uint32_t n, cell[MID__LUNA_HISTORY_MAX]; } mid__luna_cursor;

/* Parameters "map", "dims", "states", "cells", "history" -> shape. MID_EINVAL. */
mid_status mid__luna_shape_of(mid_ctx *ctx, const mid_param *params, mid__luna_shape *shape);
#define MID__LUNA_MAP_PARAMS                                                                                            \
    { "layer",   -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },                         \
    { "map",      0, "kmeans", "how states are made: kmeans, gmm (Gaussian mixture) or grid" },                         \
    { "dims",    10, NULL, "principal axes a row is projected on, 1 to 64" },                                           \
    { "states", 200, NULL, "states of kmeans and gmm, 2 to 1024; fewer where there are few rows" },                     \
    { "cells",    5, NULL, "grid: cells per axis, 2 to 64; cells ^ (dims * (history + 1)) must stay below 2^24" },      \
    { "history",  0, NULL, "grid: cells before the row's own that belong to its state, 0 to 3" }

/* Learn axes and centres (or the grid's bounds) from rows x (n, d). Of a grid the codes are still to be seen.
 * MID_EUNDEFINED for fewer than two rows. Clear *out whatever comes back. */
mid_status mid__luna_map_fit(mid_ctx *ctx, const mid__luna_shape *shape, const float *x, size_t n, size_t d, uint64_t seed,
                             mid__luna_map *out);
/* Let a grid know the codes (n, any order) that were seen; they become its states. */
mid_status mid__luna_map_see(mid_ctx *ctx, mid__luna_map *map, const float *code, size_t n);
void mid__luna_map_clear(mid__luna_map *map);

/* point (n_dim) of a row; false if a value is not finite. */
bool mid__luna_point(const mid__luna_map *map, const float *row, float *point);
/* A grid's code of the next point. */
float mid__luna_code(const mid__luna_map *map, mid__luna_cursor *cursor, const float *point);
/* The state of the next point: 0 .. n_state - 1, or n_state for a code a grid has not seen. */
uint32_t mid__luna_next(const mid__luna_map *map, mid__luna_cursor *cursor, const float *point);

mid_status mid__luna_map_keep(mid_ctx *ctx, const mid__luna_map *map, mid_weights *out);
/* Checked; rows are of width d. MID_EFORMAT. Clear *out whatever comes back. */
mid_status mid__luna_map_open(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t d,
                              mid__luna_map *out);

#endif
