/* Drift: are the answers of today still like those a rule was calibrated on? A promise is about new answers that are
 * exchangeable with the calibration answers; when they are not, nobody keeps it, so it is withdrawn.
 *   mid_drift       live: one answer after the other, for ever, with one bound on all false alarms together
 *   mid_two_sample  at once: two batches of answers
 * Both see an answer as its extreme, the largest score it reached, taken before anything was done about an alarm (an
 * answer that was stopped, retried or steered is no longer what was calibrated). Answers to one prompt are alike, which
 * looks like drift, so let one of them stand for each prompt.
 *
 * What they test is the mix of all answers. If more unsafe prompts arrive than there were among the calibration answers
 * the check alarms too, although a promise about safe answers alone may still be kept: who wants to tell the two apart
 * gives extremes of one class on either side. */
#ifndef MIDSTREAM_DRIFT_H
#define MIDSTREAM_DRIFT_H

#include "rule.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mid_drift_state {
    MID_DRIFT_HOLDS,                /* no proof of a shift so far; that is no proof of none */
    MID_DRIFT_WITHDRAWN             /* for good: only a new calibration helps */
} mid_drift_state;

typedef struct mid_drift_opts {
    size_t size;                    /* sizeof(mid_drift_opts) */
    double alpha;                   /* P(ever withdrawn, though nothing has changed) is at most this; 0: .01 */
    uint32_t keep_max;              /* answers kept for comparison beyond the calibration answers; 0: 4096 */
    uint64_t seed;                  /* of breaking ties, and of who makes room once keep_max is reached */
    const char *path;               /* the file in which the state outlives the run; NULL: it does not */
    const char *of;                 /* with path: what is checked, in any words; a file of something else is refused */
    bool look_only;                 /* with path: take what is there (MID_ENOTFOUND if nothing is), and never write */
} mid_drift_opts;
MID_API mid_drift_opts mid_drift_opts_default(void);

typedef struct mid_drift_verdict {
    mid_drift_state state;
    uint64_t n;                     /* answers since calibration */
    uint64_t n_at_alarm;            /* how many it took; 0: none yet */
    double p;                       /* of the last answer: share of answers above, uniform without drift; NaN: none */
    double ln_evidence;             /* ln of the bet's capital, which began at 1 */
    double ln_evidence_max;         /* the largest so far; withdrawn at -ln(alpha) */
    const char *shift;              /* once withdrawn, where the answers went: "higher", "lower", "apart" (to both ends)
                                       or "together" (to the middle); NULL before. Static */
    char words[400];                /* for a person: whether the promise stands, and why */
} mid_drift_verdict;

typedef struct mid_drift mid_drift;

/**
 * Begin to compare with calibration answers, or go on where the last run with the same opts->path stopped. If these and
 * the answers to come are exchangeable, the check ever says MID_DRIFT_WITHDRAWN with a probability of at most
 * opts->alpha, however long it runs; with a path over all runs that share it, together. That is over the draw of the
 * calibration answers, as conformal promises are. A path that is not there yet is a beginning, so who deletes the file,
 * or gives each run its own, has alpha for each of them.
 * @param extreme (n) of the calibration answers, in any order; infinities are fine
 * @param group (n) prompts, any numbers: of the answers to one prompt one is drawn. NULL: each has its own
 * @param opts NULL: defaults
 * @param[out] out  owned; a flat state of 24 bytes an answer, calibration prompts and keep_max, and 128 KiB for the
 *         prompts heard, that never grows
 * @return MID_EUNDEFINED when n is 0; MID_ENUMERIC on NaN; MID_EINVAL unless 0 < alpha < 1; MID_ELIMIT when
 *         n + keep_max is above 2^31 - 1; MID_ENOMEM. Of the file: MID_EMISMATCH when it is the state of another check
 *         (other calibration answers, `of`, alpha or keep_max); MID_EFORMAT, MID_EVERSION; MID_EIO, also while another
 *         run has it. A file is held until the check is closed, by a lock on PATH.lock that a killed run leaves free
 */
MID_API mid_status mid_drift_open(mid_ctx *ctx, const double *extreme, const uint32_t *group, size_t n,
                                  const mid_drift_opts *opts, mid_drift **out);
/** mid_drift_open() with the extremes of a rule file, all classes and rules together, and the SHA-256 of all it
 *  says but the words of its promises as `of`. */
MID_API mid_status mid_drift_open_rule(mid_ctx *ctx, const mid_rule_file *rule, const mid_drift_opts *opts,
                                       mid_drift **out);
/** Does not write: what was heard since the last mid_drift_write() is forgotten. */
MID_API void mid_drift_close(mid_drift *drift);
/** The next answer, in O(log n). @param[out] state  may be NULL. @return MID_ENUMERIC on NaN, then nothing changes. */
MID_API mid_status mid_drift_push(mid_drift *drift, double extreme, mid_drift_state *state);
/** The same for the first answer to a prompt; later ones are not heard. Prompts are told apart by 20 bits of a hash,
 *  and of two with the same the second is not heard, so after a million prompts about a third of the new ones is.
 *  @param[out] heard  whether the answer was; may be NULL */
MID_API mid_status mid_drift_push_prompt(mid_drift *drift, const char *prompt, double extreme, mid_drift_state *state,
                                         bool *heard);
/** Put the state into opts->path, whole or not at all: a run that is killed later has forgotten what it heard since and
 *  nothing else. A state of 8 bytes an answer and 128 KiB is written and synced, so not after each answer.
 *  @return MID_EINVAL without a path, or with look_only; MID_EIO; MID_ENOMEM */
MID_API mid_status mid_drift_write(mid_ctx *ctx, const mid_drift *drift);
MID_API void mid_drift_read(const mid_drift *drift, mid_drift_verdict *out);
/** Bytes of the state; a snapshot is that many, good for a check that was opened with the same. */
MID_API size_t mid_drift_size(const mid_drift *drift);
MID_API void mid_drift_save(const mid_drift *drift, void *snapshot);
MID_API void mid_drift_restore(mid_drift *drift, const void *snapshot);

/** Kolmogorov-Smirnov test of two batches. */
typedef struct mid_two_sample {
    size_t n_a, n_b;
    double distance;                /* largest gap between the shares of a and of b at or below a score */
    double p;                       /* P(such a gap or a larger one | exchangeable) */
    bool exact;                     /* over all ways to deal the pooled scores, ties as they are; else the limit law,
                                       which many ties make larger than it need be */
} mid_two_sample;
/** @param a (n_a), b (n_b) extremes, or the bins of a histogram as numbers
 *  @return MID_EUNDEFINED when either is empty; MID_ENUMERIC on NaN; MID_ELIMIT above 2^31 - 1 answers; MID_ENOMEM */
MID_API mid_status mid_two_sample_of(mid_ctx *ctx, const double *a, size_t n_a, const double *b, size_t n_b,
                                     mid_two_sample *out);

#ifdef __cplusplus
}
#endif
#endif
