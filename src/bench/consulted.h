/* What a cascade spares: at how many tokens its members were consulted, and how many they had to read for that. */
#ifndef MID_BENCH_CONSULTED_H
#define MID_BENCH_CONSULTED_H

#include "hybrid/members.h"

typedef struct mid__consulted {
    double n_tok;                           /* 0: nothing was counted */
    double calls[MID__MEMBER_MAX];          /* tokens at which a member was consulted */
    double read[MID__MEMBER_MAX];           /* tokens up to each answer's last such one: the rest is read late */
} mid__consulted;

/* mid_stream_score() that counts along, unless sum is NULL. Nothing is counted for a monitor without members. */
mid_status mid__consulted_score(mid_ctx *ctx, mid_stream *stream, const mid_monitor_ops *ops, const mid_trace *trace,
                                double *score, float *cost_us, mid__consulted *sum);
/* Was any member not consulted at some token? */
bool mid__consulted_spares(const mid__consulted *sum, size_t n_member);

#endif
