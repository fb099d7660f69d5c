/* How good a map of abstract states is, before any monitor built on it is scored. Names and ideas after LUNA, Song et al.
 * 2023 (arXiv 2310.14211); what needs unseen answers is taken over inner folds of the fit answers.
 *   coverage            share of held-out rows that lie where the other folds have been: no farther from their state's
 *                       centre than that state's farthest row (grid: in a state that was seen). 1 is best. LUNA takes one
 *                       radius for all states, the largest, which nearly every row meets.
 *   succinctness        abstract states / rows, as LUNA: the smaller, the more is abstracted away.
 *   sensitivity         share of rows whose state changes when each of their values is moved by a tenth of its deviation,
 *                       up or down by a coin. Smaller is steadier. LUNA adds .1 to every value, whatever its scale.
 *   stationary_entropy  -sum_q pi_q ln pi_q, nats, pi the stationary distribution of the chain of states in which answers
 *                       follow one another in a ring: each state is left as often as it is entered, so pi_q is the share
 *                       of rows in q. ln(states): all are used alike; 0: one does everything.
 *   preciseness         mean over held-out answers of |mean_j theta(q_j) - label|, theta bound on the other folds as in
 *                       luna_state; preciseness_max: the largest of them. Smaller is more precise. LUNA has the same two
 *                       over its test answers. */
#ifndef MID_MONITOR_LUNA_QUALITY_H
#define MID_MONITOR_LUNA_QUALITY_H

#include "monitor/luna_data.h"

typedef struct mid__luna_quality {
    double coverage, succinctness, sensitivity, stationary_entropy, preciseness, preciseness_max;
} mid__luna_quality;

mid_status mid__luna_quality_of(mid_ctx *ctx, const mid__luna_map *map, const mid__luna_data *data, int i_layer,
                                mid__luna_quality *out);
/* As numbers "quality.coverage", ...; one that is undefined is left out. */
mid_status mid__luna_quality_keep(mid_ctx *ctx, const mid__luna_quality *quality, mid_weights *out);

#endif
