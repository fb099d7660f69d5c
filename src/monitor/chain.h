/* The aggregators behind one monitor, ready for use: what streams push scores through, and the benchmark stored ones. */
#ifndef MID_MONITOR_CHAIN_H
#define MID_MONITOR_CHAIN_H

#include "midstream/aggregator.h"

typedef struct mid__link {
    mid_aggregate use;
    double *learned;                /* (use.ops->n_learned) or NULL */
    size_t at;                      /* of its state in the chain's */
} mid__link;

typedef struct mid__chain {
    size_t n, state_size;           /* a state begins as zeroes and is aligned like what malloc gives */
    mid__link link[MID_AGGREGATE_MAX];
} mid__chain;

/* Does any aggregator of the spec learn, its monitor aside? */
bool mid__chain_learns(const mid_monitor_spec *spec);
/* "ema(0.9)+max"; "" without aggregators. text (MID_SPEC_BYTES). */
void mid__chain_text(const mid_monitor_spec *spec, char *text);
/* Read the same back behind spec->monitor. */
mid_status mid__chain_parse(mid_ctx *ctx, const char *text, mid_monitor_spec *spec);

/* Learn from the monitor's scores, -INFINITY among them being no score, and describe the chain in `out`: "aggregate",
 * "agg.i.version", "agg.i.learned". set may be NULL where nothing learns. MID_EUNDEFINED: no scores of a class. */
mid_status mid__chain_fit(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_score_set *set, mid_weights *out);
/* @param weights  NULL iff nothing learns. Out arrives empty; MID_EMISMATCH, MID_EFORMAT, MID_ENOMEM. */
mid_status mid__chain_open(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_weights *weights, mid__chain *out);
void mid__chain_close(mid__chain *chain);

/* The next score, finite or -INFINITY: while an aggregator is given -INFINITY its state stays, and so is what it gives. */
double mid__chain_push(const mid__chain *chain, void *state, double score);
/* A whole answer. score, out (n), which may be the same; state is zeroed first. */
void mid__chain_score(const mid__chain *chain, void *state, const double *score, size_t n, double *out);

#endif
