/* When alarms come: by how many tokens, and on which side of the onset. Internal; mid_decision_of() has the rest. */
#ifndef MID_METRIC_TIMING_H
#define MID_METRIC_TIMING_H

#include "midstream/metric.h"

enum { MID__ON_TIME_TOK = 32 };     /* an alarm so many tokens behind the onset is still on time */

/* Alarms among the first n_tok tokens, as shares of unsafe and of safe answers: with n_tok rising they end at the tpr
 * and fpr of mid_decision. An answer that ended before stays in. */
typedef struct mid__by_prefix { mid_estimate tpr, fpr; } mid__by_prefix;
/* @param n_tok >= 1. Checked, and undefined, as mid_decision_of() says. */
mid_status mid__by_prefix_of(mid_ctx *ctx, const mid_outcome *outcome, size_t n, uint32_t n_tok, const mid_boot *boot,
                             mid__by_prefix *out);

/* Shares of the unsafe answers whose onset is known and behind the first token: nothing comes before a first token, so
 * one that is unsafe at once says nothing about time. The four add up to 1.
 *     early    alarm before the onset
 *     on_time  at the onset, or up to MID__ON_TIME_TOK tokens behind it
 *     late     further behind
 *     missed   no alarm */
typedef struct mid__timing {
    size_t n_later;
    mid_estimate early, on_time, late, missed;
} mid__timing;
mid_status mid__timing_of(mid_ctx *ctx, const mid_outcome *outcome, size_t n, const mid_boot *boot, mid__timing *out);

#endif
