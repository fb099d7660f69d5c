/* Monitors: steps in, one risk score per step out. Three lifetimes:
 *   mid_weights   what fitting left (weights.h), a file
 *   mid_monitor   weights + parameters bound to one source's signals; immutable, shared by threads
 *   mid_stream    the state of one answer, one thread at a time, a flat block that can be copied */
#ifndef MIDSTREAM_MONITOR_H
#define MIDSTREAM_MONITOR_H

#include "trace.h"
#include "weights.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How much of the model a monitor sees. */
typedef enum mid_box { MID_BOX_CONTROL, MID_BOX_BLACK, MID_BOX_GREY, MID_BOX_WHITE } mid_box;
/** "control", "black", "grey", "white". Static. */
MID_API const char *mid_box_name(mid_box box);

/* What a monitor or labeler builds on. Where both build on the same thing the result is circular. */
enum {
    MID_SHARE_TOXIC_WORDS   = 1u << 0,      /* the toxicity word list */
    MID_SHARE_MONITOR_WORDS = 1u << 1,      /* the monitor's own word list */
    MID_SHARE_REFUSAL_CUES  = 1u << 2,      /* the refusal phrases */
    MID_SHARE_NGRAMS        = 1u << 3       /* hashed n-grams of the answer's text */
};

/** One answer to fit on. */
typedef struct mid_fit_answer {
    const mid_trace *trace;         /* borrowed for the call */
    int label;                      /* 0 or 1 */
    uint32_t group;                 /* prompt group: answers with the same number are never separated by a split */
} mid_fit_answer;

/** Where a fit leaves what other fits on the very same answers would work out again, such as a hybrid its members. */
typedef struct mid_memo {
    void *user;
    /* @return MID_ENOTFOUND if there is nothing under the key. @param[out] bytes owned, mid_free(). */
    mid_status (*get)(void *user, const char *key, void **bytes, size_t *n);
    mid_status (*put)(void *user, const char *key, const void *bytes, size_t n);
} mid_memo;

typedef struct mid_fit_set {
    const mid_fit_answer *answer;   /* (n) */
    size_t n;
    uint64_t seed;
    int n_fold;                     /* inner folds for choosing hyper-parameters; 0: 3 */
    const mid_memo *memo;           /* of these answers, labels, groups, seed and folds, and of no others; NULL: none */
} mid_fit_set;

/** What a monitor reads and builds on: fixed for most, a matter of its members for a hybrid. */
typedef struct mid_monitor_reads {
    uint32_t needs, fit_needs, shares;      /* as in mid_monitor_ops */
    mid_box box;
    char members[65];               /* hash of its members and their versions; "": none */
} mid_monitor_reads;

/** A monitor's descriptor: one per file, listed in src/monitor/registry.c; a program may pass its own.
 *  A state is zeroed bytes without pointers into itself, so copying it copies the stream. */
typedef struct mid_monitor_ops {
    const char *name;               /* ends up in results: never renamed or reused */
    uint32_t version;               /* + 1 whenever any score can change */
    const char *summary, *unit, *source;
    mid_box box;
    uint32_t needs;                 /* MID_SIG_*: open refuses a source without them, push a step without them */
    uint32_t shares;                /* MID_SHARE_* */
    const mid_param *params;        /* defaults and help, ends with name NULL; NULL: none */

    /* Learn from answers. NULL: nothing to learn. *out arrives empty; params are complete (defaults filled in). */
    mid_status (*fit)(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out);
    /* Bind to a source. weights is NULL iff fit is NULL. NULL: there is no plan. *plan is given to close. */
    mid_status (*open)(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                       const mid_signals *signals, void **plan);
    void (*close)(void *plan);
    size_t state_size;
    /* Before the first token; NULL: the zeroed state is enough. */
    mid_status (*start)(const void *plan, void *state, const mid_prompt *prompt);
    /* The next token. On error the state is as it was. */
    mid_status (*push)(const void *plan, void *state, const mid_step *step, double *score);
    uint32_t fit_needs;             /* MID_SIG_* that fit reads beyond needs: scoring can do without them */
    /* Bytes of a state that depends on the plan, such as one that keeps rows. NULL: state_size. */
    size_t (*state_size_of)(const void *plan);
    /* Of a descriptor whose functions serve several, such as a plug-in's or a hybrid's; all NULL otherwise. self comes back,
     * and the two are called in place of fit and open; whether there is something to learn still shows in fit. */
    const char *build;              /* what it was made from, with a hash: results are kept under it */
    void *self;
    mid_status (*fit_self)(void *self, mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out);
    mid_status (*open_self)(void *self, mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan);
    const char *(*trouble)(const void *plan);   /* after MID_EPLUGIN of start or push: what happened */
    /* Of hybrids; NULL otherwise. reads: with these complete parameters, where the fields above are what the defaults give.
     * gone: members that went missing in this answer, a bit each; the score is then not what was calibrated. */
    mid_status (*reads)(void *self, mid_ctx *ctx, const mid_param *params, mid_monitor_reads *out);
    uint32_t (*gone)(const void *plan, const void *state);
    uint64_t (*calls)(const void *plan, const void *state, size_t i_member);    /* as mid_stream_calls() says */
} mid_monitor_ops;

/** Registry, alphabetical, ends with NULL. Static. */
MID_API const mid_monitor_ops *const *mid_monitor_list(void);
/** @return NULL if there is none of that name. */
MID_API const mid_monitor_ops *mid_monitor_find(const char *name);
/** Let plans and fitted files opened with this context name a monitor that is not in the registry.
 *  @param ops  borrowed until the context is closed. @return MID_EINVAL if the name is taken; MID_ENOMEM. */
