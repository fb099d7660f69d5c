/* Steps and traces: everything known just after one token, and the steps of one answer kept together.
 * Replaying a trace gives the same steps bit for bit. */
#ifndef MIDSTREAM_TRACE_H
#define MIDSTREAM_TRACE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a step can carry. A monitor names what it needs, a source what it delivers, a step what it has:
 * an absent or untrusted signal is missing (its bit is off), never zero and never "safe". */
enum {
    MID_SIG_TEXT    = 1u << 0,      /* the token's bytes */
    MID_SIG_LOGPROB = 1u << 1,      /* ln p of the token under the distribution it was drawn from */
    MID_SIG_ENTROPY = 1u << 2,      /* that distribution's entropy over the full vocabulary */
    MID_SIG_TOP     = 1u << 3,      /* its most likely tokens */
    MID_SIG_HIDDEN  = 1u << 4,      /* layer outputs after the token has been read; and of the last prompt token */
    MID_SIG_TIME    = 1u << 5       /* wall time the source spent on the token */
};

#define MID_TOP_MAX   20            /* kept alternatives per step */
#define MID_LAYER_MAX 64            /* tapped layers per source */

/** What a source delivers; the same for all its steps. */
typedef struct mid_signals {
    uint32_t have;                  /* MID_SIG_* */
    int n_layer, layer[MID_LAYER_MAX];  /* tapped layers, ascending; layer l is the output of block l, from 0 */
    int n_embd;                     /* width of a hidden row */
    int n_vocab, n_top;
    char observer[65];              /* identity: hash of model file, quantisation and prompt form; "" for text only */
} mid_signals;

/** Everything known just after one token. Pointers are borrowed for the call. */
typedef struct mid_step {
    uint32_t have;                  /* MID_SIG_* present in this very step */
    uint32_t i_tok;                 /* 0 for the answer's first token */
    int32_t token;                  /* id in the source's vocabulary */
    uint32_t at_byte, n_text;       /* where the token starts in the answer, and its length, in bytes */
    const char *text;               /* (n_text) not zero-terminated, may cut a UTF-8 sequence */
    float lp;                       /* ln p of this token, <= 0 */
    float entropy_nats;             /* of the distribution the token was drawn from, 0..ln n_vocab */
    uint32_t n_top;
    const int32_t *top_token;       /* (n_top) most likely first */
    const float *top_lp;            /* (n_top) natural log */
    const float *hidden;            /* (n_layer, n_embd) values already rounded to float16 */
    float time_us;
} mid_step;

/** What is known before the first token: t = 0. */
typedef struct mid_prompt {
    const char *text;               /* zero-terminated user prompt, without the template */
    const float *hidden;            /* (n_layer, n_embd) rows of the last prompt position, or NULL */
} mid_prompt;

/** The steps of one answer. Hidden rows are float16 inside. */
typedef struct mid_trace mid_trace;

/** @param signals copied. @param prompt copied. @param[out] out owned. @return MID_OK, MID_EINVAL, MID_ENOMEM. */
MID_API mid_status mid_trace_open(mid_ctx *ctx, const mid_signals *signals, const mid_prompt *prompt, mid_trace **out);
MID_API void mid_trace_close(mid_trace *trace);
/** Append a copy of a step; its i_tok and at_byte must continue the trace. @return MID_OK, MID_EINVAL, MID_ENOMEM. */
MID_API mid_status mid_trace_append(mid_trace *trace, const mid_step *step);

MID_API uint32_t mid_trace_n_tok(const mid_trace *trace);
MID_API const mid_signals *mid_trace_signals(const mid_trace *trace);
/** The answer's bytes so far, zero-terminated. @param[out] n may be NULL. */
MID_API const char *mid_trace_text(const mid_trace *trace, size_t *n);

/** Floats a caller must provide for mid_trace_step()'s and mid_trace_prompt()'s @c scratch: n_layer * n_embd, may be 0. */
MID_API size_t mid_trace_scratch(const mid_trace *trace);
/** Read one step. @param scratch (mid_trace_scratch()) receives the hidden rows; NULL: the step comes without them.
 *  @param[out] step its pointers live until the trace is closed or scratch is used again. */
MID_API void mid_trace_step(const mid_trace *trace, uint32_t i_tok, float *scratch, mid_step *step);
MID_API void mid_trace_prompt(const mid_trace *trace, float *scratch, mid_prompt *prompt);
/** One hidden row as float32. @param i_layer index into signals->layer. @param i_tok -1 for the last prompt position.
 *  @param[out] row (n_embd). */
MID_API void mid_trace_hidden(const mid_trace *trace, int i_layer, int32_t i_tok, float *row);

/** A trace as bytes: the form the store keeps. @param[out] bytes owned, free with mid_free(). */
MID_API mid_status mid_trace_pack(mid_ctx *ctx, const mid_trace *trace, void **bytes, size_t *n);
/** @return MID_EFORMAT or MID_EVERSION for bytes that are not a trace of this version; never reads past n. */
MID_API mid_status mid_trace_unpack(mid_ctx *ctx, const void *bytes, size_t n, mid_trace **out);
/** Free what the library gave as plain bytes. */
MID_API void mid_free(void *bytes);

#ifdef __cplusplus
}
#endif
#endif
