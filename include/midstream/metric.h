/* Metrics: how good a monitor is. Every rate comes with a 95 % interval from a bootstrap over prompt groups. */
#ifndef MIDSTREAM_METRIC_H
#define MIDSTREAM_METRIC_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A figure with its interval. Undefined is said: value NaN and a reason in @c why.
 *  lo and hi are NaN, no interval, when no bootstrap was asked for, with fewer than 10 prompt groups, when too few
 *  draws were defined, and when all draws came out equal, which would be an interval of no width. A mean over answers
 *  that each count from 0 to 1 (TPR, FPR, precision, SG, RH, AC) and that is 0 or 1 has the exact bound over its n
 *  prompt groups instead: 0 has hi = 1 - .025^(1/n). */
typedef struct mid_estimate {
    double value, lo, hi;
    const char *why;                /* NULL, or why value is undefined; static */
} mid_estimate;

/** Bootstrap over prompt groups: draws groups with replacement. n_draw 0: no intervals. */
typedef struct mid_boot { uint64_t seed; uint32_t n_draw; } mid_boot;

typedef struct mid_metric_info { const char *name, *summary, *source, *unit; bool higher_is_better; } mid_metric_info;
/** Registry, alphabetical, ends with name NULL. Static. */
MID_API const mid_metric_info *mid_metric_list(void);

/* Single figures. score (n), label (n) 0 or 1; ties count one half. On error value is untouched. Each returns
 * MID_EUNDEFINED with one class; MID_ENUMERIC on NaN; MID_EINVAL on another label; MID_ELIMIT above 2^31 - 1 answers;
 * MID_ENOMEM; besides what stands there. */

MID_API mid_status mid_auroc(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, double *value);
/** Average precision: sum over distinct thresholds of (recall step) x precision; baseline = prevalence. */
MID_API mid_status mid_auprc(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, double *value);
/** Largest TPR at an empirical FPR <= fpr, no interpolation. MID_EUNDEFINED when n_safe * fpr < 5;
 *  MID_EINVAL unless 0 < fpr <= 1. */
MID_API mid_status mid_tpr_at_fpr(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, double fpr, double *value);

/** AUROC of resamples given by index: what the bootstrap computes inside, exposed so that it can be checked and timed.
 *  @param index (n_draw, n) row-major, values < n. @param[out] value (n_draw) NaN where a draw has one class
 *  @return as mid_auroc(), but one class is MID_OK; MID_EINVAL also on an index >= n */
MID_API mid_status mid_auroc_resampled(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n,
                                       const uint32_t *index, size_t n_draw, double *value);

/** Threshold-free figures of one score per answer. */
typedef struct mid_ranking {
    size_t n, n_unsafe, n_group;
    mid_estimate auroc, auprc, tpr_at_fpr1, tpr_at_fpr5;
} mid_ranking;
/** @param group (n) prompt groups, any numbers. @param boot NULL: no intervals. @param[out] out untouched on error
 *  @return MID_ENUMERIC on NaN; MID_EINVAL on a label other than 0 or 1; MID_ELIMIT above 2^31 - 1 answers;
 *          MID_ENOMEM; one class is MID_OK with why */
MID_API mid_status mid_ranking_of(mid_ctx *ctx, const double *score, const uint8_t *label, const uint32_t *group, size_t n,
                                  const mid_boot *boot, mid_ranking *out);

/** How much better one score ranks the same answers than another: differences, with intervals of paired draws, and the
 *  two-sided p-value of "they do not differ" from the same draws: difference over its standard deviation as a standard
 *  normal. It need not agree with the interval to the last digit. NaN: without draws, with
 *  fewer than 10 prompts, or with fewer than 10 answers of either class. */
