/* Rules: when a running score becomes an alarm, and the promise that goes with it (docs/guarantees.md).
 * The extreme of an answer is the largest score it reached; "alarm at some token" <=> extreme >= threshold. A promise
 * counts prompts, never answers or tokens: of a prompt's safe answers the largest extreme stands for it (no safe answer
 * of it alarms), of its unsafe ones the smallest (none of them is missed). */
#ifndef MIDSTREAM_RULE_H
#define MIDSTREAM_RULE_H

#include "aggregator.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MID_PROMISE_BYTES 512       /* of its words, with the final zero */

/* What a rule says about prompts it has not seen, from nothing to most. */
typedef enum mid_promise {
    MID_PROMISE_NONE,
    MID_PROMISE_ASSUMED,            /* holds if the score is what the words say, which no calibration set can show */
    MID_PROMISE_MEAN,               /* the rate is kept on average over calibration sets; one set may be off */
    MID_PROMISE_CONFIDENT           /* the rate is kept by all but a share 1 - confidence of calibration sets */
} mid_promise;
/** "none", "assumed", "mean", "confident". Static. */
MID_API const char *mid_promise_name(mid_promise promise);

/** A rule as it decides. Plain data. */
typedef struct mid_rule {
    const char *name;               /* registry name, static */
    double threshold;               /* stop when score >= threshold; +INFINITY: never */
    double lowest, highest;         /* every threshold in between keeps the promise as well; NaN without one */
    double clear;                   /* sprt, below 0: at <= clear the walk is cleared and begins again at 0; 0: never */
    bool can_hold;                  /* three_way: hold and escalate when score >= hold, short of the threshold */
    bool hold_alarms;               /* what is held counts as an alarm in mid_rule_alarm() */
    double hold;
    bool feasible;                  /* false: the rule never alarms, for no threshold keeps what was asked for, or no
                                       alarm at all is best */
    mid_promise kind;               /* of an infeasible rule: what was asked for */
    double false_alarm, miss;       /* shares of safe and unsafe prompts promised; NaN: not asked for */
    double confidence;              /* of MID_PROMISE_CONFIDENT, for all its statements together; else NaN */
    double nearest_false_alarm, nearest_miss;   /* when infeasible: the nearest rates that are feasible; NaN: none */
    size_t n_safe, n_unsafe;        /* calibration prompts behind it */
    uint32_t max_tok;               /* the promise is withdrawn beyond that many tokens, and as far as it is about
                                       misses for answers cut before them; 0: no limit was stated */
    char promise[MID_PROMISE_BYTES];    /* the promise, or why there is none, in words */
} mid_rule;

typedef struct mid_rule_info {
    const char *name, *summary, *source;
    const mid_param *params;        /* ends with name NULL; NULL: none. A default of NaN: not asked for */
    bool reads_scores;              /* wants whole answers, mid_rule_set.score */
} mid_rule_info;
/** Registry, alphabetical, ends with name NULL. Static. */
MID_API const mid_rule_info *mid_rule_list(void);

/** Calibration answers, used for nothing else. All is borrowed. */
typedef struct mid_rule_set {
    size_t n;
    const double *extreme;          /* (n) largest score of each answer; -INFINITY: it never had one */
    const uint8_t *label;           /* (n) 0 safe, 1 unsafe */
    const uint32_t *group;          /* (n) prompt groups, any numbers */
    const mid_scored_answer *score; /* (n) all scores of each answer, -INFINITY where there is none yet; their labels
                                       play no part. NULL: not at hand. Read by sprt, and by cost_optimal where tokens
                                       cost */
    const int32_t *onset_tok;       /* (n) first unsafe token of unsafe answers, -1 unknown: then 0; NULL: all are */
    uint32_t max_tok;               /* where answers were cut; goes into the rule */
} mid_rule_set;

/**
 * Choose a threshold.
 * @param params NULL: defaults. "joint" is the number of statements that are to hold together, such as one per
 *        language: each then gets (1 - confidence) / joint
 * @param[out] rule  feasible false (with MID_OK) when no threshold keeps the promise; then the words and nearest_* say
 *         which rates could be kept. Untouched on error
 * @return MID_ENOTFOUND no such rule; MID_EINVAL an unknown parameter or one given twice, a value outside its range, or
 *         a label other than 0 or 1; MID_EUNDEFINED without both classes, or without whole scores, where the rule
 *         needs them; MID_ENUMERIC on NaN; MID_ELIMIT above 2^31 - 1 answers; MID_ENOMEM
 */
MID_API mid_status mid_rule_fit(mid_ctx *ctx, const char *name, const mid_param *params, const mid_rule_set *set,
                                mid_rule *rule);
/** How many calibration prompts are needed before anything is collected: with fewer the rule cannot be feasible, with
 *  as many a single-sided promise is. 0: none of that class. @return MID_ENOTFOUND, MID_EINVAL as above. */
MID_API mid_status mid_rule_needs(mid_ctx *ctx, const char *name, const mid_param *params, size_t *n_safe,
                                  size_t *n_unsafe);

/* ---- deciding ---- */

