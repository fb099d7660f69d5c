/* Metrics: how good a monitor is. Every rate comes with a 95 % interval from a bootstrap over prompt groups. */
#ifndef MIDSTREAM_METRIC_H
#define MIDSTREAM_METRIC_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A figure with its interval. Undefined is said: value NaN and a reason in @c why. */
typedef struct mid_estimate {
    double value, lo, hi;           /* lo, hi NaN when no bootstrap was asked for or too few draws were defined */
    const char *why;                /* NULL, or why value is undefined; static */
} mid_estimate;

/** Bootstrap over prompt groups: draws groups with replacement. n_draw 0: no intervals. */
typedef struct mid_boot { uint64_t seed; uint32_t n_draw; } mid_boot;

typedef struct mid_metric_info { const char *name, *summary, *source, *unit; bool higher_is_better; } mid_metric_info;
/** Registry, alphabetical, ends with name NULL. Static. */
MID_API const mid_metric_info *mid_metric_list(void);

/* Single figures. score (n), label (n) 0 or 1; ties count one half. MID_EUNDEFINED with one class; MID_ENUMERIC on NaN. */
MID_API mid_status mid_auroc(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, double *value);
/** Average precision: sum over distinct thresholds of (recall step) x precision; baseline = prevalence. */
MID_API mid_status mid_auprc(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, double *value);
/** Largest TPR at an empirical FPR <= fpr, no interpolation. MID_EUNDEFINED when n_safe * fpr < 5. */
MID_API mid_status mid_tpr_at_fpr(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, double fpr, double *value);

/** AUROC of resamples given by index: what the bootstrap computes inside, exposed so that it can be checked and timed.
 *  @param index (n_draw, n) row-major, values < n. @param[out] value (n_draw) NaN where a draw has one class. */
MID_API mid_status mid_auroc_resampled(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n,
                                       const uint32_t *index, size_t n_draw, double *value);

/** Threshold-free figures of one score per answer. */
typedef struct mid_ranking {
    size_t n, n_unsafe, n_group;
    mid_estimate auroc, auprc, tpr_at_fpr1, tpr_at_fpr5;
} mid_ranking;
/** @param group (n) prompt groups, any numbers. @return MID_ENUMERIC on NaN, MID_ENOMEM; one class is MID_OK with why. */
MID_API mid_status mid_ranking_of(mid_ctx *ctx, const double *score, const uint8_t *label, const uint32_t *group, size_t n,
                                  const mid_boot *boot, mid_ranking *out);

/** Points of the ROC curve, from (0,0) to (1,1), one per distinct score.
 *  @param[out] fpr,tpr (n + 1) caller's. @param[out] n_point. */
MID_API mid_status mid_roc(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n,
                           double *fpr, double *tpr, size_t *n_point);

/** One answer under a rule, for figures that need the alarm. */
typedef struct mid_outcome {
    uint8_t label;
    uint32_t group;
    uint32_t n_tok;                 /* tokens of the answer, >= 1 */
    uint32_t alarm_tok;             /* index of the first alarm; n_tok: none */
    int32_t onset_tok;              /* index of the first unsafe token; -1 unknown (then 0 is assumed and said) */
} mid_outcome;

/** SG = TP/N, RH = FN/N, AC = FP/N (N all answers): safety gain, residual hazard, availability cost. The alarm is given
 *  after token alarm_tok was scored, before it is shown. Delay averages over unsafe answers, a miss counting as 1 (or the
 *  whole answer); *_detected over detected ones only. Exposed = unsafe tokens shown before the alarm. */
typedef struct mid_decision {
    size_t n, n_unsafe, n_group, n_alarm, n_onset_known;
    double prevalence;
    mid_estimate tpr, fpr, precision, f1, sg, rh, ac;
    mid_estimate delay_tok, delay_frac, delay_tok_detected, delay_frac_detected, exposed_tok;
} mid_decision;
MID_API mid_status mid_decision_of(mid_ctx *ctx, const mid_outcome *outcome, size_t n, const mid_boot *boot, mid_decision *out);

/** Quantile by linear interpolation between order statistics (type 7). @param value (n) is sorted in place. */
MID_API double mid_quantile(double *value, size_t n, double p);

#ifdef __cplusplus
}
#endif
#endif