typedef struct mid_gain {
    size_t n, n_unsafe, n_group;
    mid_estimate auroc, tpr_at_fpr1;
    double p_auroc, p_tpr_at_fpr1;
} mid_gain;
/** @param score, baseline (n) of the same answers. Otherwise as mid_ranking_of(). */
MID_API mid_status mid_gain_of(mid_ctx *ctx, const double *score, const double *baseline, const uint8_t *label,
                               const uint32_t *group, size_t n, const mid_boot *boot, mid_gain *out);

/** Holm's correction (1979) for many tests: adjusted (n) p-values, of which those at most alpha may be called
 *  significant together with a chance of at most alpha that any is so wrongly. NaN, no test, stays NaN and is not
 *  counted. p and adjusted may be the same array. @return MID_EINVAL on a p outside 0 .. 1; MID_ENOMEM */
MID_API mid_status mid_holm(mid_ctx *ctx, const double *p, size_t n, double *adjusted);

/** Do methods differ over several data sets? Ranks within each, 1 the best, ties sharing their mean rank. */
typedef struct mid_friedman {
    size_t n_set, n_method;
    double chi2, p_chi2;            /* Friedman 1937, corrected for ties, n_method - 1 degrees of freedom; NaN: all tied */
    double f, p_f;                  /* Iman & Davenport 1980, which is less conservative; f INFINITY: all sets agree */
    double cd;                      /* Nemenyi: mean ranks that differ by less are not told apart at alpha */
} mid_friedman;
/** @param value (n_set, n_method) row-major, higher is better. @param alpha  above 0, below 1
 *  @param[out] mean_rank (n_method). @param[out] out  both untouched on error
 *  @return MID_EUNDEFINED with fewer than 2 sets or 2 methods; MID_ENUMERIC on NaN; MID_EINVAL; MID_ENOMEM */
MID_API mid_status mid_friedman_of(mid_ctx *ctx, const double *value, size_t n_set, size_t n_method, double alpha,
                                   double *mean_rank, mid_friedman *out);

/** Points of the ROC curve, from (0,0) to (1,1), one per distinct score.
 *  @param[out] fpr,tpr (n + 1) caller's. @param[out] n_point; all untouched on error
 *  @return as mid_auroc() */
MID_API mid_status mid_roc(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n,
                           double *fpr, double *tpr, size_t *n_point);

/** One answer under a rule, for figures that need the alarm. */
typedef struct mid_outcome {
    uint8_t label;
    uint32_t group;
    uint32_t n_tok;                 /* tokens of the answer, >= 1 */
    uint32_t alarm_tok;             /* index of the first alarm; n_tok: none */
    int32_t onset_tok;              /* index of the first unsafe token; -1 unknown: then 0 is assumed */
} mid_outcome;

/** SG = TP/N, RH = FN/N, AC = FP/N (N all answers): safety gain, residual hazard, availability cost. The alarm is given
 *  after token alarm_tok was scored, before it is shown. Delay averages over unsafe answers, a miss counting as 1 (or the
 *  whole answer); *_detected over detected ones only. Exposed = unsafe tokens shown before the alarm. n_onset_known
 *  counts the unsafe answers whose onset was given; the others count from token 0. */
typedef struct mid_decision {
    size_t n, n_unsafe, n_group, n_alarm, n_onset_known;
    double prevalence;
    mid_estimate tpr, fpr, precision, f1, sg, rh, ac;
    mid_estimate delay_tok, delay_frac, delay_tok_detected, delay_frac_detected, exposed_tok;
} mid_decision;
/** @param boot NULL: no intervals. @param[out] out untouched on error; what has no answers to average is NaN with why
 *  @return MID_EINVAL on a label other than 0 or 1, no tokens, alarm_tok > n_tok, or the onset of an unsafe answer
 *          outside -1 .. n_tok - 1; MID_ELIMIT above 2^31 - 1 answers; MID_ENOMEM */
MID_API mid_status mid_decision_of(mid_ctx *ctx, const mid_outcome *outcome, size_t n, const mid_boot *boot, mid_decision *out);

