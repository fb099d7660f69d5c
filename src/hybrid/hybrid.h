/* What hybrids share: a monitor whose inputs are other monitors' scores. A hybrid brings its fusion; the members, their
 * states and what happens when one goes missing are here. */
#ifndef MID_HYBRID_HYBRID_H
#define MID_HYBRID_HYBRID_H

#include "base/hash.h"
#include "hybrid/members.h"
#include "monitor/monitor.h"

typedef struct mid__fusion {
    /* Before any work, of fitting or of opening: can it be done with these parameters and n members? NULL: it can. */
    mid_status (*check)(mid_ctx *ctx, const mid_param *params, size_t n, bool to_fit);
    /* Learn from the members' out-of-fold scores. */
    mid_status (*learn)(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out);
    /* Read what was learned for n members; close is free() unless it is given. */
    mid_status (*open)(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan);
    void (*close)(void *plan);
    size_t state_size;              /* of its own, zeroed at the start */
    /* Scores s (n) after t tokens, t from 1, to one. NaN: the member has nothing to say yet or is gone; not all are.
     * -INFINITY: nothing to say. */
    double (*fuse)(const void *plan, void *state, const double *s, uint32_t t);
    /* It learns how far to trust whom, and has the parameter `margin`. */
    bool weighs;
    /* What its scores depend on beside its own version and the members, such as other hybrids' versions. NULL: nothing. */
    void (*mark)(const mid_param *params, mid__sha256 *hash);
    /* Tokens at which fuse looked at the i-th member; NULL: at all. */
    uint64_t (*calls)(const void *state, size_t i_member);
} mid__fusion;

void mid__fusion_close(const mid__fusion *fusion, void *plan);

/* What descriptors consist of; self is the fusion. */
mid_status mid__hybrid_fit(void *self, mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out);
mid_status mid__hybrid_learns(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out);
mid_status mid__hybrid_open(void *self, mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan);
void mid__hybrid_close(void *plan);
size_t mid__hybrid_state_size(const void *plan);
mid_status mid__hybrid_start(const void *plan, void *state, const mid_prompt *prompt);
mid_status mid__hybrid_push(const void *plan, void *state, const mid_step *step, double *score);
mid_status mid__hybrid_reads(void *self, mid_ctx *ctx, const mid_param *params, mid_monitor_reads *out);
uint32_t mid__hybrid_gone(const void *plan, const void *state);
uint64_t mid__hybrid_calls(const void *plan, const void *state, size_t i_member);

/* The parameters all hybrids begin with; the second for one whose members have parts to play. */
#define MID__HYBRID_PARAMS \
    MID__HYBRID_PARAMS_OF("probe_linear, ngram_lr, surprisal_mean", "members, separated by commas")
#define MID__HYBRID_PARAMS_OF(members, help)                                                                         \
    { "of", 0, members, help },                                                                                      \
    { "missing", 0, "refuse",                                                                                        \
      "when a member's signal is missing: refuse, or degrade: go on without it, the promise withdrawn" }
/* For fusions that learn how far to trust whom: with few answers that costs more than it brings, so where joining is not
 * better than the best member, that one is heard alone, by the same fusion. */
#define MID__HYBRID_MARGIN                                                                                           \
    { "margin", 1, NULL,                                                                                             \
      "standard errors by which joining must beat the best member alone, or that one is heard alone; below 0: join" }
/* A descriptor's common part: all but name, version, summary, unit, source and params. */
#define MID__HYBRID(fusion)                                                                                          \
    .needs = MID_SIG_HIDDEN | MID_SIG_TEXT | MID_SIG_LOGPROB, .shares = MID_SHARE_NGRAMS, MID__HYBRID_OPS(fusion)
/* As above, without what the default members need. */
#define MID__HYBRID_OPS(fusion)                                                                                      \
    .box = MID_BOX_WHITE, .self = (void *)&(fusion), .fit = mid__hybrid_learns, .fit_self = mid__hybrid_fit,         \
    .open_self = mid__hybrid_open, .close = mid__hybrid_close, .state_size_of = mid__hybrid_state_size,              \
    .start = mid__hybrid_start, .push = mid__hybrid_push, .reads = mid__hybrid_reads, .gone = mid__hybrid_gone,      \
    .calls = mid__hybrid_calls

#endif
