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

typedef struct mid_fit_set {
    const mid_fit_answer *answer;   /* (n) */
    size_t n;
    uint64_t seed;
    int n_fold;                     /* inner folds for choosing hyper-parameters; 0: 3 */
} mid_fit_set;

/** A monitor's descriptor: one per file, listed in src/monitor/registry.c; a program may pass its own.
 *  A state is state_size zeroed bytes without pointers into itself, so copying it copies the stream. */
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
} mid_monitor_ops;

/** Registry, alphabetical, ends with NULL. Static. */
MID_API const mid_monitor_ops *const *mid_monitor_list(void);
/** @return NULL if there is none of that name. */
MID_API const mid_monitor_ops *mid_monitor_find(const char *name);

/**
 * Learn a monitor's weights. Hyper-parameters (layer, regularisation, sign) are chosen by inner cross-validation on these
 * answers only. The weights carry the monitor's name, version, parameters and observer.
 *
 * @param params  overrides, ends with name NULL; NULL: all defaults
 * @param[out] out  owned; NULL with MID_OK if the monitor has nothing to learn
 * @return MID_EUNDEFINED if only one class is present; MID_ESIGNAL if a trace lacks what it needs; MID_EINVAL for an
 *         unknown parameter or a value outside its range; MID_ECANCEL; MID_ENOMEM
 */
MID_API mid_status mid_monitor_fit(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *params,
                                   const mid_fit_set *set, mid_weights **out);

typedef struct mid_monitor mid_monitor;

/**
 * Make a monitor ready for one source.
 * @param weights  borrowed for the call; NULL for a monitor that has nothing to learn
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
/** Begin a new answer, forgetting the last. @param prompt NULL: unknown. */
MID_API mid_status mid_stream_start(mid_stream *stream, const mid_prompt *prompt);
/**
 * Give the next generated token and read the updated score. Call once per token, in order, after mid_stream_start().
 * The score after token t depends on the prompt and tokens 0..t only, so the caller may act on it before token t+1 exists.
 *
 * @param[out] score  higher = more unsafe; untouched on error
 * @return MID_OK; MID_ESIGNAL if the step lacks a signal this monitor needs; MID_ENUMERIC on NaN or infinity.
 *         After an error the stream is as it was before the call.
 */
MID_API mid_status mid_stream_push(mid_stream *stream, const mid_step *step, double *score);
/** Bytes of one stream's state; a snapshot is that many bytes, good for streams of the same monitor. */
MID_API size_t mid_stream_size(const mid_stream *stream);
MID_API void mid_stream_save(const mid_stream *stream, void *snapshot);
MID_API void mid_stream_restore(mid_stream *stream, const void *snapshot);

/** Score a whole trace: start, then push each step. @param[out] score (n_tok).
 *  @param[out] cost_us (n_tok) microseconds per push, or NULL. */
MID_API mid_status mid_stream_score(mid_ctx *ctx, mid_stream *stream, const mid_trace *trace, double *score, float *cost_us);

#ifdef __cplusplus
}
#endif
#endif
