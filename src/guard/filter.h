/* The filter: bytes of an upstream's answer in, bytes that may leave out, and a verdict. It knows no socket and no
 * clock. What comes out depends on what the answer says and on nothing else: not on where a network, the events or the
 * deltas cut it. */
#ifndef MID_GUARD_FILTER_H
#define MID_GUARD_FILTER_H

#include "base/buf.h"
#include "guard/lane.h"

/* How the answer ended. */
typedef enum mid__outcome {
    MID__OUTCOME_OPEN,              /* it has not */
    MID__OUTCOME_COMPLETE,          /* as the upstream ended it, or a choice of it was stopped */
    MID__OUTCOME_TRUNCATED,         /* the upstream broke off */
    MID__OUTCOME_ERROR,             /* the upstream said that it failed */
    MID__OUTCOME_MALFORMED,         /* it sent what nobody can read, or more than a limit allows */
    MID__OUTCOME_UNSCANNED          /* it could not be judged, and the policy is closed for that */
} mid__outcome;
const char *mid__outcome_name(mid__outcome outcome);

/* What was found, worst last. */
typedef enum mid__found { MID__FOUND_PASS, MID__FOUND_UNSCANNED, MID__FOUND_ALARM, MID__FOUND_STOP } mid__found;
const char *mid__found_name(mid__found found);

typedef struct mid__filter_opts {
    const mid__policy *policy;      /* borrowed until close */
    const mid__framing *framing;
    uint32_t n_choice;              /* asked for */
    bool overload;                  /* nobody has time to read it, and the policy is open for that */
    bool usage;                     /* the client asked for a usage event */
    size_t limit_bytes;             /* of a body, and of what is held back */
} mid__filter_opts;

typedef struct mid__filter mid__filter;
mid_status mid__filter_open(mid_ctx *ctx, const mid__filter_opts *opts, mid__filter **out);
void mid__filter_close(mid__filter *filter);

/* Bytes of an event stream as they come; what may leave is appended to out. @return the outcome: once it is not OPEN,
 * nothing more is to be read, and an upstream that goes on is to be cut off. */
mid__outcome mid__filter_events(mid__filter *filter, const char *bytes, size_t n, mid__buf *out);
/* The upstream's stream is over, however that came. */
mid__outcome mid__filter_end(mid__filter *filter, mid__buf *out);
/* A whole body at once, of an answer or of a refusal. out receives what the client may see: the body as it is where
 * nothing in it had to be changed. */
mid__outcome mid__filter_body(mid__filter *filter, const char *body, size_t n, mid__buf *out);

mid__found mid__filter_found(const mid__filter *filter);
const char *mid__filter_trouble(const mid__filter *filter);     /* why the outcome is not COMPLETE; "" */
size_t mid__filter_n_lane(const mid__filter *filter);
const mid__lane *mid__filter_lane(const mid__filter *filter, size_t i);
uint64_t mid__filter_n_delta(const mid__filter *filter);        /* events with text that came: about the tokens made */
size_t mid__filter_n_held(const mid__filter *filter);           /* bytes waiting */

#endif
