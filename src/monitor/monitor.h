/* What the rooms share about monitors beyond the public header. */
#ifndef MID_MONITOR_MONITOR_H
#define MID_MONITOR_MONITOR_H

#include "midstream/aggregator.h"

/* A parameter's value from a complete list (fit and open get one); the name must be in the descriptor. */
double mid__param_number(const mid_param *params, const char *name);
const char *mid__param_text(const mid_param *params, const char *name);
/* defaults + overrides -> a complete list, (n + 1) with the end mark, owned (free); refuses unknown names. what: "monitor x". */
mid_status mid__param_merge(mid_ctx *ctx, const char *what, const mid_param *defaults, const mid_param *overrides,
                            mid_param **out);

/* Labels are 0 or 1 (MID_EINVAL), and both are there: MID_EUNDEFINED with the counts if one class is missing. */
mid_status mid__fit_set_check(mid_ctx *ctx, const mid_fit_set *set);

/* Weights of a spec: own, the monitor's (NULL: it learns nothing), and what its aggregators learn from its scores. scores may
 * be NULL where none of them does. *out owned. */
mid_status mid__monitor_compose(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_param *params,
                                const mid_signals *signals, const mid_weights *own, const mid_score_set *scores,
                                mid_weights **out);

/* Bytes of a stream's state under a plan. */
static inline size_t mid__state_size(const mid_monitor_ops *ops, const void *plan)
{
    return ops->state_size_of ? ops->state_size_of(plan) : ops->state_size;
}

/* An open monitor without a stream around its state: state_size bytes, aligned like what malloc gives. start and push as
 * for a stream; what push leaves on failure is not said, as a member's state may have moved on. */
size_t mid__monitor_state_size(const mid_monitor *monitor);
mid_status mid__monitor_start(const mid_monitor *monitor, void *state, const mid_prompt *prompt);
mid_status mid__monitor_push(const mid_monitor *monitor, void *state, const mid_step *step, double *score);

/* mid_stream_score() that tells, after each token, how the stream stands. seen NULL: nobody asks. */
typedef void (*mid__seen_fn)(void *user, const mid_stream *stream, uint32_t i_tok);
mid_status mid__stream_score(mid_ctx *ctx, mid_stream *stream, const mid_trace *trace, double *score, float *cost_us,
                             mid__seen_fn seen, void *user);

#endif