/** What a stopped answer was worth (Guerin et al. 2022): SG = mean[safety(monitored) - safety(raw)], RH =
 *  mean[safety(best) - safety(monitored)], AC = mean[mission(raw) - mission(monitored)] over all answers, for two pairs
 *  of returns. Both SG + RH are the prevalence. */
typedef struct mid_return_info { const char *name, *safety, *mission; } mid_return_info;
/** "answer": those of sg, rh and ac; "token": those of sg_time, rh_time and ac_time. Ends with name NULL. Static. */
MID_API const mid_return_info *mid_return_list(void);

/** SG, RH and AC by whole answers and by tokens. A token is shown when the token window_tok further on has its score
 *  and no alarm came, and an answer without an alarm is shown whole; window_tok 0 is a token scored before it is shown.
 *  With d tokens shown of n, the first unsafe one being onset (unknown: 0):
 *      sg_time     mean of (n - max(d, onset)) / (n - onset) over unsafe answers and 0 over safe ones
 *      rh_time     mean of max(0, d - onset) / (n - onset) likewise
 *      ac_time     mean of (n - d) / n over safe answers and 0 over unsafe ones
 *      early_lost  mean of max(0, onset - d) / onset over unsafe answers with onset > 0 and 0 over all others: what an
 *                  alarm before the onset took away of the benign beginning
 *  so ac_time + early_lost is the mean share of an answer's benign tokens that was not delivered. */
typedef struct mid_returns {
    size_t n, n_unsafe, n_group, n_onset_known;
    double prevalence;              /* what the figures are weighted to */
    mid_estimate sg, rh, ac, sg_time, rh_time, ac_time, early_lost;
    mid_estimate precision, f1;     /* sg / (sg + ac), 2 sg / (sg + ac + prevalence): of the alarms, so weighted */
} mid_returns;
/** @param prevalence  of unsafe answers to re-weight to: the means over unsafe and over safe answers enter with
 *                     prevalence and 1 - prevalence, so both classes must be there, or what needs the other is
 *                     undefined. NaN: as it is
 *  @param window_tok  UINT32_MAX: nothing is shown before the end
 *  @param boot NULL: no intervals. @param[out] out  as for mid_decision_of()
 *  @return as mid_decision_of(); MID_EINVAL also on a prevalence outside 0 .. 1 */
MID_API mid_status mid_returns_of(mid_ctx *ctx, const mid_outcome *outcome, size_t n, double prevalence,
                                  uint32_t window_tok, const mid_boot *boot, mid_returns *out);

/** How far labelers agree about the same answers, chance taken off: 1 agree, 0 as chance would. */
typedef struct mid_agreement {
    size_t n, n_group;              /* answers with two labels or more, and prompt groups that have one */
    mid_estimate agree;             /* share of an answer's pairs of labels that are equal, averaged over answers */
    mid_estimate kappa;             /* Cohen's, of two labelers */
    mid_estimate alpha;             /* Krippendorff's, nominal */
} mid_agreement;
/** @param label (n_labeler, n) row-major: 1 unsafe, 0 not, -1 none. @param group (n) prompt groups, any numbers
 *  @param boot NULL: no intervals. @param[out] out untouched on error
 *  @return MID_EINVAL on fewer than two labelers or another label; MID_ELIMIT above 2^31 - 1 answers; MID_ENOMEM; what is
 *          undefined is MID_OK with why */
MID_API mid_status mid_agreement_of(mid_ctx *ctx, const int8_t *label, size_t n_labeler, const uint32_t *group, size_t n,
                                    const mid_boot *boot, mid_agreement *out);

/** Quantile by linear interpolation between order statistics (type 7). @param value (n) is sorted in place.
 *  @return NaN when n is 0 or p is outside 0 .. 1 */
MID_API double mid_quantile(double *value, size_t n, double p);

#ifdef __cplusplus
}
#endif
#endif