typedef enum mid_verdict {
    MID_VERDICT_UNSCORED,           /* the score is NaN: nothing was judged, so nothing is safe */
    MID_VERDICT_CLEARED,            /* sprt: evidence for safe is enough for now; monitoring goes on */
    MID_VERDICT_ALLOW,
    MID_VERDICT_HOLD,               /* wait and escalate: ask a dearer monitor or a person */
    MID_VERDICT_STOP                /* the alarm; all later tokens have it too */
} mid_verdict;
/** "unscored", "cleared", "allow", "hold", "stop". Static. */
MID_API const char *mid_verdict_name(mid_verdict verdict);

/** Where one answer stands. Plain data; zeroed: before the first token. */
typedef struct mid_rule_state {
    uint64_t n_tok;
    double base;                    /* where the walk began last */
    bool stopped, unscored;         /* at any token so far */
} mid_rule_state;

/** The next token's score. -INFINITY (nothing to say yet) is allowed. Cannot fail. */
MID_API mid_verdict mid_rule_push(const mid_rule *rule, mid_rule_state *state, double score);
/** Is the promise still about this answer? False once it is longer than max_tok or had a token without a score, where
 *  it is assumed also once it was cleared; of a rule without a promise always false. Only the caller knows that an
 *  answer is cut before max_tok: then a promise about misses does not hold. */
MID_API bool mid_rule_holds(const mid_rule *rule, const mid_rule_state *state);
/** First index with an alarm, or n. NaN is no alarm. @param score (n), from the first token on. */
MID_API size_t mid_rule_alarm(const mid_rule *rule, const double *score, size_t n);

/* ---- checking a promise by resplits ---- */

/** One of the promised rates over all resplits. */
typedef struct mid_resplit_rate {
    double asked;                   /* NaN: not promised, and there is nothing else to say */
    size_t n;                       /* resplits that measured it: with a threshold, and such prompts to try */
    size_t n_above;                 /* of those, above what was asked; noise alone puts many there */
    double mean, sd, lowest, highest;   /* of the realised rates of those; NaN: too few */
    double level, tolerance;        /* MID_PROMISE_MEAN: the mean with 0 where there was no threshold, and 3 standard
                                       errors of it, in which the tried half's binomial noise is; else NaN */
} mid_resplit_rate;

/** What came of calibrating on one half of the prompts and trying the rule on the other, again and again. */
typedef struct mid_resplit {
    size_t n, n_infeasible;         /* a resplit without a threshold counts as kept */
    size_t n_prompt;
    mid_promise kind;
    double confidence;              /* of MID_PROMISE_CONFIDENT; else NaN */
    mid_resplit_rate false_alarm, miss;
    size_t n_beyond, n_allowed;     /* MID_PROMISE_CONFIDENT: resplits with a rate above what was asked by more than the
                                       tried half's noise explains, and how many may be; else 0 */
    bool kept;                      /* as far as this check sees, also when there was nothing to see */
    char words[MID_PROMISE_BYTES];  /* that, and what it does not say */
} mid_resplit;
/**
 * Cut the prompts in half at random, n_resplit times over: calibrate on one half, count what the promise counts on the
 * other. A check, no proof: the cut itself makes the halves alike, so it finds a rule that does not do what it says,
 * never that other prompts will differ from these.
 * @param name, params, set  as of mid_rule_fit()
 * @param n_resplit  1 .. MID_RESPLIT_MAX
 * @param[out] out  untouched on error
 * @return as mid_rule_fit(); MID_EINVAL for n_resplit; MID_EUNDEFINED for a rule that promises nothing which
 *         calibration could keep, and with fewer than two prompts of a class it promises something about
 */
MID_API mid_status mid_rule_resplit(mid_ctx *ctx, const char *name, const mid_param *params, const mid_rule_set *set,
                                    size_t n_resplit, uint64_t seed, mid_resplit *out);
enum { MID_RESPLIT_MAX = 100000 };

/* ---- losses that are no alarms ---- */

/** Mean losses of one family of thresholds. */
typedef struct mid_risk {
    const double *mean_loss;        /* (n_threshold) over prompts, in an order fixed beforehand: the safest first */
    size_t n_threshold, n_prompt;
    double bound;                   /* each prompt's loss lies in 0 .. bound; 0: 1 */
    double level;                   /* expected loss to keep, above 0, below bound */
    double confidence;              /* 0: on average (conformal risk control, for losses that never fall along the
                                       order); else Hoeffding-Bentkus */
} mid_risk;
/**
 * How far one may go along the order: from the first threshold up to the last before the first failure.
 * @param[out] n_kept  thresholds 0 .. n_kept - 1 keep the level; 0: none does. Untouched on error
 * @return MID_EINVAL for a value outside its range; MID_ENUMERIC for a mean loss outside 0 .. bound
 */
MID_API mid_status mid_risk_walk(mid_ctx *ctx, const mid_risk *risk, size_t *n_kept);

/* ---- rule files ---- */

