/* Aggregators: a running view of a monitor's score, itself a score. Any monitor takes any of them, and up to
 * MID_AGGREGATE_MAX of them one after the other, written as a monitor spec:
 *     probe_linear    probe_linear+ema(0.9)    probe_linear+position_norm+max */
#ifndef MIDSTREAM_AGGREGATOR_H
#define MIDSTREAM_AGGREGATOR_H

#include "monitor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MID_AGGREGATE_MAX        3      /* aggregators behind one monitor */
#define MID_AGGREGATOR_PARAM_MAX 2
#define MID_AGGREGATOR_KEEP_MAX  256    /* scores an aggregator may keep */
#define MID_AGGREGATOR_LEARN_MAX 32     /* numbers it may learn */
#define MID_SPEC_BYTES           256    /* of a spec's text with its final zero */

/** Scores of one answer to learn from. */
typedef struct mid_scored_answer {
    const double *score;            /* (n) finite, one per token; borrowed for the call */
    size_t n;                       /* 0: it never had a score */
    int label;                      /* 0 or 1 */
} mid_scored_answer;

typedef struct mid_score_set { const mid_scored_answer *answer; size_t n; } mid_score_set;

/** A number that a spec may give in brackets. */
typedef struct mid_aggregator_param {
    const char *name;
    double number;                  /* default; NaN: learned unless it is given */
    double lo, hi;
    bool whole;
    const char *help;
} mid_aggregator_param;

/** An aggregator's descriptor: one per file, listed in src/monitor/aggregator_registry.c.
 *  A state is flat: zeroed bytes without pointers, so copying it copies the stream. */
typedef struct mid_aggregator_ops {
    const char *name;               /* ends up in results: never renamed or reused */
    uint32_t version;               /* + 1 whenever any score can change */
    const char *summary, *source;
    const char *unit;               /* NULL: that of the score it is given */
    const mid_aggregator_param *params;     /* ends with name NULL; NULL: none */
    size_t state_size, state_per;   /* bytes of a state: state_size + state_per * the first parameter */

    /* Learn n_learned numbers from the scores of answers, of both classes. fit NULL: nothing to learn. */
    size_t n_learned;
    mid_status (*fit)(mid_ctx *ctx, const mid_score_set *set, const double *param, double *learned);
    /* Are these numbers, read from a file, ones it can work with? All are finite. NULL: any will do. */
    bool (*accepts)(const double *learned);

    /* The next score, finite, to the aggregate so far; -INFINITY: not enough scores yet. Cannot fail, so that a chain
     * never stops half way. learned is NULL when nothing was. */
    double (*push)(const double *param, const double *learned, void *state, double score);
} mid_aggregator_ops;

/** Registry, alphabetical, ends with NULL. Static. */
MID_API const mid_aggregator_ops *const *mid_aggregator_list(void);
/** @return NULL if there is none of that name. */
MID_API const mid_aggregator_ops *mid_aggregator_find(const char *name);

/** An aggregator with its parameters. */
typedef struct mid_aggregate {
    const mid_aggregator_ops *ops;
    double param[MID_AGGREGATOR_PARAM_MAX];     /* NaN: to be learned */
} mid_aggregate;

/** A monitor and the aggregators behind it, first to last. Plain data; n_aggregate 0 is the monitor itself. */
typedef struct mid_monitor_spec {
    const mid_monitor_ops *monitor;
    size_t n_aggregate;
    mid_aggregate aggregate[MID_AGGREGATE_MAX];
} mid_monitor_spec;

/** Read "monitor", "monitor+aggregator", "monitor+aggregator(1,2)+another". Blanks do not matter.
 *  @return MID_EINVAL, saying what is wrong and what there is: a name, a number's range, a bracket; MID_ENOMEM. */
MID_API mid_status mid_monitor_spec_parse(mid_ctx *ctx, const char *text, mid_monitor_spec *out);
/** The one way it is written, as in results: parameters in full, no blanks. @param[out] text (MID_SPEC_BYTES). */
MID_API void mid_monitor_spec_text(const mid_monitor_spec *spec, char *text);
/** Unit of its score. Static. */
MID_API const char *mid_monitor_spec_unit(const mid_monitor_spec *spec);
/** Does the monitor or an aggregator have to be fitted? */
MID_API bool mid_monitor_spec_learns(const mid_monitor_spec *spec);
/** What weights were fitted for. @return MID_EFORMAT if they are no fitted monitor, or of one that is not known here. */
MID_API mid_status mid_monitor_spec_read(mid_ctx *ctx, const mid_weights *weights, mid_monitor_spec *out);

/** As mid_monitor_fit(); params are the monitor's. Then each aggregator that learns does so from the scores that what
 *  stands before it gives on the same answers. The weights hold the monitor's tensors as they are, the entry
 *  "aggregate" ("ema(0.9)") and what the i-th aggregator learned as the tensor "agg.i.learned". */
MID_API mid_status mid_monitor_spec_fit(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_param *params,
                                        const mid_fit_set *set, mid_weights **out);
/** As mid_monitor_open(). @param weights NULL iff nothing learns. @return also MID_EMISMATCH if they were fitted with
 *  other aggregators than the spec's. */
MID_API mid_status mid_monitor_spec_open(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_param *params,
                                         const mid_weights *weights, const mid_signals *signals, mid_monitor **out);
/** Of an open monitor. Lives as long as it. */
MID_API const mid_monitor_spec *mid_monitor_spec_of(const mid_monitor *monitor);

#ifdef __cplusplus
}
#endif
#endif
