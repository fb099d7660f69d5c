/* Groups of answers made by other processes: what rank 0 and the others say to each other (mid_crew in run.h). */
#ifndef MID_BENCH_CREW_H
#define MID_BENCH_CREW_H

#include "bench/set.h"

/* One group that a rank is to make. */
typedef struct mid__order {
    uint32_t i_data, is_second;     /* of which entry of the plan, and of which reading; UINT32_MAX: there is no more */
    uint32_t n;
    struct { uint64_t i_read; mid_key key; const char *said; } answer[MID_GROUP_N];     /* said: by a server, or NULL */
    void *bytes;                    /* owned: what `said` points into */
} mid__order;

bool mid__crew_works(const mid__run *run);      /* there are ranks beside rank 0 */
bool mid__crew_is_hand(const mid__run *run);    /* this is one of them */

/* Rank 0: tell a rank what to make; wait for it. A rank that failed says so with its next answer.
 * @param[out] trace  (n) owned  @param[out] judged  an equal share of each, zeros without a judge */
mid_status mid__crew_order(mid_ctx *ctx, const mid_crew *crew, int rank, const mid__order *order);
mid_status mid__crew_collect(mid_ctx *ctx, const mid_crew *crew, int rank, size_t n, mid_trace **trace,
                             mid__judged *judged);
/* Rank 0: there is no more to do. Whoever cannot be reached has ended already. */
void mid__crew_dismiss(const mid_crew *crew);

/* The others: wait for an order; hand in what it asked for, or why that cannot be. */
mid_status mid__crew_wait(mid_ctx *ctx, const mid_crew *crew, mid__order *order);
void mid__order_clear(mid__order *order);
mid_status mid__crew_hand_in(mid_ctx *ctx, const mid_crew *crew, size_t n, mid_trace *const *trace,
                             const mid__judged *judged);
void mid__crew_fail(mid_ctx *ctx, const mid_crew *crew, mid_status status);

#endif