/** Which score a rule belongs to. */
typedef struct mid_rule_subject {
    char monitor[MID_SPEC_BYTES];   /* with its aggregators, as mid_monitor_spec_text() writes it; "": not known */
    char version[64];               /* the monitor's and its aggregators', "1" or "1+2"; with ":" and twelve hex
                                       digits where parameters in no fitted file are not the defaults */
    char observer[65];              /* mid_signals.observer; of two observers the SHA-256 of both */
    char fitted[65];                /* SHA-256 of the fitted file as mid_weights_save() writes it; "": none */
} mid_rule_subject;
/** @param params what the monitor was opened with; NULL: defaults. Not looked at with weights, which hold them
 *  @param weights NULL: nothing was fitted. @return MID_EINVAL for a parameter it does not have; MID_ENOMEM. */
MID_API mid_status mid_rule_subject_of(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_param *params,
                                       const mid_signals *signals, const mid_weights *weights, mid_rule_subject *out);

/** One rule, or one per value of a field such as the language, with what they were calibrated on. */
typedef struct mid_rule_file mid_rule_file;

typedef struct mid_rule_file_opts {
    size_t size;
    const char *rule;               /* registry name */
    const mid_param *params;        /* NULL: defaults */
    const mid_rule_subject *subject;    /* NULL: not known, so the rule will not be used for any monitor */
    const char *population;         /* whom the promise is about; NULL: "prompts like the calibration prompts" */
    const char *by;                 /* a field, one rule for each of its values; NULL: one rule */
    const char *const *by_value;    /* (n_by) */
    size_t n_by;                    /* at most MID_RULE_BY_MAX */
    const uint32_t *by_of;          /* (set->n) which value each answer has, < n_by */
} mid_rule_file_opts;
enum { MID_RULE_BY_MAX = 256 };
MID_API mid_rule_file_opts mid_rule_file_opts_default(void);

/** mid_rule_fit() on all answers, or on those of each value; confident rules then hold jointly ("joint" times n_by).
 *  @param[out] out owned; rules may be infeasible. @return also MID_EINVAL for options outside their range. */
MID_API mid_status mid_rule_file_fit(mid_ctx *ctx, const mid_rule_file_opts *opts, const mid_rule_set *set,
                                     mid_rule_file **out);
MID_API void mid_rule_file_close(mid_rule_file *file);

/* What getters return lives as long as the file. */
MID_API const char *mid_rule_file_by(const mid_rule_file *file);    /* NULL: one rule for all */
MID_API size_t mid_rule_file_n(const mid_rule_file *file);
/** The i-th rule, i < n. @param[out] by_value may be NULL; NULL in a file with one rule for all. */
MID_API const mid_rule *mid_rule_file_at(const mid_rule_file *file, size_t i, const char **by_value);
/** The rule for a value of the field (in a file with one rule for all: whatever it is). NULL: none was calibrated. */
MID_API const mid_rule *mid_rule_file_find(const mid_rule_file *file, const char *by_value);
MID_API const mid_rule_subject *mid_rule_file_subject(const mid_rule_file *file);
MID_API const char *mid_rule_file_population(const mid_rule_file *file);

/** All calibration answers, sorted by extreme: what live scores are compared with. */
typedef struct mid_rule_extremes {
    size_t n;
    const double *extreme;          /* (n) rising; -INFINITY: never had a score */
    const uint8_t *label;           /* (n) */
    const uint32_t *group;          /* (n) prompts, numbered from 0 */
    const uint32_t *by;             /* (n) index of its rule */
} mid_rule_extremes;
MID_API const mid_rule_extremes *mid_rule_file_extremes(const mid_rule_file *file);

/** Was the file calibrated for this score? @return MID_OK; MID_EMISMATCH, naming both; a file that does not say whose
 *  score it is belongs to none. */
MID_API mid_status mid_rule_file_check(mid_ctx *ctx, const mid_rule_file *file, const mid_rule_subject *subject);

/** JSON text of one version. @param[out] bytes owned, free with mid_free(). Same file, same bytes.
 *  @return MID_EUNDEFINED if a rule is infeasible: a file that never alarms helps nobody; MID_ENOMEM. */
MID_API mid_status mid_rule_file_pack(mid_ctx *ctx, const mid_rule_file *file, void **bytes, size_t *n);
/** A stranger's bytes are checked before use: MID_EFORMAT names what is wrong, MID_EVERSION a file of a later version;
 *  MID_ELIMIT above 256 MiB; MID_ENOMEM. A rule must be the one that the extremes and parameters in the file give, and
 *  its words are this library's; of those that read whole scores (sprt with a confidence, cost_optimal with costs of
 *  tokens), which no file holds, the numbers only have to fit together. That the extremes were ever measured, and over
 *  max_tok tokens, is believed: take rules from whom you would take the monitor. */
MID_API mid_status mid_rule_file_unpack(mid_ctx *ctx, const void *bytes, size_t n, mid_rule_file **out);
MID_API mid_status mid_rule_file_save(mid_ctx *ctx, const mid_rule_file *file, const char *path);
MID_API mid_status mid_rule_file_load(mid_ctx *ctx, const char *path, mid_rule_file **out);

#ifdef __cplusplus
}
#endif
#endif
