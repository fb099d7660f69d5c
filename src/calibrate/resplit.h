/* Resplits: a rule calibrated on some of the prompts and tried on the others, as often as one likes. */
#ifndef MID_CALIBRATE_RESPLIT_H
#define MID_CALIBRATE_RESPLIT_H

#include "calibrate/rule_fit.h"

/* How the tried half's prompts of one class were judged, over all resplits that had a threshold. */
typedef struct mid__realised {
    size_t n_without;               /* resplits whose tried half had no such prompt: they measured nothing */
    double sum, square, noise;      /* of the rates; asked (1 - asked) / prompts, the least variance of one */
} mid__realised;

typedef struct mid__resplit {
    const char *name;               /* borrowed, like params and the set */
    const mid_param *params;
    const mid_rule_set *set;
    mid__ask ask;
    uint32_t *number;               /* (set->n) prompts, numbered from 0 in the order of their groups */
    size_t n_prompt;
    mid_rule_set half;              /* what is calibrated on; its arrays are the following, (set->n) */
    double *extreme;
    uint8_t *label;
    uint32_t *group;
    mid_scored_answer *score;
    int32_t *onset_tok;
    uint32_t (*count)[2], (*wrong)[2];  /* (n_prompt) tried answers by class, and those judged wrong */
    mid__realised realised[2];      /* by class: false alarms, misses */
    mid_resplit out;                /* as far as it has come */
} mid__resplit;

/* Fails as mid_rule_resplit() does; then there is nothing to clear. */
mid_status mid__resplit_open(mid_ctx *ctx, const char *name, const mid_param *params, const mid_rule_set *set,
                             mid__resplit *out);
void mid__resplit_clear(mid__resplit *r);
/* Calibrate on the prompts with 0, try on those with 1. is_tried (n_prompt). */
mid_status mid__resplit_try(mid_ctx *ctx, mid__resplit *r, const uint8_t *is_tried);
/* What all that was tried comes to. */
void mid__resplit_conclude(const mid__resplit *r, mid_resplit *out);

#endif
