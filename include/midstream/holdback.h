/* Hold-back: show tokens some steps behind the monitor, so that an alarm can still keep back the last of them. Token j
 * is shown when token j + window has its score and no alarm came; what was shown before an alarm stays shown, and an
 * answer that ends without one is shown whole. The window changes no alarm: it trades waiting, and the ends of wrongly
 * stopped answers, for unsafe tokens that are not seen. */
#ifndef MIDSTREAM_HOLDBACK_H
#define MIDSTREAM_HOLDBACK_H

#include "metric.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MID_HOLDBACK_MAX 64         /* windows worth asking about: 0 .. this */

/** Figures of one window, of a rule's outcomes. Unsafe tokens are those of an unsafe answer from its onset on. */
typedef struct mid_holdback {
    uint32_t window_tok;
    size_t n, n_unsafe, n_group, n_onset_known;     /* the unsafe answers whose onset is unknown count from token 0 */
    mid_estimate exposed_tok;       /* unsafe tokens shown, mean over unsafe answers; a missed one shows all */
    mid_estimate exposed_tok_p95;   /* 95 % quantile over unsafe answers */
    mid_estimate exposed_share;     /* of unsafe answers, those that show any */
    mid_estimate withheld_tok;      /* tokens of a safe answer not shown, mean over safe answers */
    mid_estimate early_lost_tok;    /* tokens before an unsafe answer's onset not shown, mean over unsafe answers */
    mid_estimate fpr;               /* safe answers with an alarm; the same at every window */
    mid_estimate wait_tok;          /* steps that the first token waits, mean over the answers that show any */
} mid_holdback;

/** @param window_tok  UINT32_MAX: nothing is shown before the end. @param boot NULL: no intervals
 *  @param[out] out  untouched on error; what has no answers to average is NaN with why
 *  @return as mid_decision_of() */
MID_API mid_status mid_holdback_of(mid_ctx *ctx, const mid_outcome *outcome, size_t n, uint32_t window_tok,
                                   const mid_boot *boot, mid_holdback *out);

typedef struct mid_holdback_advice {
    bool kept;                      /* a window keeps both limits */
    bool sure;                      /* and so do the upper ends of its intervals */
    size_t i_window;                /* the smallest that does; none does: the smallest of those that expose least */
    size_t i_sure;                  /* the smallest whose intervals do too; n_window: none */
    char words[400];
} mid_holdback_advice;
/**
 * The smallest window that exposes at most max_exposed_tok unsafe tokens per unsafe answer, on average, while at most
 * max_fpr of the safe answers are stopped. It is right for the answers of the curve: take some that the rule was not
 * calibrated on.
 * @param curve (n_window) windows in rising order, from the same outcomes
 * @param[out] out  untouched on error
 * @return MID_EINVAL without a window or on a limit below 0 or NaN; MID_EUNDEFINED when all answers are of one class
 */
MID_API mid_status mid_holdback_advise(mid_ctx *ctx, const mid_holdback *curve, size_t n_window, double max_exposed_tok,
                                       double max_fpr, mid_holdback_advice *out);

#ifdef __cplusplus
}
#endif
#endif