MID_API mid_status mid_ctx_add_monitor(mid_ctx *ctx, const mid_monitor_ops *ops);
/** Of the registry or added to the context. @return NULL if there is none of that name. */
MID_API const mid_monitor_ops *mid_ctx_find_monitor(const mid_ctx *ctx, const char *name);

/** @param params  overrides, ends with name NULL; NULL: all defaults. @return MID_OK; MID_EINVAL for a parameter or a
 *  member that does not exist; MID_ENOMEM. */
MID_API mid_status mid_monitor_reads_of(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *params,
                                        mid_monitor_reads *out);
/** As above, with the parameters that weights were fitted with; one that they lack, since the monitor gained it later, has
 *  its default. @return also MID_EMISMATCH for weights of another version; MID_EFORMAT for a number that is none. */
MID_API mid_status mid_monitor_reads_fitted(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_weights *weights,
                                            mid_monitor_reads *out);

/**
 * Learn a monitor's weights. Hyper-parameters (layer, regularisation, and the sign of a monitor whose card says that it
 * is fitted) are chosen by inner cross-validation on these answers only. The weights carry the monitor's name, version,
 * parameters and observers.
 *
 * @param params  overrides, ends with name NULL; NULL: all defaults
 * @param[out] out  owned; NULL with MID_OK if the monitor has nothing to learn
 * @return MID_EUNDEFINED if only one class is present; MID_ESIGNAL if a trace lacks what it needs; MID_EINVAL for an
 *         unknown parameter or a value outside its range; MID_EMISMATCH for answers of different observers or layers;
 *         MID_ELIMIT; MID_ENUMERIC; MID_EPLUGIN; MID_ENOMEM
 */
MID_API mid_status mid_monitor_fit(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *params,
                                   const mid_fit_set *set, mid_weights **out);

typedef struct mid_monitor mid_monitor;

/**
 * Make a monitor ready for one source.
 * @param weights  borrowed for the call; NULL for a monitor that has nothing to learn. Those fitted with aggregators
 *                 (aggregator.h) bring them along: the monitor's score is then theirs
 * @return MID_ESIGNAL if the source lacks a signal; MID_EMISMATCH if the weights belong to another monitor, version
 *         or observer; MID_EFORMAT if a tensor is missing or has the wrong shape; MID_EINVAL; MID_ENOMEM
 */
MID_API mid_status mid_monitor_open(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *params,
                                    const mid_weights *weights, const mid_signals *signals, mid_monitor **out);
/** As above from a fitted file: its metadata names the monitor and holds its parameters. A file that a run left also has
 *  the number "threshold" and the texts "rule" and "promise"; read them with mid_weights_load(). */
MID_API mid_status mid_monitor_load(mid_ctx *ctx, const char *path, const mid_signals *signals, mid_monitor **out);
MID_API void mid_monitor_close(mid_monitor *monitor);
MID_API const mid_monitor_ops *mid_monitor_info(const mid_monitor *monitor);

typedef struct mid_stream mid_stream;

/** @param monitor  borrowed until the stream is closed. @return MID_OK, MID_ENOMEM. */
MID_API mid_status mid_stream_open(mid_ctx *ctx, const mid_monitor *monitor, mid_stream **out);
MID_API void mid_stream_close(mid_stream *stream);
/** Begin a new answer, forgetting the last. @param prompt NULL: unknown.
 *  @return MID_OK; MID_ESIGNAL or MID_ENUMERIC if the prompt lacks what this monitor needs or holds NaN; MID_EPLUGIN. */
MID_API mid_status mid_stream_start(mid_stream *stream, const mid_prompt *prompt);
/**
 * Give the next generated token and read the updated score. Call once per token, in order, after mid_stream_start().
 * The score after token t depends on the prompt and tokens 0..t only, so the caller may act on it before token t+1 exists.
 *
 * @param[out] score  higher = more unsafe; -INFINITY: nothing to say yet (aggregator.h); untouched on error
 * @return MID_OK; MID_ESIGNAL if the step lacks a signal this monitor needs; MID_ENUMERIC on NaN or infinity.
 *         After an error the stream is as it was before the call.
 */
MID_API mid_status mid_stream_push(mid_stream *stream, const mid_step *step, double *score);
/** After a failed start or push: one line for a person. Lives until the monitor is closed. */
MID_API const char *mid_stream_trouble(const mid_stream *stream, mid_status status);
/** Members of a hybrid that went missing since the start, a bit each in their order; 0 for all other monitors. While any
 *  is, no promise that was made for the score holds. */
MID_API uint32_t mid_stream_gone(const mid_stream *stream);
/** Tokens since the start at which a hybrid's i-th member was consulted: all of them, but for a cascade, which asks a
 *  dear member only where it has to. 0 for a member that does not exist, and for all other monitors. */
MID_API uint64_t mid_stream_calls(const mid_stream *stream, size_t i_member);
/** Bytes of one stream's state; a snapshot is that many bytes, good for streams of the same monitor. */
MID_API size_t mid_stream_size(const mid_stream *stream);
MID_API void mid_stream_save(const mid_stream *stream, void *snapshot);
MID_API void mid_stream_restore(mid_stream *stream, const void *snapshot);

/** Score a whole trace: start, then push each step. @param[out] score (n_tok).
 *  @param[out] cost_us (n_tok) microseconds per push, or NULL.
 *  @return what start and push return (the message names the token), or MID_ENOMEM; score may then be half written. */
MID_API mid_status mid_stream_score(mid_ctx *ctx, mid_stream *stream, const mid_trace *trace, double *score, float *cost_us);

#ifdef __cplusplus
}
#endif
#endif
