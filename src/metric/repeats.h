/* Repeats: the same answers scored more than once, by fits on other cuts into folds. A figure is the mean of what it is
 * in each repeat. Its interval draws both prompts and repeats with replacement, on every draw the same prompts for all
 * repeats (the two-way or pigeonhole bootstrap, Owen 2007): what another sample of prompts and another cut would do. */
#ifndef MID_METRIC_REPEATS_H
#define MID_METRIC_REPEATS_H

#include "metric/ladder.h"
#include "midstream/metric.h"

typedef struct mid__repeats {
    size_t n, n_group;
    mid__ladder *ladder;            /* (n) */
    uint32_t *times;                /* (n) how often the draw at hand has each */
    uint32_t *group;                /* (answers) numbered from 0 */
    uint64_t seed;
    uint64_t i_draw;                /* 0: the sample itself */
} mid__repeats;

/* @param score (n_repeat, n). Checked as mid__ladder_open() does; on error nothing is left to clear. Two that are
 * opened with the same boot, n_repeat and groups go through the same draws. */
mid_status mid__repeats_open(mid_ctx *ctx, const double *score, size_t n_repeat, const uint8_t *label,
                             const uint32_t *group, size_t n, const mid_boot *boot, mid__repeats *out);
void mid__repeats_clear(mid__repeats *repeats);
/* For the next draw: count how often each repeat is drawn, and fill the counts of those that are. */
void mid__repeats_weigh(mid__repeats *repeats, const uint32_t *weight);

/* As mid_ranking_of() and mid_gain_of(), of repeats. @param score, baseline (n_repeat, n), n_repeat at least 1 */
mid_status mid__ranking_of_repeats(mid_ctx *ctx, const double *score, size_t n_repeat, const uint8_t *label,
                                   const uint32_t *group, size_t n, const mid_boot *boot, mid_ranking *out);
mid_status mid__gain_of_repeats(mid_ctx *ctx, const double *score, const double *baseline, size_t n_repeat,
                                const uint8_t *label, const uint32_t *group, size_t n, const mid_boot *boot,
                                mid_gain *out);

#endif
