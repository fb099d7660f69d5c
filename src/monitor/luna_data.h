/* Fit answers as sequences of abstract states (luna_map.h). */
#ifndef MID_MONITOR_LUNA_DATA_H
#define MID_MONITOR_LUNA_DATA_H

#include "monitor/luna_map.h"

/* The first 128 tokens of each answer. */
typedef struct mid__luna_data {
    const mid_fit_set *set;
    size_t n;                       /* answers; answer i has entries first[i] .. first[i + 1] - 1 */
    size_t *first;                  /* (n + 1) */
    float *point;                   /* (first[n], n_dim) */
    uint32_t *state;                /* (first[n]) below n_state */
    size_t n_dim, n_state;
} mid__luna_data;

/* Learn a layer's map and walk the answers through it. Clear both whatever comes back. */
mid_status mid__luna_data_of(mid_ctx *ctx, const mid_fit_set *set, int i_layer, const mid__luna_shape *wanted,
                             mid__luna_map *map, mid__luna_data *data);
void mid__luna_data_clear(mid__luna_data *data);
/* theta (n_state + 1): the share of unsafe among visits, each answer in use weighing 1 in all,
 * (U_q + kappa pi) / (N_q + kappa), pi the share of unsafe answers; the last entry, for a state never seen, is pi. */
mid_status mid__luna_shares(mid_ctx *ctx, const mid__luna_data *data, const uint8_t *use, double kappa, double *theta);

#endif
