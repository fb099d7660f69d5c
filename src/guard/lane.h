/* A lane: one channel of one choice as a text of its own, read along by every monitor of a policy. It says how many of
 * its bytes may leave. */
#ifndef MID_GUARD_LANE_H
#define MID_GUARD_LANE_H

#include "base/piece.h"
#include "guard/framing.h"
#include "guard/policy.h"

typedef enum mid__lane_state {
    MID__LANE_OPEN,
    MID__LANE_ENDED,                /* all of it was judged and may leave */
    MID__LANE_STOPPED,              /* an alarm, here or in another lane of the choice: nothing more leaves */
    MID__LANE_UNSCANNED             /* it could not be judged, and the policy is closed for that cause: nothing more
                                     * leaves */
} mid__lane_state;

/* What one monitor made of the lane. */
typedef struct mid__reading {
    mid_stream *stream;
    mid_rule_state rule;
    double highest;                 /* score so far; -INFINITY: none */
    uint64_t highest_byte;          /* where that piece ends */
    bool dead;                      /* it failed once, and reads no more of this lane */
} mid__reading;

typedef struct mid__lane {
    const mid__policy *policy;
    mid_ctx *ctx;
    uint32_t i_choice, i_call;
    mid__channel channel;
    mid__lane_state state;
    mid__pieces pieces;
    uint64_t n_byte;                /* that came */
    uint64_t n_free;                /* of those, from the front, that may leave */
    uint64_t n_piece, end_byte;     /* judged; where the last of those ends */
    uint64_t n_clean;               /* their bytes in the form in which they are read */
    uint64_t *end;                  /* (hold_back + 1) ring: ends of the pieces judged last; NULL: nothing leaves before
                                     * the end */
    bool alarm;                     /* in mode observe the lane goes on */
    uint64_t stop_byte;             /* of the first alarm: where its piece begins */
    uint32_t i_watch;               /* whose alarm it was */
    uint32_t unscanned;             /* causes, a bit each, for which some of it was not judged */
    char trouble[160];              /* of the first of those */
    mid__reading reading[MID__WATCH_MAX];
} mid__lane;

/* A monitor that cannot start is a lane that could not be scanned. @param span  whose lane; its value is not looked at
 * @param overload  nobody has time to read it. @param[out] out  owned. @return MID_ENOMEM. */
mid_status mid__lane_open(mid_ctx *ctx, const mid__policy *policy, const mid__span *span, bool overload,
                          mid__lane **out);
void mid__lane_close(mid__lane *lane);
/* The next bytes of the text; what comes to a lane that is not open is counted and nothing else. */
void mid__lane_put(mid__lane *lane, const char *bytes, size_t n);
void mid__lane_end(mid__lane *lane);
void mid__lane_stop(mid__lane *lane);
/* Does the rules' promise hold for what was read? False where none of them makes one. */
bool mid__lane_promise(const mid__lane *lane);

#endif
